"""Messages of a stream → rows with the fields of the generic formats: JSON, and CloudEvents 1.0.

A CloudEvent comes in the structured mode (the body is the envelope), as a batch of envelopes, or in the binary
mode (the body is the data, headers are the attributes). Source: CloudEvents 1.0.2, JSON event format.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from ingest import reasons
from ingest.field_names import Kind, canonical_names, kind_of
from ingest.raw_batch import RAW_CHARS
from ingest.reasons import Problem

MOST_ROWS = 1_000
"""Rows of one message, as of one HTTP request."""

_TYPES: dict[str, Kind] = {"event": "events", "events": "events", "article": "articles", "articles": "articles"}
"""Kinds by the last part of a CloudEvent's type. `impression` is not among them: events have that kind, too, so
the fields of a row decide."""

_LISTS: dict[str, Kind] = {"events": "events", "articles": "articles", "impressions": "impressions"}
"""Kinds by the name of the list in the body of a request."""

_PREFIXES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
"""Prefixes of attributes among headers: of HTTP and NATS, Kafka, and AMQP (two forms)."""


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """Message as a broker delivered it.

    headers: names in lower case. position: the same at every delivery of this message. at: time at the broker,
    microseconds; None if it gives none. handle: for the acknowledgement, known to the broker's adapter alone.
    """

    body: bytes
    position: str
    headers: Mapping[str, str] = field(default_factory=dict)
    at: int | None = None
    handle: object = None


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One row of a message, or the problem because of which it is none.

    place: of the row among all messages, the same at every delivery. content: the row, or the start of a body.
    """

    place: str
    content: object
    kind: Kind | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Origin:
    """Place, id, time and kind that rows have if they do not name their own. named: text that makes the id."""

    place: str
    named: str
    at: object
    kind: Kind | None

    @property
    def id(self) -> str:
        """Hash of `named`; computed only for the rows that need it."""
        return hashlib.blake2b(self.named.encode(errors="replace"), digest_size=16).hexdigest()


def rows_of(message: StreamMessage, kind: Kind | None = None, most_bytes: int | None = None) -> list[StreamRow]:
    """Return the rows of a message.

    An event or impression without an id or a time gets that of its envelope or message.

    Args:
        message: as the broker delivered it.
        kind: of all rows; by default the type of the CloudEvent decides, else the fields of each row.
        most_bytes: longest body; None for no limit.
    """
    if most_bytes is not None and len(message.body) > most_bytes:
        return [_unread(message, reasons.too_long(most_bytes))]
    try:
        content = json.loads(message.body.decode()) if message.body else {}
    except UnicodeDecodeError:
        return [_unread(message, reasons.NO_UTF8)]
    except (ValueError, RecursionError):
        return [_unread(message, reasons.NO_JSON)]
    rows = _rows(message, content, kind)
    return rows if len(rows) <= MOST_ROWS else [_unread(message, reasons.MANY_ROWS)]


def _rows(message: StreamMessage, content: object, kind: Kind | None) -> list[StreamRow]:
    own = _Origin(message.position, message.position, message.at, kind)
    attributes = _header_attributes(message.headers) if message.headers else {}
    if "specversion" in attributes:
        return _data_rows(content, _origin(attributes, own))
    if _is_envelope(content):
        return _envelope_rows(content, own)
    if isinstance(content, list) and content and all(map(_is_envelope, content)):
        parts = (_envelope_rows(envelope, _part(own, index)) for index, envelope in enumerate(content))
        return [row for part in parts for row in part]
    return _data_rows(content, own)


def _header_attributes(headers: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in headers.items():
        if name.startswith(_PREFIXES):
            prefix = next(each for each in _PREFIXES if name.startswith(each))
            found[name.removeprefix(prefix)] = value
    return found


def _is_envelope(content: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(content, dict) and "specversion" in content and "type" in content


def _origin(attributes: Mapping[str, object], message: _Origin) -> _Origin:
    """Return the origin that a CloudEvent names: `source` and `id` together are unique (specification, 3.1.1)."""
    last_part = str(attributes.get("type", "")).lower().replace("/", ".").rpartition(".")[2]
    named = attributes.get("id")
    return _Origin(
        message.place,
        message.named if named is None else f"{attributes.get('source', '')}\n{named}",
        attributes.get("time") or message.at,
        message.kind or _TYPES.get(last_part),
    )


def _envelope_rows(envelope: Mapping[str, object], message: _Origin) -> list[StreamRow]:
    origin = _origin(envelope, message)
    encoded = envelope.get("data_base64")
    if not isinstance(encoded, str):
        return _data_rows(envelope.get("data"), origin)
    try:
        data = json.loads(base64.b64decode(encoded, validate=True).decode())
    except (ValueError, RecursionError):
        return [_refused(origin, envelope, reasons.NO_JSON, "data_base64")]
    return _data_rows(data, origin)


def _data_rows(data: object, origin: _Origin) -> list[StreamRow]:
    """Return the rows of an object, an array of objects, or the body of a request, like {"events": […]}."""
    if isinstance(data, dict) and len(data) == 1:
        name, listed = next(iter(data.items()))
        if name in _LISTS and isinstance(listed, list):
            named = _Origin(origin.place, origin.named, origin.at, _LISTS[name])
            return [_row(row, _part(named, index)) for index, row in enumerate(listed)]
    if isinstance(data, list):
        return [_row(row, _part(origin, index)) for index, row in enumerate(data)]
    return [_row(data, origin)]


def _part(origin: _Origin, index: int) -> _Origin:
    return _Origin(f"{origin.place}/{index}", f"{origin.id}/{index}", origin.at, origin.kind)


def _row(row: object, origin: _Origin) -> StreamRow:
    if not isinstance(row, dict):
        return _refused(origin, row, reasons.NO_OBJECT)
    kind = origin.kind or kind_of(row)
    if kind is None:
        return _refused(origin, row, reasons.NO_KIND)
    return StreamRow(origin.place, row if kind == "articles" else _complete(row, origin, kind), kind)


def _complete(row: dict[str, object], origin: _Origin, kind: Kind) -> dict[str, object]:
    """Fill in the id and the time of an event or impression, if no field of any name gives them."""
    field_of = canonical_names(kind).of
    given = {field_of(name) for name, value in row.items() if value is not None}
    missing = {"id": origin.id} if "id" not in given else {}
    if "at" not in given and origin.at is not None:
        return {**row, **missing, "at": origin.at}
    return {**row, **missing} if missing else row


def _refused(origin: _Origin, row: object, problem: str, name: str = "row") -> StreamRow:
    return StreamRow(origin.place, row, problem=Problem.of(name, problem))


def _unread(message: StreamMessage, problem: str) -> StreamRow:
    start = message.body[: 4 * RAW_CHARS].decode(errors="replace")[:RAW_CHARS]
    return StreamRow(message.position, start, problem=Problem.of("message", problem))
