"""People of the simulated social network: readers who write, in planted communities, and whom they follow."""

from dataclasses import dataclass, replace

import numpy as np

from recsys.simulate.language import TOPICS
from recsys.simulate.newsroom import Bools, Floats, Ints
from recsys.simulate.readers import Readers, recruit

TOPICS_OF_COMMUNITY = 4
COMMUNITY_SHARE = 0.7  # of a person's interest; the remaining part is personal
PERSONAL_FOCUS = 0.1  # Dirichlet concentration of the personal part over all topics
FOLLOWED = 18.0  # median number of people that a person follows
WITHIN = 0.85  # share of follows within the community
FOLLOW_BACK = 0.35
CHARM = 0.6  # standard deviation over authors
BOND = 0.6  # standard deviation over pairs of a reader and an author
POSTS_SPREAD = 0.8  # of the logarithm of a person's share of all posts


@dataclass(frozen=True, eq=False)
class People:
    """People [R]; each is a reader and an author under one id.

    Attributes:
        readers: ids, visits and reading speed; `affinity` [R, topics] follows from the communities.
        community: int64 [R].
        follows: bool [R, R], follower × followed.
        charm: float64 [R], attraction of an author's posts for all.
        bond: float64 [R, R], attraction of an author's posts for one reader.
        activity: float64 [R], share of all posts.
    """

    readers: Readers
    community: Ints
    follows: Bools
    charm: Floats
    bond: Floats
    activity: Floats


def gather(people: int, communities: int, rng: np.random.Generator) -> People:
    """Draw people with interests by community, and a follow graph mostly within communities."""
    for_readers, for_tastes, for_graph, for_authors = rng.spawn(4)
    community = for_tastes.permutation(np.arange(people) % communities)
    charm = for_authors.normal(0, CHARM, people)
    activity = for_authors.lognormal(0, POSTS_SPREAD, people)
    return People(
        readers=replace(recruit(people, for_readers), affinity=_tastes(community, communities, for_tastes)),
        community=community,
        follows=_follows(community, charm, for_graph),
        charm=charm,
        bond=for_authors.normal(0, BOND, (people, people)),
        activity=activity / activity.sum(),
    )


def _tastes(community: Ints, communities: int, rng: np.random.Generator) -> Floats:
    """Return the affinity of each person to each topic [R, topics]; rows sum to 1."""
    shared = np.zeros((communities, len(TOPICS)))
    for row in shared:
        topics = rng.choice(len(TOPICS), TOPICS_OF_COMMUNITY, replace=False)
        row[topics] = rng.dirichlet(np.full(TOPICS_OF_COMMUNITY, 4.0))
    personal = rng.dirichlet(np.full(len(TOPICS), PERSONAL_FOCUS), len(community))
    even = 0.1 / len(TOPICS)
    return 0.9 * (COMMUNITY_SHARE * shared[community] + (1 - COMMUNITY_SHARE) * personal) + even


def _follows(community: Ints, charm: Floats, rng: np.random.Generator) -> Bools:
    people = len(community)
    follows = np.zeros((people, people), dtype=np.bool_)
    counts = np.clip(FOLLOWED * rng.lognormal(0, 0.5, people), 3, people / 3).astype(np.int64)
    for person, count in enumerate(counts.tolist()):
        same = community == community[person]
        weights = np.exp(charm) * np.where(same, WITHIN / same.sum(), (1 - WITHIN) / max((~same).sum(), 1))
        weights[person] = 0.0
        # a follow is kept or not independently: expected number `count`
        follows[person] = rng.random(people) < np.minimum(count * weights / weights.sum(), 1.0)
    back = follows.T & (rng.random((people, people)) < FOLLOW_BACK)
    return follows | back
