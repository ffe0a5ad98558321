"""Bodies of what is asked and said about one reader."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.http.schemas import Text

MAX_SUBJECTS = 200


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


Subject = Annotated[Text, Field(min_length=1, max_length=128), AfterValidator(_named)]
"""A topic (category or subcategory) or a source, spelled as articles spell it."""

Subjects = Annotated[list[Subject], Field(max_length=MAX_SUBJECTS)]


class PreferencesIn(BaseModel):
    """All that holds from now on; what is not named is taken back."""

    model_config = ConfigDict(extra="forbid")

    follow: Subjects = []
    focus: Subjects = []
    mute: Subjects = []

    @model_validator(mode="after")
    def _one_word_on_each(self) -> "PreferencesIn":
        named = [*set(self.follow), *set(self.focus), *set(self.mute)]
        twice = sorted({subject for subject in named if named.count(subject) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is named in more than one of follow, focus and mute")
        return self


class PreferencesOut(BaseModel):
    """What a reader said of topics and sources."""

    follow: list[str]
    focus: list[str]
    mute: list[str]


class WeighedOut(BaseModel):
    """A topic or source, and its share of the reader's attention."""

    name: str
    weight: float


class WeighedReadOut(BaseModel):
    """A past read: dwell in seconds, and its quantile for such articles, if known; its share of the attention."""

    article: str
    title: str
    category: str | None
    source: str | None
    at: str
    seconds: float | None
    quantile: float | None
    weight: float


class AttentionOut(BaseModel):
    """What Attune believes a reader attends to."""

    reader: str
    model: str
    as_of: str
    categories: list[WeighedOut]
    sources: list[WeighedOut]
    reads: list[WeighedReadOut]
    preferences: PreferencesOut


class ExportOut(BaseModel):
    """Everything stored about a reader: rows by table, times in microseconds since 1970-01-01 UTC."""

    reader: str
    exported_at: str
    tables: dict[str, list[dict[str, Any]]]
    rejected: list[dict[str, Any]]


class ReceiptOut(BaseModel):
    """Proof of an erasure: docs/security.md tells how to check it. `counts` are rows by table."""

    id: str
    seq: int
    at: int
    salt: str
    reader_hash: str
    counts: dict[str, int]
    digest: str
    rejects: int
