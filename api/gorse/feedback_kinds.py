"""Event kinds of Gorse's feedback types, by the table in ATTUNE_GORSE_FEEDBACK."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from api.gorse.gorse_schemas import FeedbackIn, SessionFeedbackIn, micros
from api.http.problems import HTTPProblem
from recsys.domain import PREFERENCE_KINDS, EventKind, HistoryItem
from recsys.errors import ConfigError
from recsys.store.gorse_feedback import event_id

Kinds = Mapping[str, EventKind]

_NO_INTEREST = frozenset({EventKind.IMPRESSION, EventKind.DISLIKE, EventKind.HIDE})


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
        raise HTTPProblem(422, "Unknown feedback type", unknown_type(type_, kinds))
    return kinds[type_]


def unknown_type(type_: str, kinds: Kinds) -> str:
    """Return a message about an unknown feedback type, with a line to paste into the settings."""
    table = ",".join(f"{name}={kind}" for name, kind in {**kinds, type_: EventKind.CLICK}.items())
    return (
        f"unknown feedback type {type_!r}: choose its kind of event and set it, for a click for example "
        f"ATTUNE_GORSE_FEEDBACK={table}"
    )


def session_history(session: Sequence[SessionFeedbackIn], kinds: Kinds) -> tuple[HistoryItem, ...]:
    """Return the readings in a session. Feedback that shows no interest is no reading; `Value`: seconds of a read.

    Raises:
        HTTPProblem: 422, a feedback type is unknown.
    """
    found = [
        (each, kind_of(each.FeedbackType, kinds) if each.FeedbackType else EventKind.READ) for each in session
    ]
    return tuple(
        HistoryItem(each.ItemId, each.Value or None if kind is EventKind.READ else None, micros(each.Timestamp))
        for each, kind in found
        if kind not in _NO_INTEREST
    )


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
        "at": at,
        "value": feedback.Value if measured or feedback.Value else None,
    }
