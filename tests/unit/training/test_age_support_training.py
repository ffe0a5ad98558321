"""Learning which ages a log supports, from slates whose fading is known."""

import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, HOUR
from recsys.ranking.age_support import AgeSupport
from recsys.state.position_bias import examination_probability
from recsys.training.age_support_training import ShownAges, learn_age_support, missed_fading

FADING = {"sport": 0.08, "travel": 0.01}
PLACES = 10


def slates(count: int, longest: float, seed: int = 3) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Slates of ten articles younger than `longest` hours. The policy shows good articles for longer."""
    rng = np.random.default_rng(seed)
    articles = 300
    category = rng.choice(list(FADING), articles)
    published = rng.integers(0, 20 * DAY, articles)
    level = rng.normal(0, 0.8, articles)
    rate = np.asarray([FADING[name] for name in category])
    look = examination_probability(np.arange(1, PLACES + 1))
    rows = []
    for at in np.sort(rng.integers(2 * DAY, 20 * DAY, count)):
        age = (at - published) / HOUR
        weight = np.where((age >= 0) & (age < longest), np.exp(level * age / longest), 0.0)
        if np.count_nonzero(weight) < PLACES:
            continue
        chosen = rng.choice(articles, PLACES, replace=False, p=weight / weight.sum())
        chance = look * 0.25 * np.exp(level[chosen] - rate[chosen] * age[chosen])
        clicked = rng.random(PLACES) < np.minimum(chance, 1.0)
        rows.append((int(at), [f"a{each}" for each in chosen], clicked.astype(int).tolist(), True))
    frame = pl.DataFrame(rows, schema=["at", "candidates", "labels", "ordered"], orient="row")
    return frame, pl.DataFrame(
        {"id": [f"a{i}" for i in range(articles)], "category": category.tolist(), "published_at": published}
    )


@pytest.fixture(scope="module")
def learned() -> AgeSupport:
    found = learn_age_support(ShownAges.of(*slates(6_000, 36.0)))
    assert found is not None
    return found


def test_the_support_ends_where_nearly_all_shown_articles_are_younger(learned: AgeSupport) -> None:
    assert {ages.hours for ages in learned.categories.values()}.isdisjoint({0.0})
    for ages in (learned.overall, *learned.categories.values()):
        assert 33 < ages.hours < 36


def test_fading_is_that_of_one_article_whatever_the_policy_chose_to_show(learned: AgeSupport) -> None:
    for name, fading in FADING.items():
        assert learned.categories[name].fading == pytest.approx(fading, abs=0.012)
    assert FADING["travel"] < learned.overall.fading < FADING["sport"]


def scored(learned: AgeSupport, known: float, newest: int) -> tuple[ShownAges, np.ndarray]:
    """Exposures, and scores of the newest ones by a ranker that knows the mean fading, and a share of the rest."""
    shown = ShownAges.of(*slates(6_000, 36.0, seed=4))
    fading = np.asarray([FADING[name] for name in shown.names])[shown.category]
    mean = learned.overall.fading
    log_odds = -(mean + known * (fading - mean)) * shown.hours + np.log(shown.look)
    return shown, 2 * log_odds[len(log_odds) - newest :]


@pytest.mark.parametrize("known", [0.0, 0.6])
def test_the_missed_share_is_the_rest_of_the_fading(learned: AgeSupport, known: float) -> None:
    assert missed_fading(learned, *scored(learned, known, 20_000)) == pytest.approx(1 - known, abs=0.2)


def test_scores_that_fade_by_category_miss_nothing(learned: AgeSupport) -> None:
    assert missed_fading(learned, *scored(learned, 1.0, 20_000)) < 0.1
    assert missed_fading(learned, *scored(learned, 2.0, 20_000)) == 0


def test_a_few_exposures_show_nothing_that_is_missed(learned: AgeSupport) -> None:
    shares = [missed_fading(learned, *scored(learned, 0.0, count)) for count in (20, 200, 20_000)]
    assert shares[0] == 0
    assert shares[2] > 0.7


def test_exposures_stand_in_the_order_of_the_slates_whatever_that_of_the_articles() -> None:
    """The last ones are those that have scores."""
    frame, articles = slates(50, 36.0)
    shown = ShownAges.of(frame, articles.sample(fraction=1.0, shuffle=True, seed=5))
    flat = frame.explode("candidates", "labels")
    assert shown.clicked.tolist() == flat["labels"].to_list()
    kinds = dict(articles.select("id", "category").iter_rows())
    assert [shown.names[code] for code in shown.category] == [kinds[id_] for id_ in flat["candidates"]]


def test_equal_scores_or_equal_fading_leave_nothing_to_learn(learned: AgeSupport) -> None:
    shown, scores = scored(learned, 0.0, 1_000)
    assert missed_fading(learned, shown, np.zeros(1_000)) == 0
    assert missed_fading(AgeSupport(learned.overall, {}), shown, scores) == 0


def test_ages_of_unordered_slates_count_every_place_fully() -> None:
    frame, articles = slates(50, 36.0)
    shown = ShownAges.of(frame.with_columns(ordered=pl.lit(False)), articles)
    assert (shown.look == 1).all()


def test_an_article_without_a_time_ages_from_its_first_slate() -> None:
    frame, articles = slates(200, 36.0)
    shown = ShownAges.of(frame, articles.with_columns(published_at=pl.lit(None, dtype=pl.Int64)))
    first = np.full(shown.article.max() + 1, np.inf)
    np.minimum.at(first, shown.article, shown.hours)
    assert (first == 0).all()


def test_an_article_that_was_never_described_has_no_category() -> None:
    frame, articles = slates(2_000, 36.0)
    found = learn_age_support(ShownAges.of(frame, articles.filter(pl.col("category") == "sport")))
    assert found is not None
    assert found.categories.keys() == {"sport"}


def test_a_small_log_supports_no_ages() -> None:
    assert learn_age_support(ShownAges.of(*slates(20, 36.0))) is None


def test_without_clicks_nothing_is_known() -> None:
    frame, articles = slates(500, 36.0)
    quiet = frame.with_columns(pl.col("labels").list.eval(pl.element() * 0))
    assert learn_age_support(ShownAges.of(quiet, articles)) is None


def test_articles_shown_at_one_age_only_do_not_fade() -> None:
    frame, articles = slates(2_000, 36.0)
    shown = ShownAges.of(frame, articles)
    found = learn_age_support(ShownAges(**{**vars_of(shown), "hours": np.full(len(shown.hours), 5.0)}))
    assert found is not None
    assert found.overall.fading == 0
    assert {ages.fading for ages in found.categories.values()} == {0.0}


def vars_of(shown: ShownAges) -> dict[str, object]:
    return {name: getattr(shown, name) for name in ShownAges.__slots__}
