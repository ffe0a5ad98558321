"""Every command as people run it; errors are one line and exit status 1, never a traceback."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import api.cli
from recsys.calibration.calibrator_files import calibration_of
from recsys.domain import DAY, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.projection.log_replay import Replay
from recsys.settings import Settings
from recsys.state.catalog import NEVER
from recsys.store import articles, event_log, event_log_reader, runs
from recsys.store.database import opened
from tests.calibrated import eager, with_calibration
from tests.trained import HashEncoder, Place, last_day, place, world
from tests.unit.calibration.small import small_calibrator

METRICS = ("auc", "mrr", "ndcg@5", "ndcg@10", "read_weighted_ndcg@10")
SYSTEMS = ["random", "newest", "popular", "popular_ctr", "content", "content_match", "untrained", "nrms"]
SYSTEMS += ["attune_without_text", "feed_ranker", "utility_ranker", "pointwise_ranker", "blend", "attune"]


@pytest.fixture(autouse=True)
def quick_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode by hashing; threads would only be in each other's way."""
    monkeypatch.setattr("recsys.encoder.lazy.LazyEncoder", lambda settings: HashEncoder())
    monkeypatch.setenv("ATTUNE_INDEX", "exact")
    monkeypatch.setattr("recsys.training.rankers.LambdaMartConfig", quick_trees)
    monkeypatch.setattr("recsys.training.feature_ablation.TREES", 10)


def quick_trees(seed: int) -> Any:
    from recsys.ranking.lambdamart import LambdaMartConfig

    return LambdaMartConfig(seed=seed, trees=10, threads=1)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator["Run"]:
    monkeypatch.chdir(tmp_path)
    yield Run(monkeypatch, capfd)


class Run:
    """Runs `attune …` through its own `main`, which turns errors into one line."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture

    def __call__(self, *arguments: object, at: Place | None = None, fails: int | None = 0) -> str:
        given = [str(argument) for argument in arguments]
        if at is not None:
            self._patch.setenv("ATTUNE_DATABASE_URL", at.settings.database_url)
            self._patch.setenv("ATTUNE_HOME", str(at.home))
        self._patch.setattr("sys.argv", ["attune", *given])
        with pytest.raises(SystemExit) as ended:
            api.cli.main()
        out, err = self._capture.readouterr()
        failed = int(ended.value.code or 0)
        assert failed == (failed and 1 if fails is None else fails), (out, err)
        assert "Traceback" not in out + err
        return err if failed else out


def one_line(error: str) -> str:
    (line,) = error.strip().splitlines()
    assert line.startswith("attune: ")
    return line


@pytest.fixture
def copied(trained: Place, tmp_path: Path) -> Place:
    return trained.copy(tmp_path / "copy")


def stored(folder: Path, events: list[Event], slates: list[Slate]) -> Place:
    """A place with one described article and some log."""
    folder.mkdir()
    made = place(folder)
    database = made.open()
    with database.write() as connection:
        articles.upsert(connection, world().articles.head(9))
        event_log.append_frames(connection, events_frame(events), slates_frame(slates))
    database.close()
    return made


DAY_ONE = 1_700_000_000_000_000
IDS = tuple(world().articles["id"][:4].to_list())


def slate(number: int, reader: str = "r") -> Slate:
    at = DAY_ONE + number * 3_600_000_000
    return Slate(id=f"s{number}", reader=reader, at=at, known_at=at, candidates=IDS, ordered=True)


def click(number: int, reader: str = "r", article: int = 0) -> Event:
    at = DAY_ONE + number * 3_600_000_000 + 5_000_000
    return Event(
        id=f"e{number}",
        reader=reader,
        kind=EventKind.CLICK,
        at=at,
        known_at=at,
        article=IDS[article],
        request_id=f"s{number}",
    )


@pytest.mark.parametrize(
    ("events", "slates", "message"),
    [
        ([], [], "9 articles, 0 impressions and 0 clicks, but nothing to learn from"),
        ([click(0)], [], "9 articles, 0 impressions and 1 clicks in 0.0 days, 2023-11-14T22:13 to "),
        (
            [],
            [slate(0), slate(24)],
            "2 impressions and 0 clicks in 1.0 days, 2023-11-14T22:13 to 2023-11-15T22:13",
        ),
        ([click(0)], [slate(0), slate(1)], "but 1 impressions to learn from: a training needs at least two"),
    ],
)
def test_training_on_too_little_says_so(
    run: Run, tmp_path: Path, events: list[Event], slates: list[Slate], message: str
) -> None:
    made = stored(tmp_path / "place", events, slates)
    assert message in one_line(run("train", at=made, fails=1))


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_training_on_one_reader_works_or_says_why_not(run: Run, tmp_path: Path, count: int) -> None:
    made = stored(
        tmp_path / "place", [click(i, article=i % 3) for i in range(count)], [slate(i) for i in range(count)]
    )
    reported = run("train", at=made, fails=None)
    assert "published and activated" in reported or "to learn from" in one_line(reported)


def test_training_before_the_log_begins_says_so(run: Run, copied: Place) -> None:
    assert "choose a later --until" in one_line(run("train", "--until", "2001-01-01", at=copied, fails=1))
    assert "'noon' is not an ISO 8601 time" in one_line(run("train", "--until", "noon", at=copied, fails=1))


def test_train_publishes_and_activates(run: Run, copied: Place) -> None:
    out = run("train", "--until", "2024-01-03T00:00", at=copied)
    (version,) = re.findall(r"published and activated bundle (\S+)", out)
    assert re.search(r"trained on 150 articles, \d+ impressions and \d+ clicks in 2.0 days, 2024-01-01T", out)
    assert "impressions of the last day with clicks" in out
    assert re.search(r"rerankers on everything\D+[\d.]+\D+[\d.]+\D+[\d,]+", out), "the cost of every stage"
    assert re.search(
        r"warning: 203 impressions, \d+ of them .*: a ranker needs about 600 of these; the .* serves", out
    )
    listed = run("models", "list", at=copied).splitlines()
    assert len(listed) == 2
    assert f"* {version}" in listed[1]
    first = listed[0].split()[0]
    assert run("models", "activate", first, at=copied).startswith(f"bundle {first} is active")
    assert f"* {first}" in run("models", "list", at=copied)
    assert "no readable bundle" in one_line(run("models", "activate", "nothing", at=copied, fails=1))
    assert f"* {first}" in run("models", "list", at=copied)


def test_trees_can_be_averaged_tuned_and_taught_clicks_alone(run: Run, copied: Place) -> None:
    run("train", "--seeds", 2, "--tune", 2, "--labels", "clicks", "--until", "2024-01-03T00:00", at=copied)
    version = run("models", "list", at=copied).split("* ")[1].split()[0]
    manifest = json.loads((copied.home / "bundles" / version / "manifest.json").read_text())
    assert manifest["trees"]["options"] == {"seeds": 2, "tune": 2, "labels": "clicks"}
    assert manifest["trees"]["config"]["seeds"] == 2
    assert manifest["utility"]["on"] is False, "clicks alone tell nothing of what reading is worth"
    assert "labels are of clicks alone" in manifest["utility"]["why"]
    assert (copied.home / "tuning.journal").is_file()


def test_a_damaged_bundle_is_listed_as_damaged_beside_the_good_ones(run: Run, copied: Place) -> None:
    (good,) = (copied.home / "bundles").glob("*/manifest.json")
    for version, content in (("0", "{}"), ("1", json.dumps({"format": 1, "version": "1", "sha256": {}}))):
        (copied.home / "bundles" / version).mkdir()
        (copied.home / "bundles" / version / "manifest.json").write_text(content)
    lines = run("models", "list", at=copied).splitlines()
    assert ["damaged" in line for line in lines] == [True, True, False]
    assert f"* {good.parent.name}  validation AUC 0." in lines[2]


def test_evaluate_writes_the_figures_it_shows(run: Run, copied: Place, tmp_path: Path) -> None:
    out = run("evaluate", "--counterfactual", "--json", "out.json", "--html", "out.html", at=copied)
    result = json.loads((tmp_path / "out.json").read_text())
    positions = result["counterfactual"]["behaviour"]["cascade"]
    assert positions["weights"]["effective_sample_size"] < 100
    assert positions["refused"] in " ".join(out.split())
    assert {"data", "bundle", "seconds", "systems"} <= result.keys()
    assert result["data"].keys() == {
        "from",
        "to",
        "impressions",
        "readers",
        "slice",
        "unseen",
        "sampled_negatives",
    }
    assert result["data"]["from"].startswith("2024-01-0")
    assert result["data"]["slice"] == "later"
    assert result["data"]["impressions"] > 50
    assert 1 < result["data"]["readers"] <= 40
    assert isinstance(result["seconds"], float)
    assert list(result["systems"]) == SYSTEMS
    for figures in result["systems"].values():
        for metric in METRICS:
            low, high = figures["ci"][metric]
            assert 0 <= low <= figures[metric] <= high <= 1
        assert figures["ece"] is None or 0 <= figures["ece"] <= 1
    assert [name for name, figures in result["systems"].items() if figures["ece"] is None] == ["utility_ranker"]
    assert f"{result['systems']['attune']['auc']:.4f}" in out
    assert f"{result['systems']['attune']['auc']:.4f}" in (tmp_path / "out.html").read_text()
    evaluation, training = map(json.loads, run("experiments", "list", "--json", at=copied).splitlines())
    assert (evaluation["kind"], training["kind"]) == ("evaluation", "training")
    assert evaluation["figures"]["attune"]["auc"] == result["systems"]["attune"]["auc"]
    assert training["parameters"]["seeds"] == 2
    assert str(copied.home) not in json.dumps([evaluation, training])


def test_trainings_are_listed_shown_and_compared(run: Run, copied: Place) -> None:
    first, later = (evaluated(auc, readers) for auc, readers in ((0.7, 40), (0.75, 41)))
    with opened(copied.settings.database_url) as database, database.write() as connection:
        for each in (first, later):
            runs.append(connection, each)
    lines = run("experiments", "list", "--kind", "evaluation", at=copied).splitlines()
    assert [next(id for id in ("aaa1", "aaa2") if id in line) for line in lines if "aaa" in line] == [
        "aaa2",
        "aaa1",
    ]
    assert json.loads(run("experiments", "show", "aaa1", at=copied))["data"] == {"readers": 40}
    out = run("experiments", "compare", "aaa1", "aaa2", at=copied)
    assert "0.7500 (+0.0500)" in out
    assert "seed" not in out, "it is the same in both"
    assert "different impressions" in out
    assert "no run 'z'" in one_line(run("experiments", "show", "z", at=copied, fails=1)), "ids are hexadecimal"
    assert "more than one run" in one_line(run("experiments", "show", "aaa", at=copied, fails=1))
    error = one_line(run("experiments", "compare", "aaa1", "--system", "oracle", at=copied, fails=1))
    assert "no figures of 'oracle': choose from attune" in error
    assert "training, evaluation" in one_line(run("experiments", "list", "--kind", "x", at=copied, fails=1))


def evaluated(auc: float, readers: int) -> runs.Run:
    return runs.Run(
        id=f"aaa{readers - 39}",
        kind=runs.RunKind.EVALUATION,
        at=readers,
        seconds=1.0,
        bundle="b",
        parameters={"seed": 1},
        data={"readers": readers},
        figures={"attune": {"auc": auc}},
    )


def test_without_later_clicks_evaluate_shows_the_validation_slice(
    run: Run, trained: Place, tmp_path: Path
) -> None:
    early = place(tmp_path / "early")
    shutil.copytree(trained.home / "bundles", early.home / "bundles")
    database = early.open()
    with database.write() as connection:
        before = pl.col("known_at") < last_day()
        event_log.append_frames(connection, world().events.filter(before), world().slates.filter(before))
    database.close()
    out = run("evaluate", "--json", "out.json", "--html", "out.html", at=early)
    result = json.loads((tmp_path / "out.json").read_text())
    assert "no clicks after the bundle's cut-off: these are the figures of its validation slice" in out
    assert result["data"]["slice"] == "validation"
    assert "slice: validation" in (tmp_path / "out.html").read_text()
    (manifest,) = (early.home / "bundles").glob("*/manifest.json")
    assert result["systems"] == json.loads(manifest.read_text())["validation"]
    assert set(result) == {
        "data", "bundle", "seconds", "systems", "comparisons", "read_comparisons", "slices", "behaviour"
    }  # fmt: skip


def test_clicks_alone_train_and_evaluate_with_sampled_negatives(run: Run, tmp_path: Path) -> None:
    made = place(tmp_path)
    database = made.open()
    clicks = (
        world()
        .events.filter(pl.col("kind") == "click")
        .with_columns(request_id=pl.lit(None, dtype=pl.String), position=pl.lit(None, dtype=pl.Int64))
    )
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, clicks, None)
    out = run("train", "--until", "2024-01-03T00:00", at=made)
    assert "clicks with sampled negatives of the last day" in out
    assert "warning: there are no impressions to learn from: negatives were sampled" in out
    assert "trained from sampled negatives" in run("models", "list", at=made)
    (path,) = (made.home / "bundles").glob("*/manifest.json")
    manifest = json.loads(path.read_text())
    assert manifest["data"]["sampled_negatives"] == {"max_age_days": 3650, "seed": 7}
    assert manifest["validation"]["popular"]["auc"] > 0.5
    out = run("evaluate", "--json", "out.json", at=made)
    assert "each click is ranked among sampled articles that were available then" in out
    result = json.loads((tmp_path / "out.json").read_text())
    assert (result["data"]["slice"], result["data"]["sampled_negatives"]) == ("later", True)
    assert result["systems"]["attune"]["auc"] > 0.5
    with database.read() as connection, Replay(connection) as log:
        state = log.advance(last_day() + 2 * DAY)
        assert (state.first_shown == NEVER).all(), "no sampled slate counts as shown"
        assert event_log_reader.slate_span(connection) is None
    database.close()


def test_families_are_left_out_one_by_one(run: Run, copied: Place, tmp_path: Path) -> None:
    out = run("ablate", "--json", "families.json", "--svg", "families.svg", at=copied)
    rows = json.loads((tmp_path / "families.json").read_text())["rows"]
    assert [line.split(" AUC")[0].strip() for line in out.splitlines()[1:]] == list(rows)
    assert (tmp_path / "families.svg").read_text().count("<svg") == 1


def test_another_bundle_is_one_more_row(run: Run, copied: Place, tmp_path: Path) -> None:
    run("train", "--labels", "clicks", "--until", "2024-01-03T00:00", at=copied)
    graded, clicks = (line.split("* ")[-1].split()[0] for line in run("models", "list", at=copied).splitlines())
    chosen = ["--from", "2024-01-03", "--bundle", graded, "--rival", clicks]
    out = run("evaluate", *chosen, "--json", "out.json", at=copied)
    result = json.loads((tmp_path / "out.json").read_text())
    assert list(result["systems"]) == [*SYSTEMS, f"bundle {clicks}"]
    assert {"comparisons", "read_comparisons"} <= result.keys()
    assert f"read-weighted nDCG@10 against bundle {clicks}" in out


def test_evaluating_what_was_trained_on_is_refused_unless_meant(run: Run, copied: Place) -> None:
    early = ["evaluate", "--from", "2024-01-01", "--to", "2024-01-01T12:00"]
    assert "--in-sample" in one_line(run(*early, at=copied, fails=1))
    assert "attune" in run(*early, "--in-sample", at=copied)


def test_evaluating_nothing_says_so(run: Run, copied: Place, tmp_path: Path) -> None:
    assert "no impression between" in one_line(run("evaluate", "--from", "2030-01-01", at=copied, fails=1))
    backwards = run("evaluate", "--from", "2030-01-02", "--to", "2030-01-01", at=copied, fails=1)
    assert "choose a later --to" in one_line(backwards)
    assert "run `attune train`" in one_line(run("evaluate", "--home", tmp_path / "none", at=copied, fails=1))
    missing = run("evaluate", "--json", "no/such/folder/out.json", at=copied, fails=1)
    assert "create the folder" in one_line(missing)
    assert "it is a folder" in one_line(run("evaluate", "--html", tmp_path, at=copied, fails=1))
    empty = ["evaluate", "--database-url", f"sqlite:///{tmp_path}/empty.db"]
    assert "run `attune ingest`" in one_line(run(*empty, at=copied, fails=1))


def test_rank_answers_as_of_any_time(run: Run, copied: Place) -> None:
    requested = ["rank", "--reader", "r00001", "--candidates", ",".join([*IDS, "unknown", IDS[0]])]
    now, then = (
        run(*requested, at=copied).splitlines(),
        run(*requested, "--as-of", "2024-01-02", at=copied).splitlines(),
    )
    assert {line.split("\t")[0] for line in now} == {*IDS, "unknown"}
    scores = [float(line.split("\t")[1]) for line in then]
    assert scores == sorted(scores, reverse=True)
    assert now != then
    assert run("rank", "--reader", "nobody", "--candidates", IDS[0], at=copied).startswith(IDS[0])
    assert "--candidates is empty" in one_line(
        run("rank", "--reader", "r", "--candidates", " , ", at=copied, fails=1)
    )


def test_explaining_a_reader_shows_what_scores_lose_without_each_read(
    run: Run, copied: Place, tmp_path: Path
) -> None:
    file = tmp_path / "why.json"
    reader = str(world().events.filter(pl.col("kind") == "read")["reader"].mode().sort()[0])
    requested = ["attention", "explain", reader, "--limit", "2", "--json", file]
    out = run(*requested, "--as-of", "2024-01-03T12:00:00Z", at=copied)
    reported = json.loads(file.read_text())
    assert reported["reader"] == reader
    assert len(reported["candidates"]) == 2
    for candidate in reported["candidates"]:
        assert candidate["id"] in out
        falls = [read["fall"] for read in candidate["reads"]]
        assert falls == sorted(falls, reverse=True)
        assert sum(read["attention"] for read in candidate["reads"]) == pytest.approx(1.0, abs=1e-4)
        assert all(0 <= read["importance"] <= 1 and read["gradient"] is not None for read in candidate["reads"])
    one = run("attention", "explain", reader, "--candidates", f"{IDS[0]}, {IDS[0]}", "--json", file, at=copied)
    assert "falls: loss of the score" in one
    assert [candidate["id"] for candidate in json.loads(file.read_text())["candidates"]] == [IDS[0]]


def test_explaining_nobody_or_nothing_says_so(run: Run, copied: Place) -> None:
    assert "is not a reader or an article" in one_line(run("attention", "explain", "nobody", at=copied, fails=1))
    assert "nothing to explain" in run("attention", "explain", "r00001", "--candidates", "unknown", at=copied)


def test_ablating_shows_and_writes_every_part(run: Run, copied: Place, tmp_path: Path) -> None:
    with_calibration(copied, eager(), "calibrated")
    out = run("attention", "ablate", "--to", "2024-01-03T12:00", "--json", "parts.json", at=copied)
    result = json.loads((tmp_path / "parts.json").read_text())
    assert result["data"]["to"] == "2024-01-03T12:00:00+00:00"
    for row in ("off", "heads", "tokens", "history", "all"):
        assert row in out
        assert f"{result['rows'][row]['nrms']['auc']['mean']:.4f}" in out
    assert ("as served" in out) == (result["history"]["applied"] == result["history"]["served"])


def test_ablating_what_cannot_be_ablated_says_why(run: Run, copied: Place, tmp_path: Path) -> None:
    assert "cannot be watched" in one_line(run("attention", "ablate", at=copied, fails=1))
    early = ["attention", "ablate", "--from", "2024-01-01", "--to", "2024-01-01T12:00"]
    assert "--in-sample" in one_line(run(*early, at=copied, fails=1))
    assert "cannot be watched" in one_line(run(*early, "--in-sample", at=copied, fails=1))
    assert "it is a folder" in one_line(run("attention", "ablate", "--json", tmp_path, at=copied, fails=1))


def test_index_stats_and_rebuild(run: Run, tmp_path: Path) -> None:
    made = stored(tmp_path / "place", [], [])
    assert "9 articles, 0 with a vector" in run("index", "stats", at=made)
    assert "9 articles have a vector" in run("index", "rebuild", at=made)
    assert "9 articles, 9 with a vector" in run("index", "stats", at=made)


def test_commands_use_the_vectors_of_a_calibrated_bundle(run: Run, copied: Place) -> None:
    raw = run("rank", "--reader", "r00001", "--candidates", ",".join(IDS), at=copied)
    with_calibration(copied, eager(), "calibrated")
    name, every = eager().name_of(HashEncoder.name), world().articles.height
    assert f"{every} articles, 0 with a vector of {name}" in run("index", "stats", at=copied)
    adjusted = run("rank", "--reader", "r00001", "--candidates", ",".join(IDS), at=copied)
    assert adjusted != raw
    assert f"{every} articles, {every} with a vector of {name}" in run("index", "stats", at=copied)
    with_calibration(copied, calibration_of(small_calibrator()), "shipped")
    assert run("rank", "--reader", "r00001", "--candidates", ",".join(IDS), at=copied) == raw


def test_rebuild_and_evaluate_calibrate_what_is_missing(run: Run, copied: Place) -> None:
    with_calibration(copied, eager(gamma=1.0), "one")
    assert f"have a vector of {eager(gamma=1.0).name_of(HashEncoder.name)}" in run("index", "rebuild", at=copied)
    with_calibration(copied, eager(gamma=2.0), "two")
    run("evaluate", at=copied)
    name = eager(gamma=2.0).name_of(HashEncoder.name)
    assert f"{world().articles.height} with a vector of {name}" in run("index", "stats", at=copied)


def test_config_shows_origins_and_hides_passwords(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / ".env").write_text("ATTUNE_SEED=11\n")
    for url in (
        "postgresql://u:s3cr@t@host/db",
        "postgresql://:s3cr@host/db",
        "postgresql://host/db?password=s3cr",
    ):
        monkeypatch.setenv("ATTUNE_DATABASE_URL", url)
        out = run("config")
        assert "s3cr" not in out
        assert "host/db" in out
    lines = {line.split()[1]: line for line in out.splitlines() if "ATTUNE_" in line}
    assert "environment" in lines["ATTUNE_DATABASE_URL"]
    assert "11" in lines["ATTUNE_SEED"]
    assert ".env" in lines["ATTUNE_SEED"]
    assert "default" in lines["ATTUNE_DEVICE"]


@pytest.mark.parametrize("terminal", [False, True])
def test_config_never_cuts_a_name(run: Run, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    out = run("config")
    for name in Settings.model_fields:
        assert f" ATTUNE_{name.upper()} " in out


@pytest.mark.parametrize("columns", ["100", None])
def test_config_fits_a_terminal_and_cuts_no_value(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: str | None
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    lines = run("config").splitlines()
    assert max(map(len, lines)) == 100
    values = "".join(line.split("│")[2].strip() for line in lines if line.startswith("│"))
    assert Settings.model_fields["gorse_feedback"].default in values


def test_names_that_set_nothing_are_reported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("ATTUNE_SEEDS=11\n")
    monkeypatch.setenv("ATTUNE_RATELIMIT", "1/minute")
    monkeypatch.setattr("sys.argv", ["attune", "config"])
    with pytest.raises(SystemExit):
        api.cli.main()
    reported = capfd.readouterr().err.splitlines()
    assert [line.split()[0] for line in reported] == ["ATTUNE_RATELIMIT", "ATTUNE_SEEDS"]


def test_a_setting_that_does_not_validate_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_DEVICE", "abacus")
    assert "ATTUNE_DEVICE" in one_line(run("config", fails=1))
    assert "ATTUNE_DEVICE" in one_line(run("migrate", fails=1))


def test_migrate_reports_its_steps(run: Run, tmp_path: Path) -> None:
    assert "up to date" in run("migrate", at=place(tmp_path))
    assert "not supported" in one_line(run("migrate", "--database-url", "oracle://x/y", fails=1))


def test_simulate_into_a_database_or_into_files(run: Run, tmp_path: Path) -> None:
    small = ["simulate", "--readers", 20, "--articles", 60, "--days", 2]
    reported = run(*small, at=place(tmp_path))
    (impressions,) = re.findall(r"(\d+) impressions", reported)
    run(*small, "--out", "made")
    assert pl.read_parquet(tmp_path / "made/impressions.parquet").height == int(impressions)
    files = run("ingest", "parquet", "made", "--database-url", f"sqlite:///{tmp_path}/other.db")
    assert "rejected, " not in files


def test_a_small_demo_runs_whole_again_and_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / ".attune-demo").touch()
    (tmp_path / "shop" / "attune.db").write_text("an earlier demo's database")
    out = run("demo", "--folder", "shop", "--readers", 40, "--articles", 200, "--days", 4)
    for part in (
        "simulated 4 days",
        "attune",
        "popular",
        "oracle",
        "of the AUC gap between popularity and the oracle",
        "the feed, with explanations",
        "serve it",
    ):
        assert part in out
    assert re.search(r"^1\. \S", out, re.MULTILINE)


def test_a_demo_deletes_nothing_that_no_demo_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "novel.txt").write_text("Call me Ishmael.")
    assert "contains other files" in one_line(run("demo", "--folder", "mine", fails=1))
    assert (tmp_path / "mine" / "novel.txt").exists()


def test_help_is_there_without_a_command() -> None:
    shown = CliRunner().invoke(api.cli.app, ["--help"])
    assert shown.exit_code == 0
    assert "evaluate" in shown.stdout


def test_the_last_day_of_the_small_world_is_not_trained_on(trained: Place) -> None:
    (manifest,) = (trained.home / "bundles").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["data"]["until"] == last_day()
