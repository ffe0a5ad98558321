"""Articles that change while others are encoded: an old row never comes back."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys.domain import Article, MatchField, Rule, RuleKind
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded
from recsys.errors import EncoderError, StoreError
from recsys.frames import articles_frame
from recsys.projection import log_follower
from recsys.projection.full_fold import FoldedLog
from recsys.serving.live_engine import MOST_TOGETHER, LiveEngine
from recsys.settings import Settings
from recsys.state import stories
from recsys.store import articles, erasure, rules, withdrawals
from recsys.store.database import Connection, Database
from tests.trained import HashEncoder, world


class Interrupted(HashEncoder):
    """Something happens while it encodes; then it may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] | None = None
        self.fails = False

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
            if self.fails:
                raise EncoderError("no weights")
        return super().encode(texts)


@pytest.fixture
def encoder() -> Interrupted:
    return Interrupted()


@pytest.fixture
def live(sqlite_database: Database, tmp_path: Path, encoder: Interrupted) -> LiveEngine:
    with sqlite_database.write() as connection:
        articles.upsert(connection, world().articles.head(20))
    settings = Settings(home=tmp_path, index="exact", _env_file=None)  # type: ignore[call-arg]
    made = LiveEngine(sqlite_database, settings, encoder)
    made.start()
    made.refresh_articles()
    return made


ID = world().articles["id"][0]
OTHER = world().articles["id"][1]


def change(database: Database, article: str, title: str) -> None:
    with database.write() as connection:
        row = world().articles.head(20).filter(world().articles.head(20)["id"] == article)
        articles.upsert(connection, row.with_columns(title=row["title"].str.replace(".*", title)))


def delete(database: Database, article: str) -> None:
    with database.write() as connection:
        assert articles.delete(connection, article)


def refold(live: LiveEngine, database: Database) -> None:
    """Fold the log again, as an erasure does; the vectors move to the new state."""
    with database.write() as connection:
        erasure.append_erasure(connection, erasure.SYSTEM_READER, 1, {"events": 1})
    with live.lock:
        live.catch_up()


def title(live: LiveEngine, article: str) -> str:
    state = live.engine.state
    return str(state.catalog.titles[state.rows_of([article])[0]])


def is_known(live: LiveEngine, article: str) -> bool:
    state = live.engine.state
    return bool(state.catalog.described[state.rows_of([article])[0]])


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("folded_anew", [False, True])
def test_an_article_deleted_while_it_is_encoded_stays_deleted(
    live: LiveEngine, encoder: Interrupted, sqlite_database: Database, fails: bool, folded_anew: bool
) -> None:
    def meanwhile() -> None:
        delete(sqlite_database, ID)
        if folded_anew:
            refold(live, sqlite_database)

    change(sqlite_database, ID, "Changed")
    encoder.meanwhile, encoder.fails = meanwhile, fails
    with suppress(EncoderError):
        live.refresh_articles()
    for _ in range(3):
        assert not is_known(live, ID)
        assert live.engine.index is not None
        assert ID not in live.engine.index.ids()
        assert not live.summaries.of([ID])
        live.refresh_articles()
    assert is_known(live, OTHER)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("folded_anew", [False, True])
def test_the_newest_text_of_an_article_wins_that_changes_while_it_is_encoded(
    live: LiveEngine, encoder: Interrupted, sqlite_database: Database, fails: bool, folded_anew: bool
) -> None:
    def meanwhile() -> None:
        change(sqlite_database, ID, "Newest")
        if folded_anew:
            refold(live, sqlite_database)

    change(sqlite_database, ID, "Older")
    encoder.meanwhile, encoder.fails = meanwhile, fails
    with suppress(EncoderError):
        live.refresh_articles()
    assert title(live, ID) == "Newest"
    live.refresh_articles()
    assert title(live, ID) == "Newest"
    assert live.serving.unencoded.is_empty()


def test_nothing_is_lost_when_another_article_changes_while_one_is_encoded(
    live: LiveEngine, encoder: Interrupted, sqlite_database: Database
) -> None:
    change(sqlite_database, ID, "Changed")
    encoder.meanwhile = lambda: change(sqlite_database, OTHER, "Changed too")
    live.refresh_articles()
    assert (title(live, ID), title(live, OTHER)) == ("Changed", "Changed too")
    assert live.serving.unencoded["id"].to_list() == [OTHER]
    live.refresh_articles()
    assert live.serving.unencoded.is_empty()


def news(*ids: str) -> pl.DataFrame:
    return articles_frame([Article(id=id_, title=f"The bridge of {id_} is closed", published_at=1) for id_ in ids])


def test_the_first_articles_of_an_import_are_searchable_while_the_others_are_encoded(
    sqlite_database: Database, live: LiveEngine, encoder: Interrupted
) -> None:
    ids = [f"n{number}" for number in range(MOST_TOGETHER + 2)]
    with sqlite_database.write() as connection:
        articles.upsert(connection, news(*ids))
    searchable: list[int] = []

    def note() -> None:
        assert live.engine.index is not None
        searchable.append(len(set(ids) & set(live.engine.index.ids())))
        if len(searchable) == 1:
            encoder.meanwhile = note
        else:
            with sqlite_database.write() as connection:
                articles.upsert(connection, news(ids[0]).with_columns(title=pl.lit("The bridge is open again")))
                assert articles.delete(connection, ids[-1])

    encoder.meanwhile = note
    assert live.refresh_articles()
    assert searchable == [0, MOST_TOGETHER]
    assert not is_known(live, ids[-1])
    assert title(live, ids[0]) == "The bridge is open again"
    assert live.serving.unencoded["id"].to_list() == [ids[0]], "it was stored meanwhile"
    assert live.refresh_articles()
    assert live.serving.unencoded.is_empty()
    assert live.engine.index is not None
    assert set(ids[:-1]) <= set(live.engine.index.ids())


def test_news_that_arrives_while_an_archive_is_imported_is_searchable_before_the_rest_of_it(
    sqlite_database: Database, live: LiveEngine, encoder: Interrupted
) -> None:
    archive = news(*(f"n{number}" for number in range(2 * MOST_TOGETHER + 1)))
    with sqlite_database.write() as connection:
        articles.upsert(connection, archive)
    searchable: list[bool] = []

    def note() -> None:
        assert live.engine.index is not None
        searchable.append("today" in live.engine.index.ids())
        if len(searchable) < 3:
            encoder.meanwhile = note
        if len(searchable) == 1:
            with sqlite_database.write() as connection:
                articles.upsert(connection, news("today").with_columns(published_at=2))

    encoder.meanwhile = note
    assert live.refresh_articles()
    assert searchable == [False, False, True]


def add_rule(database: Database, id_: str) -> None:
    times = {"starts_at": 0, "created_at": 1, "created_by": "cli"}
    rule = Rule(id=f"rule-{id_}", kind=RuleKind.BREAKING, field=MatchField.ARTICLE, match=id_, **times)  # type: ignore[arg-type]
    with database.write() as connection:
        rules.add(connection, rule)


def placed(live: LiveEngine) -> list[str]:
    return [live.engine.state.articles.strings[row] for rows in live.engine.rules.rows for row in rows.tolist()]


@pytest.mark.parametrize("rule_first", [True, False])
def test_breaking_news_does_not_wait_until_it_is_encoded(
    sqlite_database: Database, live: LiveEngine, encoder: Interrupted, rule_first: bool
) -> None:
    if rule_first:
        add_rule(sqlite_database, "quake")
        live.refresh_rules(2)
    with sqlite_database.write() as connection:
        articles.upsert(connection, news("quake"))

    def meanwhile() -> None:
        if not rule_first:
            add_rule(sqlite_database, "quake")
            live.refresh_rules(2)
        assert placed(live) == ["quake"]
        assert "quake" in live.summaries.of(["quake"])
        assert not live.engine.vectors.has(live.engine.state.rows_of(["quake"]))[0]

    encoder.meanwhile = meanwhile
    live.refresh_articles()
    assert placed(live) == ["quake"]
    assert live.engine.vectors.has(live.engine.state.rows_of(["quake"]))[0]


def test_a_rule_added_while_an_article_is_withdrawn_does_not_bring_it_back(
    sqlite_database: Database, live: LiveEngine
) -> None:
    with sqlite_database.write() as connection:
        articles.delete(connection, ID)
    live.refresh_articles()
    add_rule(sqlite_database, ID)
    live.refresh_rules(2)
    assert not live.engine.state.catalog.described[live.engine.state.rows_of([ID])][0]


def test_rules_follow_the_log_when_it_is_folded_again(sqlite_database: Database, live: LiveEngine) -> None:
    add_rule(sqlite_database, OTHER)
    live.refresh_rules(2)
    with sqlite_database.write() as connection:
        erasure.erase(connection, "nobody", 3)
    live.catch_up()
    assert placed(live) == [OTHER]


def by_id(live: LiveEngine) -> tuple[set[frozenset[str]], dict[str, list[float]], list[str], list[str]]:
    """Links of stories, vectors, placed articles and searchable articles, without dense ids."""
    engine = live.engine
    ids = engine.state.articles.strings
    links = {frozenset(ids[row] for row in pair) for pair in engine.state.catalog.links.tolist()}
    vectors = {ids[row]: engine.vectors.matrix[row].tolist() for row in engine.vectors.present.nonzero()[0]}
    assert engine.index is not None
    return links, vectors, placed(live), engine.index.ids()


def test_vectors_links_and_rules_are_the_same_when_the_log_is_folded_again(
    sqlite_database: Database, live: LiveEngine, encoder: Interrupted, tmp_path: Path
) -> None:
    twins = [Article(id=id_, title="The old bridge is closed", published_at=10**15) for id_ in ("one", "other")]
    withdrawn = [Article(id=f"gone-{n}", title=f"Gone {n}", published_at=10**15 + 1 + n) for n in range(3)]
    with sqlite_database.write() as connection:
        articles.upsert(connection, articles_frame([*withdrawn, *twins]))
    add_rule(sqlite_database, "other")
    live.refresh_articles()
    live.refresh_rules(2)
    for article in withdrawn:
        delete(sqlite_database, article.id)
    live.refresh_articles()
    change(sqlite_database, OTHER, "Changed, and not yet read")
    before, dense = by_id(live), live.engine.state.articles.get("one")
    calls = len(encoder.encoded)
    refold(live, sqlite_database)
    assert live.engine.state.articles.get("one") != dense
    assert by_id(live) == before
    assert frozenset(("one", "other")) in before[0]
    live.refresh_articles()
    assert len(encoder.encoded) == calls + 1  # the changed one alone
    fresh = LiveEngine(sqlite_database, live._settings, HashEncoder())
    fresh.start()
    fresh.refresh_articles()
    fresh.refresh_rules(2)
    assert by_id(live) == by_id(fresh)


@pytest.fixture
def folding(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LiveEngine, Callable[[], None]]]:
    """A service while its log is folded again, and a function that ends the fold and adopts its state."""
    bridges = bridge("one", 10**15 - 1), bridge("two"), bridge("later", 10**15 + 1)
    with sqlite_database.write() as connection:
        articles.upsert(connection, pl.concat([world().articles.head(20), *bridges]))
        articles.upsert(connection, bridge("restored"))
    delete(sqlite_database, "restored")
    settings = Settings(home=tmp_path, index="exact", _env_file=None)  # type: ignore[call-arg]
    live = LiveEngine(sqlite_database, settings, HashEncoder(), fold_patience=0.0)
    live.start()
    live.refresh_articles()
    may_end, fold_in_pieces = threading.Event(), log_follower.fold_in_pieces

    def held(*arguments: Any) -> FoldedLog:
        folded = fold_in_pieces(*arguments)
        may_end.wait(20)
        return folded

    monkeypatch.setattr(log_follower, "fold_in_pieces", held)
    refold(live, sqlite_database)
    assert live.follower.stale

    def end() -> None:
        may_end.set()
        while live.follower.stale:
            with live.lock:
                live.catch_up()
        live.refresh_articles()

    yield live, end
    may_end.set()


def bridge(id_: str, published_at: int = 10**15) -> pl.DataFrame:
    return articles_frame([Article(id=id_, title="The old bridge is closed", published_at=published_at)])


def add(connection: Connection) -> None:
    articles.upsert(connection, bridge("three"))


def move(connection: Connection) -> None:
    articles.upsert(connection, bridge("two", 10**15 + 5))


def restore(connection: Connection) -> None:
    withdrawals.restore(connection, ["restored"])
    articles.upsert(connection, bridge("restored"))


def withdraw(connection: Connection) -> None:
    articles.delete(connection, "two")


@pytest.fixture(params=[100, 1])
def most_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Articles are linked with a hundred earlier ones, or with one."""
    monkeypatch.setattr(stories, "MOST_LINKS", request.param)


@pytest.mark.usefixtures("most_links")
@pytest.mark.parametrize("happen", [add, move, restore, withdraw])
@pytest.mark.parametrize("encoded", [True, False])
def test_articles_that_change_while_the_log_is_folded_again_are_as_in_a_fresh_process(
    sqlite_database: Database,
    folding: tuple[LiveEngine, Callable[[], None]],
    happen: Callable[[Connection], None],
    encoded: bool,
) -> None:
    live, end = folding
    with sqlite_database.write() as connection:
        happen(connection)
    if encoded:
        live.refresh_articles()
    end()
    fresh = LiveEngine(sqlite_database, live._settings, HashEncoder())
    fresh.start()
    fresh.refresh_articles()
    assert by_id(live) == by_id(fresh)
    live.save(0, 0)


def test_a_database_that_fails_while_a_new_state_takes_over_brings_no_article_back(
    sqlite_database: Database, folding: tuple[LiveEngine, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    live, end = folding
    delete(sqlite_database, ID)
    live.refresh_articles()
    changes_since, failures = articles.changes_since, iter([StoreError("unavailable")])

    def failing(*arguments: Any) -> articles.ArticleChanges:
        if (failure := next(failures, None)) is not None and not live.follower.stale:
            raise failure
        return changes_since(*arguments)

    monkeypatch.setattr(articles, "changes_since", failing)
    with suppress(StoreError):
        end()
    with live.lock:
        live.catch_up()
    live.refresh_articles()
    assert not is_known(live, ID)
