"""CloudEvents 1.0 that Attune sends, in the structured JSON mode. Source: CloudEvents specification 1.0.2."""

import json
from collections.abc import Mapping
from dataclasses import fields

from api.application.iso_time import to_iso
from api.application.stream_ingestion import DeadLetter
from api.streams.stream_broker import OutgoingMessage
from recsys.domain import Event, Slate

SOURCE = "/attune/log"
CONTENT_TYPE = "application/cloudevents+json"

_HEADERS = {"content-type": CONTENT_TYPE}


def log_row_message(row: Event | Slate) -> OutgoingMessage:
    """Return a row of the log as a CloudEvent: its id is the row's id, and its key the reader.

    The type is `attune.event` or `attune.impression`; `data` has the fields of the row that have a value.
    """
    kind = "event" if isinstance(row, Event) else "impression"
    data = {field.name: value for field in fields(row) if (value := getattr(row, field.name)) is not None}
    envelope = {"id": row.id, "source": SOURCE, "type": f"attune.{kind}", "time": to_iso(row.at), "data": data}
    return _message(row.id, envelope, key=row.reader)


def dead_letter_message(letter: DeadLetter, source: str) -> OutgoingMessage:
    """Return a row that is not stored as a CloudEvent of type `attune.rejected`, with its reason and its fix.

    source: address of the topic that the row came from.
    """
    problem = letter.problem
    data = {"reason": problem.reason, "value": problem.value, "fix": problem.fix, "row": letter.content}
    envelope = {"id": letter.place, "source": source, "type": "attune.rejected", "data": data}
    return _message(letter.place, envelope)


def _message(id_: str, envelope: Mapping[str, object], key: str = "") -> OutgoingMessage:
    content = {"specversion": "1.0", "datacontenttype": "application/json", **envelope}
    body = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return OutgoingMessage(id_, body, key, _HEADERS)
