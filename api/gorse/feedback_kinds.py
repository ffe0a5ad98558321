"""Event kinds of Gorse's feedback types, by the table in ATTUNE_GORSE_FEEDBACK."""

import hashlib
import json
from collections.abc import Mapping

from api.application.iso_time import to_iso
from api.gorse.gorse_schemas import FeedbackIn, micros
from api.http.problems import HTTPProblem
from recsys.domain import PREFERENCE_KINDS, EventKind
from recsys.errors import ConfigError
from recsys.store.gorse_feedback import event_id

Kinds = Mapping[str, EventKind]


def kinds_of(table: str) -> Kinds:
    """Parse ``star=like,view=click`` to kinds by type.

    Raises:
        ConfigError: the table is not valid, or names a kind that does not apply to articles.
    """
    kinds = {}
    for pair in filter(None, (each.strip() for each in table.split(","))):
        type_, _, kind = (part.strip() for part in pair.partition("="))
        if not type_ or kind not in set(EventKind) - PREFERENCE_KINDS:
            known = ", ".join(sorted(set(EventKind) - PREFERENCE_KINDS))
            raise ConfigError(f"ATTUNE_GORSE_FEEDBACK: {pair!r} is not TYPE=KIND with a kind of {known}")
        kinds[type_] = EventKind(kind)
    return kinds


def kind_of(type_: str, kinds: Kinds) -> EventKind:
    """Return the kind of a feedback type.

    Raises:
        HTTPProblem: 422, the type is not in the table.
    """
    if type_ not in kinds:
        detail = f"unknown feedback type {type_!r}: add it to ATTUNE_GORSE_FEEDBACK as {type_}=KIND"
        raise HTTPProblem(422, "Unknown feedback type", detail)
    return kinds[type_]


def event_of(feedback: FeedbackIn, kinds: Kinds, received_at: int) -> dict[str, object]:
    """Return feedback as a row of the log. The same feedback has the same id, so sending it again changes nothing.

    A read of zero seconds means that the item was opened for an unknown time: a click.
    """
    kind = kind_of(feedback.FeedbackType, kinds)
    measured = kind in (EventKind.READ, EventKind.SCROLL)
    sent_at = micros(feedback.Timestamp)
    at = received_at if sent_at is None else sent_at
    if measured and feedback.Value <= 0:
        kind, measured = EventKind.CLICK, False
    content = [feedback.FeedbackType, feedback.UserId, feedback.ItemId, at, feedback.Value]
    digest = hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()
    return {
        "id": event_id(digest, feedback.FeedbackType),
        "reader": feedback.UserId,
        "article": feedback.ItemId,
        "kind": kind,
        "at": to_iso(at),
        "value": feedback.Value if measured or feedback.Value else None,
    }
