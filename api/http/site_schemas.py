"""Bodies that pages send with a site key. Unknown fields are ignored: browsers keep old and new trackers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_EVENTS = 200

_EVENT = {"id": "3b0f…", "kind": "read", "article": "a7", "value": 48.5, "at": "2026-11-26T10:00:00Z"}

Visitor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
"""Random id that a browser keeps. Knowing it is enough to write as this visitor, and to erase it."""


class SiteBody(BaseModel):
    """Key of the site, and who the reader is: a reader token, or a random id of the browser."""

    site_key: str | None = Field(None, max_length=128)
    token: str | None = Field(None, max_length=8_192)
    visitor: Visitor | None = None


class CollectIn(SiteBody):
    """Up to 200 events of one reader, with the fields id, kind, article, value, request_id, position and at.

    `kind`: impression, click, read (`value`: seconds), scroll (`value`: per cent), like, dislike, save, share or
    hide; with a reader token any kind, also those about a `subject`.

    `sent_at`: when the page sends this, by the clock of the browser. If that clock is wrong by more than two
    seconds, `at` of all events is corrected by the difference. No event is later than its receipt.
    """

    sent_at: datetime | None = None

    events: list[Any] = Field(min_length=1, max_length=MOST_EVENTS, examples=[[_EVENT]])


class CollectEraseIn(SiteBody):
    """The visitor to erase, or the token of the reader to erase."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_key": "att_…", "visitor": "k3J9sPq0Zr7uVw1xYb2c4d"}]}
    )

    @model_validator(mode="after")
    def _has_reader(self) -> "CollectEraseIn":
        if self.visitor is None and self.token is None:
            raise ValueError("give visitor or token: it names who is erased")
        return self
