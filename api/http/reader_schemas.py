"""Bodies of the routes of one reader."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.http.schemas import Text

MAX_SUBJECTS = 200


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


Subject = Annotated[Text, Field(min_length=1, max_length=128), AfterValidator(_not_blank)]
"""A topic (category or subcategory), source, author or entity, spelled as in the articles."""

Subjects = Annotated[list[Subject], Field(max_length=MAX_SUBJECTS)]


class PreferencesIn(BaseModel):
    """All preferences of a reader; those not listed are removed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"follow": ["local"], "mute": ["celebrities"]}]}
    )

    follow: Subjects = []
    focus: Subjects = []
    mute: Subjects = []

    @model_validator(mode="after")
    def _each_in_one_list(self) -> "PreferencesIn":
        subjects = [*set(self.follow), *set(self.focus), *set(self.mute)]
        repeated = sorted({subject for subject in subjects if subjects.count(subject) > 1})
        if repeated:
            raise ValueError(f"{repeated[0]!r} may be in only one of follow, focus and mute")
        return self


class PreferencesOut(BaseModel):
    """Topics, sources, authors and entities that a reader follows, focuses on and muted."""

    follow: list[str]
    focus: list[str]
    mute: list[str]
    warnings: list[str] = []


class Learning(BaseModel):
    """State of learning from one reader. During a pause, nothing that the reader is shown or reads is stored."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"paused": True}]})

    paused: bool


class WeighedOut(BaseModel):
    """A topic, source or entity, and its share of the reader's attention."""

    name: str
    weight: float


class WeighedReadOut(BaseModel):
    """A past read: dwell in seconds, its quantile among the reader's reads, and its share of the attention.

    `action`: read to the end, read, opened, saved, shared, commented on, liked, or saw. A saved article may never
    have been opened.
    """

    article: str
    title: str
    category: str | None
    source: str | None
    at: str
    action: str
    seconds: float | None
    quantile: float | None
    weight: float


class AttentionOut(BaseModel):
    """Learned attention of a reader: subjects and reads with weights, and explicit preferences.

    `entities`: the ten with the largest share of the reads, each with that of all reads that name it.
    `learning_paused`: nothing is learned from what the reader does now.
    """

    reader: str
    model: str
    as_of: str
    categories: list[WeighedOut]
    sources: list[WeighedOut]
    entities: list[WeighedOut]
    reads: list[WeighedReadOut]
    preferences: PreferencesOut
    learning_paused: bool


class ExportOut(BaseModel):
    """All stored data of a reader: rows by table, times as ISO 8601, and the titles of articles."""

    reader: str
    exported_at: str
    tables: dict[str, list[dict[str, Any]]]
    rejected: list[dict[str, Any]]


class ReceiptOut(BaseModel):
    """Proof of an erasure; docs/security.md describes how to check it. `counts`: deleted rows by table."""

    id: str
    seq: int
    at: int
    salt: str
    reader_hash: str
    counts: dict[str, int]
    digest: str
    rejects: int
