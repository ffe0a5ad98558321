"""Bodies of what is said about models."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class ModelOut(BaseModel):
    """A trained bundle. `validation` are its metrics by system; `problem` is why it could not serve."""

    version: str
    active: bool
    trained_until: str | None
    validation: dict[str, Any]
    problem: str | None


class Trial(BaseModel):
    """A bundle tried beside the one that serves.

    It answers a `share` of the readers, and ranks so many (`shadow`) of the others' feeds without being shown.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": "…", "share": 0.1}]})

    version: Annotated[str, Field(min_length=1, max_length=200)]
    share: Share = 0.0
    shadow: Share = 0.0


class ModelsOut(BaseModel):
    """All bundles, the version that this process answers with, and what is on trial beside it."""

    serving: str
    models: list[ModelOut]
    trial: Trial | None


class VersionOut(BaseModel):
    """The version that serves from now on, or is tried no more."""

    version: str
