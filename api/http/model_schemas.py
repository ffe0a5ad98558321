"""Bodies of the routes of models."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class ModelOut(BaseModel):
    """A trained bundle. `validation`: metrics by system. `problem`: why it cannot serve, or null."""

    version: str
    active: bool
    trained_until: str | None
    validation: dict[str, Any]
    problem: str | None


class Trial(BaseModel):
    """An experiment with a challenger beside the active bundle.

    The challenger answers a `share` of the readers, and makes shadow slates for a share (`shadow`) of the other
    readers' feeds. Into a share (`interleave`) of these feeds its slate is interleaved.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": "…", "share": 0.1}]})

    version: Annotated[str, Field(min_length=1, max_length=200)]
    share: Share = 0.0
    shadow: Share = 0.0
    interleave: Share = 0.0


class ModelsOut(BaseModel):
    """All bundles, the version that this process serves, and the running experiment."""

    serving: str
    models: list[ModelOut]
    trial: Trial | None


class VersionOut(BaseModel):
    """The version that is active now, or whose experiment has ended."""

    version: str
