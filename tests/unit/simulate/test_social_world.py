"""The simulated social network: same seed, same world; causal; its truth bounds every feed."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, SECOND
from recsys.errors import ConfigError
from recsys.simulate.social.social_communities import from_follows, mutual_information
from recsys.simulate.social.social_truth import Outcome, best_slate, slate_value
from recsys.simulate.social.social_value import likes_of_followed
from recsys.simulate.social.social_world import SocialWorld, simulate_social
from recsys.simulate.world import START
from recsys.state.live_state import LiveState


def small(seed: int = 7) -> SocialWorld:
    return simulate_social(people=40, posts=300, days=2, communities=3, seed=seed)


@pytest.fixture(scope="module")
def world() -> SocialWorld:
    return small()


def test_the_same_seed_gives_the_same_world(world: SocialWorld) -> None:
    again = small()
    assert again.events.equals(world.events)
    assert again.slates.equals(world.slates)
    assert again.posts.frame.equals(world.posts.frame)
    assert not small(8).events.equals(world.events)


def test_replies_come_after_what_they_reply_to_and_keep_its_thread(world: SocialWorld) -> None:
    posts = world.posts
    replies = np.flatnonzero(posts.reply_to >= 0)
    assert len(replies) > 10
    above = posts.reply_to[replies]
    assert (posts.published_at[above] <= posts.published_at[replies]).all()
    assert (posts.root[above] == posts.root[replies]).all()
    comments = world.events.filter(pl.col("kind") == "comment")
    assert comments.height == len(replies)


def test_slates_show_only_posts_that_exist_by_others_that_were_not_opened(world: SocialWorld) -> None:
    place = {id_: number for number, id_ in enumerate(world.posts.ids.tolist())}
    opened: set[tuple[str, str]] = set()
    clicks = world.events.filter(pl.col("kind") == "click").select("request_id", "article").rows()
    for slate in world.slates.iter_rows(named=True):
        shown = [place[id_] for id_ in slate["candidates"]]
        assert (world.posts.published_at[shown] < slate["at"]).all()
        assert slate["reader"] not in world.people.readers.ids[world.posts.author[shown]]
        assert not {(slate["reader"], id_) for id_ in slate["candidates"]} & opened
        opened |= {(slate["reader"], article) for request, article in clicks if request == slate["id"]}


def test_follows_stay_mostly_within_communities(world: SocialWorld) -> None:
    who, whom = np.nonzero(world.people.follows)
    same = world.people.community[who] == world.people.community[whom]
    assert same.mean() > 0.7
    assert not world.people.follows.diagonal().any()


def test_likes_of_followed_people_match_a_plain_count(world: SocialWorld) -> None:
    at = round(START.timestamp()) * SECOND + DAY
    found = likes_of_followed(world, at)
    ids = world.people.readers.ids.tolist()
    liked = world.events.filter(pl.col("kind").is_in(["like", "share", "save"]) & (pl.col("known_at") < at))
    pairs = {(ids.index(reader), article) for reader, article in liked.select("reader", "article").rows()}
    for post in (*range(0, 300, 37), int(found.sum(axis=0).argmax())):
        fans = [reader for reader, article in pairs if article == world.posts.ids[post]]
        assert found[:, post].tolist() == world.people.follows[:, fans].sum(axis=1).tolist()


def test_the_best_slate_beats_every_other_one() -> None:
    rng = np.random.default_rng(3)
    of = Outcome(rng.uniform(0, 0.6, 6), rng.uniform(0.1, 1.5, 6), rng.uniform(0.1, 1.0, 6))

    def rate(order: np.ndarray) -> float:
        value, minutes = slate_value(of, order)
        return value / minutes

    best = max(rate(np.asarray(order)) for order in permutations(range(6), 3))
    assert rate(best_slate(of, 3)) == pytest.approx(best)


def test_communities_are_recovered_from_the_follow_graph() -> None:
    world = simulate_social(people=90, posts=50, days=1, communities=3)
    state = LiveState()
    state.apply(state.encode(world.events.filter(pl.col("kind") == "follow"), world.slates[:0]))
    found = from_follows(state, world.people.readers.ids.tolist(), 3, np.random.default_rng(0))
    assert mutual_information(world.people.community, found) > 0.8


def test_mutual_information_of_known_partitions() -> None:
    one = np.array([0, 0, 1, 1])
    assert mutual_information(one, np.array([1, 1, 0, 0])) == pytest.approx(1)
    assert mutual_information(one, np.array([0, 1, 0, 1])) == pytest.approx(0, abs=1e-12)


def test_a_simulation_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="two people for each community"):
        simulate_social(people=3, communities=2)
    with pytest.raises(ConfigError, match="time zone"):
        simulate_social(people=12, posts=10, start=START.replace(tzinfo=None))
