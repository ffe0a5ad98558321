import numpy as np
import polars as pl
import pytest

from recsys.domain import Article
from recsys.feed.selection.caps import MAX_SHARE, caps
from recsys.frames import articles_frame
from recsys.state.catalog import Catalog


@pytest.fixture
def catalog() -> Catalog:
    """Twenty articles: every second one is sport, and all but two are from the house itself."""
    made = Catalog()
    made.reserve(20)
    made.upsert(np.arange(20), frame())
    return made


def frame() -> pl.DataFrame:
    return articles_frame(
        Article(
            id=str(i), title="T", category="sport" if i % 2 else "world", source="agency" if i < 2 else "house"
        )
        for i in range(20)
    )


def test_a_reader_who_reads_one_thing_may_get_as_much_of_it(catalog: Catalog) -> None:
    sport = np.arange(1, 20, 2)
    category, _ = caps(catalog, np.arange(20), np.append(sport, [0]))
    most = category.most(10)
    assert most[catalog.categories.get("sport")] == 10
    assert most[catalog.categories.get("world")] == 10 * MAX_SHARE


def test_only_the_cap_of_a_category_may_be_exceeded(catalog: Catalog) -> None:
    limits = caps(catalog, np.arange(20), np.arange(5), posts=True)
    assert [limit.firm for limit in limits] == [False, True, True]


def test_readers_of_whom_little_is_known_exceed_no_cap(catalog: Catalog) -> None:
    assert all(limit.firm for limit in caps(catalog, np.arange(20), np.arange(4), posts=True))


def test_a_few_reads_are_no_mix(catalog: Catalog) -> None:
    category, _ = caps(catalog, np.arange(20), np.asarray([1, 3, 5]))
    assert category.most(10).tolist() == [4, 4]


@pytest.mark.parametrize("reads", [0, 4, 12])
def test_the_feed_of_a_section_may_be_of_its_category_and_not_of_one_source(catalog: Catalog, reads: int) -> None:
    category, source = caps(catalog, np.arange(0, 20, 2), np.arange(reads))
    assert category.most(10)[catalog.categories.get("world")] == 10
    assert source.most(10)[catalog.sources.get("agency")] == 4


def test_a_slate_may_be_from_one_source_if_nearly_all_articles_are(catalog: Catalog) -> None:
    _, source = caps(catalog, np.arange(20), np.zeros(0, dtype=np.int64))
    most = source.most(10)
    assert most[catalog.sources.get("house")] == 9
    assert most[catalog.sources.get("agency")] == 4


def test_no_candidates_have_no_caps(catalog: Catalog) -> None:
    assert all(len(cap.most(5)) == 0 for cap in caps(catalog, np.zeros(0, dtype=np.int64), np.arange(12)))


def test_a_slate_of_one_may_hold_anything(catalog: Catalog) -> None:
    assert all((cap.most(1) == 1).all() for cap in caps(catalog, np.arange(20), np.arange(12)))


def test_exempt_articles_count_for_no_group(catalog: Catalog) -> None:
    exempt = np.arange(20) < 4
    for cap in caps(catalog, np.arange(20), np.zeros(0, dtype=np.int64), exempt):
        assert (cap.codes[:4] == -1).all()
        assert (cap.codes[4:] >= 0).all()
