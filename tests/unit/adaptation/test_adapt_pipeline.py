"""An adaptation as a whole: what is learned, written, refused and resumed, and what may not leak."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.torch import load_file

from recsys.adaptation.adapt_options import AdaptOptions
from recsys.adaptation.adapt_pipeline import Adaptation, adapt
from recsys.encoder.bert import TextEncoder
from recsys.encoder.lazy import LazyEncoder
from recsys.errors import ConfigError, DataError, EncoderError
from recsys.settings import Settings, load_settings
from recsys.store import articles, event_log
from recsys.store.database import opened
from recsys.training.training_run import Progress, silent
from tests.trained import Place, last_day, place, world

OPTIONS = AdaptOptions("ours", layers=2, steps=24, keep=True)
TEXTS = [f"query: {title}" for title in world().articles["title"].head(5)]


def run(
    at: Place, until: int | None = None, options: AdaptOptions = OPTIONS, progress: Progress = silent
) -> Adaptation:
    with opened(at.settings.database_url) as database:
        return adapt(database, at.settings, until, options, progress)


def weights(result: Adaptation) -> dict[str, np.ndarray]:
    assert result.path is not None
    return {name: value.numpy() for name, value in load_file(result.path / "model.safetensors").items()}


def differing(one: Adaptation, other: Adaptation) -> list[str]:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not np.array_equal(ours[name], theirs[name])]


def filled(folder: Path, like: Settings, with_log: bool = True, described: bool = True) -> Place:
    """A place with the small world's articles, and its log."""
    at = place(folder, like)
    shown = world().articles if described else world().articles.with_columns(abstract=None, body=None)
    with opened(at.settings.database_url) as database, database.write() as connection:
        articles.upsert(connection, shown)
        if with_log:
            event_log.append_frames(connection, world().events, world().slates)
    return at


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Adaptation:
    like = Settings(encoder=str(tiny), device="cpu", database_patience=60, index="exact", _env_file=None)
    return run(filled(tmp_path_factory.mktemp("adapted"), like), last_day())


def test_only_the_top_layers_change(adapted: Adaptation, tiny: Path) -> None:
    assert adapted.path is not None
    base, ours = load_file(tiny / "model.safetensors"), weights(adapted)
    changed = {name for name in base if not np.array_equal(base[name].numpy(), ours[name])}
    assert changed if adapted.step else not changed
    assert all(name.startswith(("encoder.layer.2.", "encoder.layer.3.")) for name in changed)


def test_the_folder_loads_with_the_hook_which_changes_nothing(adapted: Adaptation) -> None:
    hooked = TextEncoder(str(adapted.path), device="cpu")
    plain = TextEncoder(str(adapted.path), device="cpu", attention="sdpa")
    tokens = hooked.tokenize(TEXTS)
    vectors = hooked.encode_tokens(tokens)
    np.testing.assert_allclose(vectors, plain.encode_tokens(tokens), atol=1e-6)
    observed, seen = hooked.observe_tokens(tokens)
    np.testing.assert_allclose(observed, vectors, atol=1e-5)
    assert seen.heads.shape[1:3] == (4, 4)


def test_the_folder_says_how_its_texts_are_read(adapted: Adaptation) -> None:
    assert adapted.path is not None
    prompts = json.loads((adapted.path / "config_sentence_transformers.json").read_text())
    assert prompts["prompts"][prompts["default_prompt_name"]] == "query: "
    pooling = json.loads((adapted.path / "1_Pooling" / "config.json").read_text())
    assert pooling["pooling_mode_mean_tokens"]
    assert not pooling["pooling_mode_cls_token"]
    assert pooling["word_embedding_dimension"] == 32
    modules = json.loads((adapted.path / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling", "2_Normalize"]
    assert (adapted.path / "tokenizer.json").is_file()
    assert LazyEncoder(load_settings(encoder=str(adapted.path))).profile.prompt == "query: "


def test_the_card_states_origin_and_figures(adapted: Adaptation, tiny: Path) -> None:
    assert adapted.path is not None
    card = (adapted.path / "README.md").read_text()
    for stated in (
        f"base_model: {tiny}",
        f"{adapted.before.mean:.4f}",
        f"{adapted.after.mean:.4f}",
        "attune adapt --until",
        f"{adapted.facts.choices:,}",
    ):
        assert stated in card


def test_a_killed_run_goes_on_to_the_same_weights_bit_for_bit(
    adapted: Adaptation, tmp_path: Path, settings: Settings
) -> None:
    at = filled(tmp_path, settings)

    def killed_at(stage: str, last: int | None) -> Progress:
        def progress(name: str, done: int, total: int | None) -> None:
            if name.startswith(stage) and done == (last or total):
                raise KeyboardInterrupt

        return progress

    for stage, last in (("lower layers", None), ("adaptation", 3), ("adaptation", 15), ("adaptation", 23)):
        with pytest.raises(KeyboardInterrupt):
            run(at, last_day(), progress=killed_at(stage, last))
    assert not (at.home / "encoders" / "ours").exists()
    steps: list[int] = []
    again = run(at, last_day(), progress=lambda name, done, _: steps.append(done) if "adapt" in name else None)
    assert steps == [21, 22, 23, 24]
    assert differing(again, adapted) == []
    assert again.comparison == adapted.comparison
    assert not (at.home / "adapt" / "ours").exists()


def test_rows_known_after_the_cut_off_change_nothing(
    adapted: Adaptation, tmp_path: Path, settings: Settings
) -> None:
    at = place(tmp_path, settings)
    later = pl.col("known_at") >= last_day()
    shuffled = world().events.filter(later).with_columns(pl.col("article", "reader", "kind").shuffle(seed=5))
    new = pl.DataFrame(
        {"id": ["late"], "title": ["Later"], "abstract": ["after it"], "published_at": [last_day()]}
    )
    unseen = pl.DataFrame({"id": ["undated"], "title": ["Undated"], "abstract": ["never shown"]})
    with opened(at.settings.database_url) as database, database.write() as connection:
        for frame in (world().articles, new, unseen):
            articles.upsert(connection, frame)
        event_log.append_frames(connection, world().events.filter(~later), world().slates.filter(~later))
        event_log.append_frames(connection, shuffled, None)
    other = run(at, last_day())
    assert differing(other, adapted) == []
    assert other.facts.articles == adapted.facts.articles


def test_an_encoder_that_is_not_better_is_not_written(tmp_path: Path, settings: Settings) -> None:
    at = filled(tmp_path, settings)
    result = run(at, last_day(), AdaptOptions("ours", steps=1))
    assert not result.better
    assert result.path is None
    assert not (at.home / "encoders" / "ours").exists()
    kept = run(at, last_day(), AdaptOptions("ours", steps=1, keep=True))
    assert kept.path is not None
    assert "Not better than its base" in (kept.path / "README.md").read_text()


def test_an_existing_folder_is_never_overwritten(adapted: Adaptation, tmp_path: Path, settings: Settings) -> None:
    at = filled(tmp_path, settings)
    (at.home / "encoders" / "ours").mkdir(parents=True)
    with pytest.raises(ConfigError, match="another --name"):
        run(at, last_day())


def test_without_a_log_it_learns_from_texts(tmp_path: Path, settings: Settings) -> None:
    result = run(filled(tmp_path, settings, with_log=False))
    assert result.figure.startswith("reciprocal rank")
    assert any("texts only" in note for note in result.notes)
    assert result.facts.choices == result.facts.together == 0
    assert result.path is not None


def nothing(_: Settings, at: Place) -> None:
    """Store nothing."""


def titles(_: Settings, at: Place) -> None:
    """Store titles only."""
    with opened(at.settings.database_url) as database, database.write() as connection:
        articles.upsert(connection, world().articles.select("id", "title"))


@pytest.mark.parametrize(
    ("store", "why"), [(nothing, "attune ingest"), (titles, "an abstract or a body, or clicks")]
)
def test_nothing_to_learn_from_says_what_to_do(
    store: Callable[[Settings, Place], None], why: str, tmp_path: Path, settings: Settings
) -> None:
    at = place(tmp_path, settings)
    store(settings, at)
    with pytest.raises(DataError, match=why):
        run(at)


def test_a_cut_off_before_everything_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(DataError, match="later --until"):
        run(filled(tmp_path, settings), 1)


def test_more_layers_than_the_model_can_spare_are_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="--layers to at most 3"):
        run(filled(tmp_path, settings), last_day(), AdaptOptions("ours", layers=4))


def test_a_model_that_is_not_there_says_what_to_set(tmp_path: Path, settings: Settings) -> None:
    missing = settings.model_copy(update={"encoder": str(tmp_path)})
    with pytest.raises(EncoderError, match="ATTUNE_ENCODER"):
        run(filled(tmp_path, missing), last_day())
