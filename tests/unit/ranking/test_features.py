import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.features.feature_set import ALL_FEATURES, FAMILIES, FEED_FEATURES, LISTWISE, TEXT_FREE
from recsys.ranking.query import FloatArray, listwise_percentiles
from tests.unit.ranking.requests import CANDIDATES, features, made_up_state, request

NAN = float("nan")
STATE = made_up_state()


@pytest.fixture(scope="module")
def mine() -> dict[str, FloatArray]:
    return features(request(state=STATE))


@pytest.fixture(scope="module")
def strangers() -> dict[str, FloatArray]:
    return features(request(reader="nobody", state=STATE))


def near(*values: float) -> object:
    return pytest.approx(values, nan_ok=True, rel=1e-6)


def test_clicks_decay_and_count_on_a_log_scale(mine: dict[str, FloatArray]) -> None:
    assert mine["clicks_7d"] == near(np.log(4), 0, 0, 0, 0)


def test_shares_are_of_what_all_articles_got(mine: dict[str, FloatArray]) -> None:
    shown = np.asarray([0.25 + 2**-16, 0.25, 0, 2**-16, 0])
    assert mine["impression_share_15m"] == near(*np.log((shown + 0.05) / (shown.sum() + 1)))
    clicks = np.asarray([3.0, 0, 0, 0, 0])
    every_click = 3 + 2.0 ** (-5 / 168)
    assert mine["click_share_7d"] == near(*np.log((clicks + 0.05) / (every_click + 1)))


def test_click_through_of_slates_is_shrunk_to_that_of_all_articles(mine: dict[str, FloatArray]) -> None:
    """The click on 'also read' answers no slate: it is no part of any rate."""
    first, second = 2.0 ** (-4 / 168), 2.0 ** (-0.5 / 168)
    overall = 3 / (2 * first + 2 * second)
    shown = np.asarray([first + second, second, 0, first, 0])
    attribute_click = np.asarray([3, 0, 0, 0, 0])
    assert mine["ctr_7d"] == near(*((attribute_click + 10 * overall) / (shown + 10)))


def test_dwell_is_shrunk_to_the_habit(mine: dict[str, FloatArray]) -> None:
    assert mine["dwell_7d"] == pytest.approx([100.0] * 5, rel=0.01)


def test_velocity_is_what_the_last_minutes_say_over_the_last_hours(mine: dict[str, FloatArray]) -> None:
    assert mine["click_velocity"] == near(np.log(49) - np.log(4), 0, 0, 0, 0)


def test_age_is_since_publication_or_else_since_first_shown(mine: dict[str, FloatArray]) -> None:
    assert mine["hours_since_published"] == near(2, 1, 240, NAN, NAN)
    assert mine["hours_since_shown"] == near(4, 0.5, NAN, 4, NAN)
    assert mine["age"] == near(2, 1, 240, 4, 0)
    assert mine["age_listwise"] == near(0.5, 0.3, 0.9, 0.7, 0.1)


def test_attention_goes_to_the_categories_that_were_read_for_long(mine: dict[str, FloatArray]) -> None:
    fade_read, fade_click = 2.0 ** (-1 / 168), 2.0 ** (-5 / 168)
    read, clicked = np.log1p(100) * fade_read, np.log1p(20) * fade_click
    share = read / (read + clicked)
    assert mine["category_attention"] == near(share, 0, share, 0, 0)
    assert mine["subcategory_attention"] == near(share, 0, 0, 0, 0)
    assert mine["source_attention"] == near(share, 0, 0, 0, 0)
    assert mine["category_share"] == near(0.5, 0, 0.5, 0, 0)
    assert mine["category_share_recent"] == near(0.5, 0, 0.5, 0, 0)


def test_a_reader_without_history_has_no_affinity(strangers: dict[str, FloatArray]) -> None:
    for name in ("category_attention", "subcategory_attention", "category_share", "category_attention_listwise"):
        assert np.isnan(strangers[name]).all()


def test_heat_is_that_of_the_candidates_category(mine: dict[str, FloatArray]) -> None:
    shown = 2.0 ** (-4 / 48) + 2.0 ** (-0.5 / 48)
    assert mine["category_ctr_2d"][[0, 2]] == near((3 + 1) / (shown + 10), (3 + 1) / (shown + 10))
    undated = 1 / (2.0 ** (-4 / 48) + 10)
    assert mine["category_ctr_2d"][[3, 4]] == near(undated, undated)


def test_interest_is_passed_on_with_its_rank(mine: dict[str, FloatArray]) -> None:
    lengths = np.asarray([float(len(name)) for name in CANDIDATES])
    assert mine["preference"] == near(*lengths)
    assert mine["content"] == near(*(lengths / 2))
    for place, name in enumerate(("mean_read", "nearest_read", "last_read", "taste", "taste_expected"), start=2):
        assert mine[name] == near(*(lengths / 2**place))
    assert mine["nearest_passed"] == near(*(lengths / 2**7))
    assert mine["taste_listwise"] == near(*mine["content_listwise"])
    assert mine["content_listwise"] == near(0.2, 0.5, 0.2, 0.7, 0.9)


def test_articles_shown_to_the_reader_and_opened(
    mine: dict[str, FloatArray], strangers: dict[str, FloatArray]
) -> None:
    assert mine["times_shown"] == near(2, 1, 0, 1, 0)
    assert mine["hours_since_shown_to_reader"] == near(0.5, 0.5, NAN, 4, NAN)
    assert features(request(("read", "hot", "also read"), state=STATE))["already_read"] == near(1, 0, 1)
    assert strangers["times_shown"] == near(0, 0, 0, 0, 0)
    assert np.isnan(strangers["hours_since_shown_to_reader"]).all()


def test_circumstances_of_article_reader_and_moment(mine: dict[str, FloatArray]) -> None:
    assert mine["words"] == near(NAN, 300, NAN, NAN, NAN)
    assert mine["title_chars"] == near(3, 9, 3, 7, NAN)
    assert mine["paid"] == near(NAN, NAN, 1, NAN, NAN)
    assert mine["hour_of_day"] == near(*([6] * 5))
    assert mine["day_of_week"] == near(*([(20_000 + 4) % 7] * 5))
    assert mine["history_length"] == near(*([2] * 5))
    assert mine["hours_since_last_read"] == near(*([1] * 5))
    assert mine["median_dwell"] == near(*([100] * 5))


@pytest.mark.parametrize(
    ("device", "code"), [("desktop", 1), ("2", 2), ("tablet", 3), ("watch", NAN), (None, NAN)]
)
def test_devices_are_known_by_name_or_official_number(device: str | None, code: float) -> None:
    assert features(request(("hot",), device=device, state=STATE))["device"] == near(code)


def test_position_is_read_in_training_and_constant_in_serving(mine: dict[str, FloatArray]) -> None:
    assert mine["position"] == near(0, 0, 0, 0, 0)
    trained = features(request(("hot", "cold"), positions=np.asarray([4.0, 2.0]), state=STATE))
    assert trained["position"] == near(4, 2)


@settings(deadline=None, max_examples=40)
@given(chosen=st.lists(st.sampled_from([*CANDIDATES, "read", "also read"]), min_size=1, max_size=12))
def test_only_setwise_features_depend_on_the_other_candidates(chosen: list[str]) -> None:
    """Neither the slate's order nor its length nor what else is in it may be seen."""
    together = features(request(tuple(chosen), state=STATE))
    for place, name in enumerate(chosen):
        alone = features(request((name,), state=STATE))
        for column, values in together.items():
            if not column.endswith(LISTWISE):
                np.testing.assert_array_equal(values[place], alone[column][0], err_msg=column)


@settings(deadline=None, max_examples=20)
@given(order=st.permutations(CANDIDATES))
def test_setwise_features_do_not_depend_on_the_order(order: list[str]) -> None:
    shuffled, sorted_ = features(request(tuple(order), state=STATE)), features(request(state=STATE))
    back = [order.index(name) for name in CANDIDATES]
    for column, values in shuffled.items():
        np.testing.assert_array_equal(values[back], sorted_[column], err_msg=column)


def test_a_request_without_candidates_has_features_without_rows() -> None:
    assert ALL_FEATURES.compute(request((), state=STATE)).shape == (0, len(ALL_FEATURES.names))


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        ([10.0, 30.0, 20.0], [1 / 6, 5 / 6, 3 / 6]),
        ([5.0, 5.0], [0.5, 0.5]),
        ([1.0, NAN, 2.0, 1.0], [1 / 3, NAN, 5 / 6, 1 / 3]),
        ([NAN, NAN], [NAN, NAN]),
        ([-np.inf, np.inf], [0.25, 0.75]),
        ([7.0], [0.5]),
        ([], []),
    ],
)
def test_percentile_is_the_share_below_with_ties_half(values: list[float], shares: list[float]) -> None:
    assert listwise_percentiles(np.asarray(values, dtype=np.float64)[:, None])[:, 0] == near(*shares)


def plain_percentile(column: FloatArray) -> FloatArray:
    known = column[~np.isnan(column)]
    shares = [(known < x).sum() + (known == x).sum() / 2 for x in column]
    return np.where(np.isnan(column), NAN, np.asarray(shares) / max(len(known), 1))


_values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e9, 1e9), st.just(NAN), st.just(-0.0))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n=st.integers(1, 15), k=st.integers(1, 4))
def test_percentiles_of_all_columns_equal_counting_one_by_one(data: st.DataObject, n: int, k: int) -> None:
    table = np.asarray(data.draw(st.lists(_values, min_size=n * k, max_size=n * k))).reshape(n, k)
    expected = np.column_stack([plain_percentile(column) for column in table.T])
    np.testing.assert_allclose(listwise_percentiles(table), expected, rtol=1e-12)


def test_names_are_unique_and_every_family_gives_one_column_a_name() -> None:
    assert len(set(ALL_FEATURES.names)) == len(ALL_FEATURES.names)
    for family in FAMILIES:
        assert family.compute(request(state=STATE)).shape == (len(CANDIDATES), len(family.names)), family.name


def test_leaving_a_family_out_changes_the_schema() -> None:
    assert "content" not in TEXT_FREE.names
    assert TEXT_FREE.schema_id != ALL_FEATURES.schema_id
    everything = ALL_FEATURES.compute(request(state=STATE))
    fewer = TEXT_FREE.compute(request(state=STATE))
    np.testing.assert_array_equal(everything[:, ALL_FEATURES.columns_of(TEXT_FREE)], fewer)


def test_features_of_feeds_are_those_that_no_other_candidate_changes() -> None:
    assert set(FEED_FEATURES.names) == {name for name in ALL_FEATURES.names if not name.endswith(LISTWISE)}
    together = FEED_FEATURES.compute(request(state=STATE))
    assert together.shape == (len(CANDIDATES), len(FEED_FEATURES.names))
    for place, name in enumerate(CANDIDATES):
        np.testing.assert_array_equal(FEED_FEATURES.compute(request((name,), state=STATE))[0], together[place])
