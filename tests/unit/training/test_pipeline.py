"""Training as a whole, on a tiny world: what is published, what is refused, what may not leak."""

import json
from pathlib import Path

import polars as pl
import pytest

from recsys.domain import DAY
from recsys.encoder.protocols import Encoded
from recsys.errors import ConfigError, DataError, EncoderError
from recsys.evaluation.systems import FULL_SYSTEM
from recsys.models import bundle
from recsys.models.bundle import Bundle
from recsys.models.model_loader import load_bundle
from recsys.store import articles, audit_log, event_log, webhook_outbox, webhooks
from recsys.store.database import Database, opened
from recsys.store.webhooks import Webhook
from recsys.training.dataset import load_corpus
from recsys.training.pipeline import announce_outcome, train
from recsys.training.training_run import silent
from tests.trained import HashEncoder, Place, last_day, place, populated, train_quickly, world


def published(of: Place) -> Bundle:
    return bundle.load(of.home, str(bundle.active_version(of.home)))


def test_the_manifest_says_what_was_trained_on_what(trained: Place) -> None:
    manifest = published(trained).manifest
    assert manifest["data"]["until"] == last_day()
    assert manifest["data"]["validate_from"] < last_day()
    known = world().slates.filter(pl.col("known_at") < last_day())
    assert manifest["data"]["impressions"] == known.height
    assert manifest["schema"]["encoder"] == HashEncoder.name
    assert manifest["seed"] == trained.settings.seed
    assert manifest["libraries"]["torch"]
    assert FULL_SYSTEM in manifest["validation"]
    assert manifest["validation"].keys() == manifest["score_calibration"].keys()
    # the probabilities were fitted on the validation slice: an error measured there would flatter them
    assert all(figures["ece"] is None for figures in manifest["validation"].values())


def test_the_manifest_says_which_history_calibration_is_on_and_why(trained: Place) -> None:
    manifest = published(trained).manifest
    found, network = manifest["attention"]["history"], manifest["user_model"]
    assert set(found["parts"]) == {"dwell_weight", "temperature", "keep"}
    for name, part in found["parts"].items():
        assert part["value"] == network[name], "the network is configured as decided"
        assert part["on"] == any(tried["passed"] for tried in part["tried"])
        assert {"clean", "robust", "latency"} <= set(part["tried"][0])
    assert found["importance"]["trained_on"] == "clicks, and the outcome of reads"


def test_activating_it_is_on_record(trained: Place) -> None:
    with opened(trained.settings.database_url) as database, database.read() as connection:
        (act,) = audit_log.newest(connection, 9)
    assert (act.actor, act.act, act.subject) == ("train", "model_activated", bundle.active_version(trained.home))


def test_webhooks_learn_of_an_activation_and_of_a_baseline_that_prevented_it(sqlite_database: Database) -> None:
    webhook = Webhook(id="a", url="https://a.example", events=(), secret="s", created_at=1, created_by="cli")
    with sqlite_database.write() as connection:
        webhooks.add(connection, webhook)
    announce_outcome(sqlite_database, "v1", None)
    announce_outcome(sqlite_database, "v2", "popular")
    with sqlite_database.read() as connection:
        found = {
            message.event: json.loads(message.body)["data"] for message in webhook_outbox.newest(connection, 9)
        }
        assert len(audit_log.newest(connection, 9)) == 1
    assert found == {
        "model.activated": {"version": "v1", "actor": "train", "rolled_back": False},
        "gate.failed": {"version": "v2", "better_baseline": "popular"},
    }


def test_a_failed_check_of_behaviour_is_no_activation(sqlite_database: Database) -> None:
    webhook = Webhook(id="a", url="https://a.example", events=(), secret="s", created_at=1, created_by="cli")
    with sqlite_database.write() as connection:
        webhooks.add(connection, webhook)
    announce_outcome(sqlite_database, "v3", None, ["New readers lose."])
    with sqlite_database.read() as connection:
        (message,) = webhook_outbox.newest(connection, 9)
        assert not audit_log.newest(connection, 9)
    assert message.event == "gate.failed"
    data = json.loads(message.body)["data"]
    assert data == {"version": "v3", "better_baseline": None, "failures": ["New readers lose."]}


def test_the_manifest_has_the_checks_of_behaviour_and_the_examination(trained: Place) -> None:
    manifest = published(trained).manifest
    checks = manifest["validation_report"]["behaviour"]
    assert {"changed histories", "popularity", "new readers", "categories"} <= {check["name"] for check in checks}
    assert all(check["sentence"].endswith(".") for check in checks)
    assert manifest["examination"]["learned"] is False, "three days of forty readers are too few"


def test_training_twice_gives_the_same_files(trained: Place, tmp_path: Path) -> None:
    again = populated(tmp_path)
    train_quickly(again, HashEncoder(), until=last_day())
    one, two = published(trained).manifest, published(again).manifest
    assert one["sha256"] == two["sha256"]
    assert one["validation"] == two["validation"]
    assert one["score_calibration"] == two["score_calibration"]


def test_events_after_the_cut_off_change_nothing(trained: Place, tmp_path: Path) -> None:
    other = place(tmp_path)
    database = other.open()
    later = pl.col("known_at") >= last_day()
    shuffled = world().events.filter(later).with_columns(pl.col("article", "reader", "kind").shuffle(seed=5))
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events.filter(~later), world().slates.filter(~later))
        event_log.append_frames(connection, shuffled, None)
    database.close()
    train_quickly(other, HashEncoder(), until=last_day())
    assert published(other).manifest["sha256"] == published(trained).manifest["sha256"]


def test_encoded_articles_are_not_encoded_again(trained: Place, tmp_path: Path) -> None:
    copied, encoder = trained.copy(tmp_path / "copy"), HashEncoder()
    train_quickly(copied, encoder, until=last_day() - DAY // 2)
    assert encoder.encoded == []
    assert len(bundle.versions(copied.home)) == 2
    assert load_bundle(copied.home, encoder.name).trained_until == last_day() - DAY // 2


def test_a_failure_publishes_nothing_and_leaves_the_active_bundle(
    trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = trained.copy(tmp_path / "copy")
    before = published(copied).version

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("recsys.training.rankers.write_trees", fail)
    with pytest.raises(OSError, match="no space"):
        train_quickly(copied, HashEncoder(), until=last_day())
    assert bundle.versions(copied.home) == [before] == [published(copied).version]
    assert not list((copied.home / "bundles").glob(".partial*"))


def test_the_encoder_s_failure_is_its_own(tmp_path: Path) -> None:
    class Broken(HashEncoder):
        def encode(self, texts: object) -> Encoded:
            raise EncoderError("no weights")

    with pytest.raises(EncoderError):
        train_quickly(populated(tmp_path), Broken())


def test_a_log_without_choices_is_refused_before_anything_is_encoded(tmp_path: Path) -> None:
    made, encoder = place(tmp_path), HashEncoder()
    database = made.open()
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, None, world().slates)
    with pytest.raises(DataError, match="to learn from"):
        train(database, made.settings, encoder)
    with pytest.raises(DataError, match="later --until"):
        load_corpus(database, encoder, 1, silent)
    database.close()
    assert encoder.encoded == []
    assert bundle.versions(tmp_path) == []


def test_the_last_day_with_clicks_validates(tmp_path: Path) -> None:
    made = place(tmp_path)
    database = made.open()
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events.filter(pl.col("known_at") < last_day()), world().slates)
    corpus = load_corpus(database, HashEncoder(), None, silent)
    database.close()
    assert corpus.when.validate_from < last_day() < corpus.when.until
    assert corpus.validation["labels"].list.max().max() > 0  # type: ignore[operator]
    assert (corpus.contents.articles, corpus.contents.impressions) == (150, world().slates.height)


def test_a_training_of_the_newest_impressions_leaves_out_the_others(tmp_path: Path) -> None:
    database = populated(tmp_path).open()
    corpus = load_corpus(database, HashEncoder(), None, silent)
    database.close()
    assert corpus.newest(corpus.labelled_requests.height) is corpus
    few = corpus.newest(100)
    assert few.labelled_requests.equals(corpus.labelled_requests.tail(100))
    assert few.when.start == few.labelled_requests["at"][0] > corpus.when.start
    assert few.when.start < few.when.validate_from < few.when.until == corpus.when.until
    assert 0 < few.learnable < corpus.learnable


def test_a_home_that_cannot_be_written_is_refused_before_anything_is_encoded(tmp_path: Path) -> None:
    made, encoder = populated(tmp_path), HashEncoder()
    (tmp_path / "file").touch()
    database = made.open()
    with pytest.raises(ConfigError, match="ATTUNE_HOME"):
        train(database, made.settings.model_copy(update={"home": tmp_path / "file"}), encoder)
    database.close()
    assert encoder.encoded == []


def test_slates_of_articles_nobody_described_train_too(trained: Place, tmp_path: Path) -> None:
    made = place(tmp_path)
    database = made.open()
    with database.write() as connection:
        articles.upsert(connection, world().articles.head(20))
        event_log.append_frames(connection, world().events, world().slates)
    database.close()
    train_quickly(made, HashEncoder(), until=last_day())
    assert published(made).manifest["data"]["articles"] == 20


def test_progress_is_reported_by_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    monkeypatch.setattr(
        "tests.trained.training.train",
        lambda database, settings, encoder, until, options: train(
            database,
            settings,
            encoder,
            until,
            lambda stage, done, total: reported.append(stage.partition(":")[0]),
            options,
        ),
    )
    train_quickly(populated(tmp_path), HashEncoder(), until=last_day())
    stages = list(dict.fromkeys(reported))
    assert stages[0] == "articles encoded"
    assert {"preference network", "rerankers", "validation", "features of past slates"} <= set(stages)
