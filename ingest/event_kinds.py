"""Names that social networks give to the kinds of events: one meaning has one kind in the log."""

from recsys.domain import EventKind

KIND_ALIASES: dict[str, EventKind] = {
    "reply": EventKind.COMMENT,
    "boost": EventKind.SHARE,
    "reblog": EventKind.SHARE,
    "repost": EventKind.SHARE,
    "bookmark": EventKind.SAVE,
    "favourite": EventKind.LIKE,
    "favorite": EventKind.LIKE,
    "block": EventKind.MUTE,
    "unblock": EventKind.UNMUTE,
}
"""Alias in lower case → kind."""


def kind_name(given: str) -> str:
    """Return the name of the kind that `given` means, in lower case; an unknown name stays as it is."""
    name = given.lower()
    return str(KIND_ALIASES.get(name, name))
