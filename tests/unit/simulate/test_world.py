from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal

from recsys.domain import DAY, Slate
from recsys.errors import ConfigError, RequestError
from recsys.evaluation.metrics import auc, mean
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.frames import ARTICLES, EVENTS, SLATES
from recsys.simulate import World, oracle_scores, simulate


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(readers=150, articles=900, days=4, seed=11)


@pytest.fixture(scope="module")
def shown(world: World) -> pl.DataFrame:
    """One row for each candidate shown: where, what it is, and whether it was clicked."""
    clicks = world.events.filter(pl.col("kind") == "click").select(
        pl.col("request_id").alias("id"), pl.col("article").alias("candidates"), clicked=pl.lit(1)
    )
    return (
        world.slates.select("id", "reader", "at", "candidates", "scores", "propensities")
        .with_columns(position=pl.int_ranges(pl.col("candidates").list.len()))
        .explode("candidates", "scores", "propensities", "position")
        .join(clicks, on=["id", "candidates"], how="left", maintain_order="left")
        .join(world.articles.select(pl.col("id").alias("candidates"), "published_at", "category"), on="candidates")
        .with_columns(pl.col("clicked").fill_null(0))
    )


def test_same_seed_gives_the_same_world() -> None:
    one, two, other = (simulate(readers=20, articles=200, days=2, seed=seed) for seed in (3, 3, 4))
    for name in ("articles", "events", "slates"):
        assert_frame_equal(getattr(one, name), getattr(two, name))
        assert not getattr(one, name).equals(getattr(other, name))
    assert one.affinities == two.affinities


def test_more_readers_do_not_change_the_articles() -> None:
    few, many = (simulate(readers=readers, articles=200, days=2) for readers in (5, 50))
    assert_frame_equal(few.articles, many.articles)


def test_frames_conform(world: World) -> None:
    for frame, schema in ((world.articles, ARTICLES), (world.events, EVENTS), (world.slates, SLATES)):
        assert dict(frame.schema) == schema
        assert frame.height > 0


def test_ids_are_unique(world: World) -> None:
    for frame in (world.articles, world.events, world.slates):
        assert frame["id"].is_unique().all()


def test_every_field_that_a_ranker_may_need_is_filled(world: World) -> None:
    always = {
        "articles": set(ARTICLES) - {"author", "body", "image_url", "expires_at", "markup", "thread", "reply_to"},
        "events": set(EVENTS) - {"value", "subject"},
        "slates": set(SLATES) - {"page", "model"},
    }
    for name, columns in always.items():
        assert getattr(world, name).select(columns).null_count().sum_horizontal().item() == 0


def test_slates_hold_only_what_was_published_before(shown: pl.DataFrame) -> None:
    assert (shown["published_at"] < shown["at"]).all()


def test_slates_have_eight_to_twenty_different_candidates(world: World) -> None:
    candidates = world.slates["candidates"]
    assert candidates.list.len().is_between(8, 20).all()
    assert (candidates.list.n_unique() == candidates.list.len()).all()
    assert world.slates["ordered"].all()


def test_slates_lie_within_the_days_in_order_of_time(world: World) -> None:
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert world.slates["at"].is_sorted()
    assert world.slates["at"].is_between(start, start + 4 * DAY, closed="left").all()


def test_slates_of_one_reader_are_minutes_apart(world: World) -> None:
    gaps = world.slates.sort("reader", "at").select(pl.col("at").diff().over("reader")).drop_nulls()
    assert gaps["at"].min() >= 5 * 60 * 1_000_000  # type: ignore[operator]


def test_clicks_quote_the_slate_and_the_place_they_happened_in(world: World) -> None:
    clicks = world.events.filter(pl.col("kind") == "click")
    joined = clicks.join(world.slates, left_on="request_id", right_on="id", suffix="_slate")
    assert joined.height == clicks.height
    assert (joined["reader"] == joined["reader_slate"]).all()
    assert (joined["at"] > joined["at_slate"]).all()
    assert (joined["candidates"].list.get(joined["position"]) == joined["article"]).all()


def test_reading_is_known_when_it_ends(world: World) -> None:
    keys = ["request_id", "article"]
    clicks = world.events.filter(pl.col("kind") == "click").select(*keys, clicked_at="at")
    reads = world.events.filter(pl.col("kind") == "read").join(clicks, on=keys)
    assert reads.height == clicks.height
    ended = reads["clicked_at"] + (reads["value"] * 1_000_000).cast(pl.Int64)
    assert (reads["known_at"] - ended).abs().max() <= 1  # type: ignore[operator]
    assert (world.events["known_at"] == world.events["at"]).all()
    assert world.events["known_at"].is_sorted()


def test_no_reader_clicks_an_article_twice(world: World) -> None:
    clicks = world.events.filter(pl.col("kind") == "click")
    assert clicks.select(pl.struct("reader", "article").is_unique().all()).item()


def test_values_are_seconds_and_percent(world: World) -> None:
    values = {kind: group["value"] for (kind,), group in world.events.group_by("kind")}
    assert values["read"].is_between(1.5, 900).all()
    assert values["scroll"].is_between(0, 100).all()
    assert values["click"].is_null().all()


def test_tastes_are_shares_over_the_categories_of_the_paper(world: World) -> None:
    assert set(world.affinities) == set(world.readers.ids)
    for affinity in world.affinities.values():
        assert set(affinity) >= set(world.articles["category"])
        assert sum(affinity.values()) == pytest.approx(1.0)


def test_readers_click_their_top_category_far_above_its_share_of_what_they_saw(
    world: World, shown: pl.DataFrame
) -> None:
    top = {reader: max(affinity, key=lambda name: affinity[name]) for reader, affinity in world.affinities.items()}
    own = shown.with_columns(own=pl.col("category") == pl.col("reader").replace_strict(top))
    seen, clicked = own["own"].mean(), own.filter(pl.col("clicked") == 1)["own"].mean()
    assert clicked > 2 * seen  # type: ignore[operator]


def test_clicked_categories_point_to_the_taste(world: World, shown: pl.DataFrame) -> None:
    """For readers with ten clicks or more, the category clicked most is mostly among their three strongest."""
    clicked: dict[str, Counter[str]] = {}
    for reader, category in shown.filter(pl.col("clicked") == 1).select("reader", "category").iter_rows():
        clicked.setdefault(reader, Counter())[category] += 1
    right = [
        counts.most_common(1)[0][0]
        in sorted(world.affinities[reader], key=world.affinities[reader].__getitem__)[-3:]
        for reader, counts in clicked.items()
        if counts.total() >= 10
    ]
    assert len(right) >= 20
    assert np.mean(right) > 0.6


def test_popularity_is_beaten_by_what_can_be_learnt_and_that_by_the_oracle(
    world: World, shown: pl.DataFrame
) -> None:
    """Learnt is as simple as can be: the reader's click rate on the category so far, times what is popular."""
    start = int(world.slates["at"][0])
    first = shown.filter(pl.col("at") < start + 3 * DAY)
    habits = first.group_by("reader", "category").agg(learnt=(pl.col("clicked").sum() + 0.4) / (pl.len() + 5))
    habit = shown.join(habits, on=["reader", "category"], how="left", maintain_order="left")["learnt"]
    systems = {
        "random": np.random.default_rng(0).random(len(shown)),
        "policy": shown["scores"].to_numpy(),
        "learnt": habit.fill_null(0.08).to_numpy() * np.sqrt(shown["scores"].to_numpy()),
        "oracle": np.concatenate([oracle_scores(world, slate) for slate in slates(world)]),
    }
    last_day = world.slates["at"].to_numpy() >= start + 3 * DAY
    figures = {name: mean(per_slate_auc(world, shown, scores)[last_day]) for name, scores in systems.items()}
    assert 0.45 < figures["random"] < 0.55
    assert figures["random"] + 0.01 < figures["policy"] < figures["learnt"] - 0.01
    assert figures["learnt"] + 0.03 < figures["oracle"]
    assert figures["oracle"] > 0.77


def per_slate_auc(world: World, shown: pl.DataFrame, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    offsets = np.concatenate(([0], np.cumsum(world.slates["candidates"].list.len()))).astype(np.int64)
    return auc(ScoredSlates(scores, shown["clicked"].to_numpy().astype(np.int8), offsets))


def slates(world: World) -> list[Slate]:
    rows = world.slates.select("id", "reader", "at", "known_at", "candidates")
    return [
        Slate(id=id_, reader=reader, at=at, known_at=known, candidates=tuple(candidates))
        for id_, reader, at, known, candidates in rows.iter_rows()
    ]


def test_oracle_refuses_strangers(world: World) -> None:
    reader, article = world.readers.ids[0], world.newsroom.ids[0]
    with pytest.raises(RequestError, match="nobody"):
        oracle_scores(world, Slate(id="s", reader="nobody", at=0, known_at=0, candidates=(article,)))
    with pytest.raises(RequestError, match="nothing"):
        oracle_scores(world, Slate(id="s", reader=reader, at=0, known_at=0, candidates=(article, "nothing")))


@pytest.mark.parametrize("wrong", [{"readers": 0}, {"articles": 0}, {"days": 0}, {"start": datetime(2024, 1, 1)}])
def test_impossible_worlds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        simulate(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("readers", "articles"), [(1, 1), (3, 10), (1, 100)])
def test_tiny_worlds_work(readers: int, articles: int) -> None:
    tiny = simulate(readers=readers, articles=articles, days=3)
    assert tiny.articles.height == articles
    assert dict(tiny.slates.schema) == SLATES
    assert dict(tiny.events.schema) == EVENTS


def test_start_in_another_time_zone_is_the_same_moment() -> None:
    east = datetime(2024, 1, 1, 2, tzinfo=UTC).astimezone(tz=None) - timedelta(hours=2)
    assert_frame_equal(simulate(5, 50, 1, start=east).slates, simulate(5, 50, 1).slates)
