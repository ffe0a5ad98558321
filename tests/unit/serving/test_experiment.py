"""Readers who get a challenger's answers, and bundles that may be put on trial."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import FeedRequest
from recsys.errors import BundleError, RequestError
from recsys.feed.engine import FeedEngine, FeedSlate
from recsys.models import bundle
from recsys.models.model_set import Models
from recsys.serving import experiment as trial
from recsys.serving.challenger import Challenger
from recsys.serving.experiment import Experiment, load_experiment
from tests.trained import HashEncoder, Place, last_day
from tests.unit.api.test_models import copy


@pytest.fixture
def home(trained: Place, tmp_path: Path) -> Path:
    """The trained place with a second bundle, `challenger`."""
    copied = trained.copy(tmp_path / "home").home
    copy(copied, str(bundle.active_version(copied)), "challenger")
    return copied


def start(home: Path, chosen: Experiment) -> None:
    trial.start(home, chosen, HashEncoder.name)


def models_of(version: str) -> Models:
    """Return active models of this version, in the space of raw vectors."""
    return replace(Models.untrained(), version=version)


def challenger(home: Path) -> Challenger:
    made = Challenger(home, lambda: HashEncoder.name)
    made.adopt(models_of(str(bundle.active_version(home))))
    return made


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_the_readers_of_a_smaller_one(reader: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert Experiment("v", small).answers(reader) <= Experiment("v", large).answers(reader)
    assert Experiment("v", small).answers(reader) == Experiment("v", small).answers(reader)
    assert not Experiment("v", 0.0).answers(reader)
    assert Experiment("v", 1.0).answers(reader)


def test_so_many_readers_are_of_its_share_and_others_for_another_version() -> None:
    readers = [f"r{i}" for i in range(4_000)]
    mine = [Experiment("v1", 0.3).answers(reader) for reader in readers]
    yours = [Experiment("v2", 0.3).answers(reader) for reader in readers]
    assert sum(mine) / len(mine) == pytest.approx(0.3, abs=0.03)
    both = sum(one and two for one, two in zip(mine, yours, strict=True))
    assert both / len(mine) == pytest.approx(0.09, abs=0.02), "drawn anew for each version"


def test_a_request_without_a_reader_is_answered_by_the_active_model() -> None:
    assert not Experiment("v", 1.0).answers(None)


def test_a_trial_is_what_was_started_until_it_is_stopped(home: Path) -> None:
    assert load_experiment(home) is None
    start(home, Experiment("challenger", 0.2, 0.5))
    assert load_experiment(home) == Experiment("challenger", 0.2, 0.5)
    assert trial.stop(home) == "challenger"
    assert load_experiment(home) is None
    assert trial.stop(home) is None


@pytest.mark.parametrize(
    "chosen",
    [
        Experiment("challenger"),
        Experiment("challenger", 1.5),
        Experiment("challenger", 0.1, -0.1),
        Experiment("challenger", float("nan")),
    ],
)
def test_shares_that_make_no_trial_are_refused(home: Path, chosen: Experiment) -> None:
    with pytest.raises(RequestError, match="between 0 and 1"):
        start(home, chosen)


def test_the_active_bundle_is_no_challenger(home: Path) -> None:
    with pytest.raises(BundleError, match="is the active one"):
        start(home, Experiment(str(bundle.active_version(home)), 0.5))


def test_without_an_active_bundle_there_is_nothing_to_try_against(home: Path) -> None:
    (home / "bundles" / "ACTIVE").unlink()
    with pytest.raises(BundleError, match="no bundle is active"):
        start(home, Experiment("challenger", 0.5))


def test_a_damaged_bundle_is_refused_and_what_was_on_trial_stays(home: Path) -> None:
    start(home, Experiment("challenger", 0.2))
    copy(home, "challenger", "bad")
    (home / "bundles" / "bad" / "listwise_correction.txt").write_text("")
    with pytest.raises(BundleError, match="damaged"):
        start(home, Experiment("bad", 0.5))
    assert load_experiment(home) == Experiment("challenger", 0.2)


def test_a_damaged_file_is_reported_and_can_be_removed(home: Path) -> None:
    (home / "bundles" / "CHALLENGER").write_text('{"who": 1}')
    with pytest.raises(BundleError, match="end-trial"):
        load_experiment(home)
    assert trial.stop(home) == "unreadable"
    assert load_experiment(home) is None


def test_a_challenger_answers_its_readers_alone(home: Path, engine: FeedEngine) -> None:
    start(home, Experiment("challenger", 0.5))
    made = challenger(home)
    models = {
        reader: made.engine_for(engine, reader).models.version for reader in (f"r{i:05d}" for i in range(40))
    }
    assert set(models.values()) == {"challenger", engine.models.version}
    assert all(
        (model == "challenger") == Experiment("challenger", 0.5).answers(who) for who, model in models.items()
    )


def test_one_that_was_activated_is_tried_no_more(home: Path, engine: FeedEngine) -> None:
    start(home, Experiment("challenger", 1.0))
    made = challenger(home)
    assert made.experiment == Experiment("challenger", 1.0)
    made.adopt(models_of("challenger"))
    assert made.experiment is None
    assert made.engine_for(engine, "r00001") is engine


def test_a_shadow_makes_a_slate_and_its_failure_goes_unnoticed(
    home: Path, engine: FeedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home, Experiment("challenger", 0.0, 1.0))
    made = challenger(home)
    request = FeedRequest(request_id="q", as_of=engine.state.known_at + 1, reader="r00001", limit=5)
    [unseen] = made.answer(engine, request).beside
    assert (unseen.model, len(unseen.items), made.unseen, made.failed) == ("challenger", 5, 1, 0)

    def fail(*_: object, **__: object) -> FeedSlate:
        raise ValueError("a model that cannot rank")

    recommend = FeedEngine.recommend
    monkeypatch.setattr(
        FeedEngine, "recommend", lambda self, *of: recommend(self, *of) if self.models is engine.models else fail()
    )
    answer = made.answer(engine, request)
    assert answer.slate.ranking.model == engine.models.version
    assert not answer.beside
    assert (made.unseen, made.failed) == (1, 1)


@pytest.fixture
def engine(trained: Place) -> FeedEngine:
    from recsys.feed.point_in_time import engine_at

    database = trained.open()
    try:
        return engine_at(database, trained.settings, HashEncoder(), last_day())
    finally:
        database.close()
