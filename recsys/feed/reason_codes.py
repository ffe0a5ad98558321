"""Reasons of items: a code for each fact, and its sentence in English. `api/http/messages` has other languages."""

from collections.abc import Mapping

from recsys.domain import Reason
from recsys.feed.past_actions import PastAction

LIKED_BY_FOLLOWED, FOLLOWS_YOU, YOUR_THREAD = "liked_by_followed", "follows_you", "your_thread"
FOLLOWED, TOPIC, ENTITY, POPULAR, FRESH, DIFFERENT = (
    "you_follow",
    "topic_you_read",
    "entity_you_read",
    "popular_now",
    "fresh",
    "something_different",
)
BECAUSE: Mapping[PastAction, str] = {
    PastAction.SAVED: "because_you_saved",
    PastAction.SHARED: "because_you_shared",
    PastAction.COMMENTED: "because_you_commented",
    PastAction.LIKED: "because_you_liked",
    PastAction.READ_TO_THE_END: "because_you_read_to_the_end",
    PastAction.READ: "because_you_read",
    PastAction.OPENED: "because_you_opened",
    PastAction.SCROLLED: "because_you_saw",
}
"""Code of the reason that names a past read, by what the reader did with it."""

ENGLISH: Mapping[str, str] = {
    **{code: f"Because you {action}: {{title}}" for action, code in BECAUSE.items()},
    FOLLOWED: "You follow {subject}",
    LIKED_BY_FOLLOWED: "Liked by people you follow: {people}",
    FOLLOWS_YOU: "Follows you: {subject}",
    YOUR_THREAD: "From a conversation that you took part in",
    TOPIC: "{percent}% of what you opened recently is {category}",
    ENTITY: "You opened {count} articles about {entity}",
    POPULAR: "Many readers open this now",
    FRESH: "New",
    DIFFERENT: "Something different",
}
"""Sentence of each code, with its parameters in braces."""

_KINDS = {BECAUSE[PastAction.READ_TO_THE_END]: BECAUSE[PastAction.READ]}
"""Codes that are more exact than their kind. All others are their own kind."""


def reason(code: str, article: str | None = None, weight: float | None = None, **params: str | int) -> Reason:
    """Return the reason that states the fact `code`. Its sentence needs exactly these `params`."""
    return Reason(_KINDS.get(code, code), code, params, ENGLISH[code].format_map(params), article, weight)
