"""Gorse's feedback types → kinds of events, by the table in ATTUNE_GORSE_FEEDBACK."""

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
    """``star=like,view=click`` → by type.

    Raises:
        ConfigError: the table is not one, or names a kind that is not done to an article.
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
    """The kind that a type stands for.

    Raises:
        Refusal: 422, nobody said what the type means.
    """
    if type_ not in kinds:
        detail = f"feedback type {type_!r} means nothing here: add it to ATTUNE_GORSE_FEEDBACK as {type_}=KIND"
        raise HTTPProblem(422, "There is no such feedback type", detail)
    return kinds[type_]


def event_of(feedback: FeedbackIn, kinds: Kinds, received_at: int) -> dict[str, object]:
    """A row for the log. The same feedback has the same id, so that sending it again changes nothing.

    A read of no seconds tells that the item was opened, not for how long: a click.
    """
    kind = kind_of(feedback.FeedbackType, kinds)
    measured = kind in (EventKind.READ, EventKind.SCROLL)
    told_at = micros(feedback.Timestamp)
    at = received_at if told_at is None else told_at
    if measured and feedback.Value <= 0:
        kind, measured = EventKind.CLICK, False
    told = [feedback.FeedbackType, feedback.UserId, feedback.ItemId, at, feedback.Value]
    digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()
    return {
        "id": event_id(digest, feedback.FeedbackType),
        "reader": feedback.UserId,
        "article": feedback.ItemId,
        "kind": kind,
        "at": to_iso(at),
        "value": feedback.Value if measured or feedback.Value else None,
    }
