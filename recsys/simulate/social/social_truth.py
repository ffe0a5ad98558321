"""True behaviour on posts: chance of an opening, its value and its minutes. The log does not contain it."""

from dataclasses import dataclass

import numpy as np

from recsys.domain import HOUR
from recsys.simulate.newsroom import Bools, Floats, Ints
from recsys.simulate.social.social_people import People
from recsys.simulate.social.social_posts import Posts
from recsys.simulate.truth import chance, examination

BASE = -2.2  # log-odds of opening a new post of average topic by a stranger
INTEREST, FOLLOWED, FOLLOWS_BACK, PROOF, OWN_THREAD = 0.75, 0.5, 0.4, 0.45, 0.8  # log-odds
STALENESS, HALF_LIFE, STALEST = 0.3, 10.0, 4.0  # per half-life of ten hours, up to four of them
LIKED, BOOSTED, SAVED = 0.55, 0.12, 0.08  # chances after an opening, for a perfect match of topic
OPEN_VALUE, LIKE_VALUE, BOOST_VALUE, SAVE_VALUE = 0.2, 1.0, 2.0, 1.0
SCAN_MINUTES, OPEN_MINUTES = 3 / 60, 4 / 60  # to look at a post in the feed; to open it, before reading


@dataclass(frozen=True, slots=True)
class Outcome:
    """Expected outcome of posts for one reader, all [n].

    opening: chance of an opening if the reader looks. value, minutes: given the opening.
    """

    opening: Floats
    value: Floats
    minutes: Floats


@dataclass(frozen=True, slots=True)
class Ties:
    """Ties of a reader to posts [n]. proof: followed people who liked each; joined: True in own threads."""

    proof: Ints
    joined: Bools


def outcome(people: People, posts: Posts, reader: int, post: Ints, at: int, ties: Ties) -> Outcome:
    """Return the expected outcome of `post` [n] for `reader` at `at` (microseconds), with `ties` to them."""
    author = posts.author[post]
    match = topic_match(people, posts, reader, post)
    age = np.clip((at - posts.published_at[post]) / HOUR / HALF_LIFE, 0, STALEST)
    logit = (
        BASE
        + INTEREST * interest(people, posts, reader, post)
        + FOLLOWED * people.follows[reader, author]
        + FOLLOWS_BACK * people.follows[author, reader]
        + people.charm[author]
        + people.bond[reader, author]
        + posts.appeal[post]
        + PROOF * np.log1p(ties.proof)
        + OWN_THREAD * ties.joined
        - STALENESS * age
    )
    value = OPEN_VALUE + match * (LIKED * LIKE_VALUE + BOOSTED * BOOST_VALUE + SAVED * SAVE_VALUE)
    minutes = OPEN_MINUTES + posts.words[post] / people.readers.words_a_minute[reader]
    return Outcome(chance(logit), value, minutes)


def interest(people: People, posts: Posts, reader: int, post: Ints) -> Floats:
    """Return the log-ratio of the reader's affinity for the topic to an even one [n]."""
    affinity = people.readers.affinity
    return np.asarray(np.log(affinity[reader, posts.topic[post]] * affinity.shape[1]))


def topic_match(people: People, posts: Posts, reader: int, post: Ints) -> Floats:
    """Return the match of the topic in 0..1 [n]: the chances of reactions are in proportion to it."""
    return chance(0.9 * interest(people, posts, reader, post))


def slate_value(of: Outcome, order: Ints) -> tuple[float, float]:
    """Return the expected engaged value and the expected minutes of a slate: places of `of` [k], best first."""
    seen = examination(np.arange(len(order))) * of.opening[order]
    minutes = SCAN_MINUTES * len(order) + float((seen * of.minutes[order]).sum())
    return float((seen * of.value[order]).sum()), minutes


def best_slate(of: Outcome, limit: int) -> Ints:
    """Return the places [k] of the slate with the most engaged value per minute.

    Dinkelbach's method (1967): the best ratio λ is the one at which value − λ · minutes of the best slate is 0;
    for a fixed λ the best slate holds the largest gains, in their order.
    """
    rate = 0.0
    order = np.zeros(0, dtype=np.int64)
    for _ in range(20):
        order = np.argsort(-of.opening * (of.value - rate * of.minutes), kind="stable")[:limit]
        value, minutes = slate_value(of, order)
        if value / max(minutes, 1e-9) - rate < 1e-9:
            break
        rate = value / minutes
    return order
