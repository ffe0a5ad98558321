"""Bodies of what is said about models."""

from typing import Any

from pydantic import BaseModel


class ModelOut(BaseModel):
    """A trained bundle. `validation` are its metrics by system; `problem` is why it could not serve."""

    version: str
    active: bool
    trained_until: str | None
    validation: dict[str, Any]
    problem: str | None


class ModelsOut(BaseModel):
    """All bundles, and the version that this process answers with."""

    serving: str
    models: list[ModelOut]


class ActivatedOut(BaseModel):
    """The version that serves from now on."""

    version: str
