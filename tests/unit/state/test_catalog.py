import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.state.catalog import MOST_ENTITIES, NEVER, Catalog
from recsys.state.flat_arrays import grow
from recsys.state.vocabulary import UNKNOWN, Vocabulary


def described(*articles: Article) -> Catalog:
    catalog = Catalog()
    catalog.reserve(10)
    catalog.upsert(np.arange(len(articles)), articles_frame(articles))
    return catalog


def test_every_column_of_an_article_is_kept() -> None:
    full = Article(
        id="x",
        title="Title",
        abstract=None,
        body=None,
        category="news",
        subcategory="local",
        entities=(),
        source="agency",
        published_at=9,
        word_count=300,
        access="paid",
        expires_at=10,
    )
    catalog = described(full)
    assert catalog.titles[0] == "Title"
    assert catalog.categories.strings[catalog.category[0]] == "news"
    assert catalog.subcategories.strings[catalog.subcategory[0]] == "local"
    assert catalog.sources.strings[catalog.source[0]] == "agency"
    assert (catalog.published[0], catalog.words[0], catalog.title_chars[0], catalog.paid[0]) == (9, 300, 5, 1)
    assert catalog.expires[0] == 10


def test_the_first_entities_of_an_article_are_kept_once_whatever_their_case() -> None:
    many = tuple(f"e{place}" for place in range(MOST_ENTITIES + 3))
    articles = [
        Article(id="x", title="X", entities=("Ada", " ada", "Bob")),
        Article(id="y", title="Y"),
        Article(id="z", title="Z", entities=("BOB", *many)),
    ]
    catalog = described(*articles)
    names = [
        [catalog.entities.strings[code] for code in row if code != UNKNOWN] for row in catalog.entity.tolist()
    ]
    assert names[:3] == [["Ada", "Bob"], [], ["Bob", *many[: MOST_ENTITIES - 1]]]
    last = catalog.entities.lookup([many[-1], "Ada"])
    assert catalog.has_entity(last[:1]).tolist()[:3] == [False, False, True], "also beyond the first ones"
    assert catalog.has_entity(last).tolist()[:3] == [True, False, True]
    catalog.upsert(np.asarray([0]), articles_frame([Article(id="x", title="X")]))
    catalog.delete(np.asarray([2]))
    assert (catalog.entity == UNKNOWN).all()
    assert not catalog.has_entity(last).any()


def test_missing_fields_of_an_article_are_unknown_not_zero() -> None:
    catalog = described(Article(id="x", title="Title"))
    assert (catalog.category[0], catalog.subcategory[0], catalog.source[0]) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert catalog.published[0] == catalog.expires[0] == NEVER
    assert np.isnan([catalog.words[0], catalog.paid[0]]).all()


def test_free_articles_are_not_paid() -> None:
    assert described(Article(id="x", title="t", access="free")).paid[0] == 0.0


def test_rows_never_described_are_marked() -> None:
    catalog = described(Article(id="x", title="Title"))
    assert catalog.described[:2].tolist() == [True, False]
    assert catalog.category[1] == UNKNOWN
    assert np.isnan(catalog.title_chars[1])


def test_an_expiry_goes_with_a_deletion_or_a_change() -> None:
    catalog = described(Article(id="x", title="X", expires_at=5), Article(id="y", title="Y", expires_at=6))
    catalog.delete(np.asarray([0]))
    catalog.upsert(np.asarray([1]), articles_frame([Article(id="y", title="Y")]))
    assert catalog.expires[:2].tolist() == [NEVER, NEVER]


def test_describing_again_replaces_everything() -> None:
    catalog = described(Article(id="x", title="Old", category="a", word_count=5))
    catalog.upsert(np.asarray([0]), articles_frame([Article(id="x", title="New title", category="b")]))
    assert (catalog.titles[0], catalog.title_chars[0]) == ("New title", 9)
    assert catalog.categories.strings[catalog.category[0]] == "b"
    assert np.isnan(catalog.words[0])


@given(st.lists(st.text(max_size=3)))
def test_vocabulary_gives_dense_ids_in_order_of_first_meeting(strings: list[str]) -> None:
    vocabulary = Vocabulary()
    ids = vocabulary.intern(strings)
    assert [vocabulary.strings[i] for i in ids] == strings
    assert vocabulary.strings == list(dict.fromkeys(strings))
    assert vocabulary.lookup(strings).tolist() == ids.tolist()


def test_vocabulary_does_not_learn_from_questions() -> None:
    vocabulary = Vocabulary(["a"])
    assert vocabulary.lookup(["b", "a"]).tolist() == [UNKNOWN, 0]
    assert (vocabulary.get("b"), vocabulary.get(None), vocabulary.get("a"), len(vocabulary)) == (-1, -1, 0, 1)


def test_arrays_grow_by_doubling_and_keep_their_rows() -> None:
    array = grow(np.arange(20), 21, fill=-1)
    assert len(array) == 40
    assert array[:20].tolist() == list(range(20))
    assert set(array[20:]) == {-1}
    assert grow(array, 40) is array
