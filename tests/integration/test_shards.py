"""Every reader gets from their shard exactly what one process with all readers answers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from recsys.cpu_threads import cpu_threads
from recsys.domain import FeedRequest, Ranking, RankRequest
from recsys.feed.engine import FeedEngine
from recsys.insight.reader_profile import attention_profile
from recsys.ranking.social_circle import circle_of
from recsys.serving.live_engine import LiveEngine
from recsys.simulate.simulated_log import SimulatedLog
from recsys.simulate.social.social_world import SocialWorld, simulate_social
from recsys.state.shard import Shard
from tests.trained import HashEncoder, Place, populated, world

COUNT = 4


@contextmanager
def live(where: Place, home: Path, shard: str = "") -> Iterator[LiveEngine]:
    """The engine of one process, or of one shard, with the bundle of `where` and snapshots of its own."""
    home.mkdir(exist_ok=True)
    (home / "bundles").symlink_to(where.home / "bundles")
    database = where.open()
    made = LiveEngine(database, where.settings.model_copy(update={"home": home, "shard": shard}), HashEncoder())
    with cpu_threads(1):
        made.start()
        made.refresh_articles()
        yield made
    database.close()


def answers(engine: FeedEngine, log: SimulatedLog, reader: str) -> list[object]:
    """A ranking of all articles, a feed with exploration, and a profile."""
    ids, at = tuple(log.articles["id"].to_list()), int(log.slates["at"].max()) + 1  # type: ignore[arg-type]
    feed = FeedRequest(request_id=f"f{reader}", as_of=at, reader=reader, limit=30, explore=0.3, explain=True)
    ranked = RankRequest(request_id="r", as_of=at, candidates=ids, reader=reader)
    rankings: list[Ranking] = [engine.rank(ranked, explain=True), engine.recommend(feed).ranking]
    return [*rankings, attention_profile(engine, reader, at)]


@pytest.fixture(params=["newspaper", "social network"])
def logged(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Place, SimulatedLog, list[str]]:
    """A place with a log, the log, and its readers: with trained models, or with people who follow each other."""
    if request.param == "newspaper":
        return request.getfixturevalue("trained"), world(), world().readers.ids.tolist()
    network = simulate_social(people=40, posts=150, days=3, communities=3)
    (tmp_path / "social" / "bundles").mkdir(parents=True)
    return populated(tmp_path / "social", network), network, network.people.readers.ids.tolist()


def test_every_reader_gets_the_same_answer_from_their_shard(
    logged: tuple[Place, SimulatedLog, list[str]], tmp_path: Path
) -> None:
    place, log, readers = logged
    with ExitStack() as stack:
        whole = stack.enter_context(live(place, tmp_path / "whole"))
        parts = [
            stack.enter_context(live(place, tmp_path / str(number), f"{number}/{COUNT}"))
            for number in range(COUNT)
        ]
        for reader in ["nobody", *readers]:
            part = parts[Shard(0, COUNT).holder(reader)]
            assert answers(part.engine, log, reader) == answers(whole.engine, log, reader), reader
        assert sum(part.engine.state.readers_held for part in parts) == len(whole.engine.state.readers)
    circles = [circle_of(whole.engine.state, row, whole.engine.state.known_at + 1) for row in range(len(readers))]
    assert any(len(circle.liked) for circle in circles) == isinstance(log, SocialWorld)


def test_shards_start_from_the_snapshot_of_one_process_and_write_their_own(trained: Place, tmp_path: Path) -> None:
    with live(trained, tmp_path / "home") as whole:
        whole.save(least_rows=0, least_articles=10**9)
    folder = tmp_path / "home" / "state"
    names = {path.name for path in folder.iterdir()}
    (tmp_path / "home" / "bundles").unlink()
    with live(trained, tmp_path / "home", "1/2") as part:
        assert part.follower.unsaved == 0  # nothing was folded again
        part.follower.save_snapshot()
        reader = next(reader for reader in world().readers.ids.tolist() if Shard(1, 2).holds(reader))
        assert answers(part.engine, world(), reader) == answers(whole.engine, world(), reader)
    written = {path.name for path in folder.iterdir()} - names
    assert [name.split(".", 1)[1] for name in written] == ["1-of-2.safetensors"]
    (tmp_path / "home" / "bundles").unlink()
    for path in folder.iterdir():
        if path.name in names:
            path.unlink()
    with live(trained, tmp_path / "home", "3/4") as smaller:
        assert smaller.follower.unsaved == 0  # from that of 1/2
    (tmp_path / "home" / "bundles").unlink()
    with live(trained, tmp_path / "home", "0/2") as other:
        assert other.follower.unsaved > 0  # it does not take a part for what it lacks
