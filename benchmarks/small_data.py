"""Does training on little data activate the best that it has?

    python -m benchmarks.small_data [--first 1] [--seeds 10] [--impressions 1200] [--readers 60] [--articles 320]
                                    [--encoder]

For each seed a newsroom is simulated. The first impressions are learned from; the day after is evaluated. What
`attune train` activates must be at least as good (AUC, paired over readers) as its best part and as the best
baseline on that day: no paired interval of 95% may be below zero. The best ones are those of the evaluated day,
which nobody knows at training time, so this is a hard test. Exits with 1 if it does not hold.

`--encoder` uses the real encoder; by default texts are encoded by a random direction per word.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.newsroom import WordEncoder, stored
from recsys.domain import DAY
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import ModelEncoder
from recsys.evaluation.run_evaluation import TimeWindow, evaluate
from recsys.evaluation.systems import BASELINES, FULL_SYSTEM
from recsys.models.bundle import active_version
from recsys.models.model_loader import load_bundle
from recsys.models.served_ranker import FULL_RANKER, PARTS
from recsys.settings import load_settings
from recsys.simulate.world import World, simulate
from recsys.training.pipeline import train

_A_DAY = 80
"""Fewer impressions than a day of 60 readers has on average; the simulation must be long enough."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one seed. manifest: of the bundle; result: of its evaluation on the day after."""

    seed: int
    active: bool
    manifest: dict[str, Any]
    result: dict[str, Any]

    def auc(self, system: str) -> float:
        """Return the AUC of a row on the day after."""
        return float(self.result["systems"][system]["auc"])

    def best(self, names: tuple[str, ...]) -> str:
        """Return the row with the highest AUC on the day after."""
        return max((name for name in names if name in self.result["systems"]), key=self.auc)

    def verdict(self, other: str) -> str:
        """Return win, tie or loss of what serves against a row."""
        return str(self.result["comparisons"][other]["verdict"])

    @property
    def holds(self) -> bool:
        """True if something was activated that loses neither to the best part nor to the best baseline."""
        rows = self.best((*PARTS, FULL_RANKER)), self.best(BASELINES)
        return self.active and all(self.verdict(row) != "loss" for row in rows)


def outcome(seed: int, given: argparse.Namespace) -> Outcome:
    """Simulate, train and evaluate one seed."""
    days = int(np.ceil(given.impressions / (_A_DAY * given.readers / 60))) + 1
    world = simulate(given.readers, given.articles, days, seed)
    until = int(np.sort(world.slates["at"].to_numpy())[given.impressions - 1]) + 1
    with TemporaryDirectory() as folder:
        return _measured(seed, world, until, Path(folder), given.encoder)


def _measured(seed: int, world: World, until: int, folder: Path, real: bool) -> Outcome:
    settings = load_settings(database_url=f"sqlite:///{folder / 'attune.db'}", home=folder)
    encoder: ModelEncoder = LazyEncoder(settings) if real else WordEncoder()  # type: ignore[assignment]
    database = stored(world, settings.database_url)
    bundle = train(database, settings, encoder, until)
    system = load_bundle(folder, encoder.name, bundle.version)
    result = evaluate(database, encoder, system, TimeWindow(until, until + DAY), lambda *_: None)
    database.close()
    return Outcome(seed, active_version(folder) == bundle.version, bundle.manifest, result)


def _row(found: Outcome) -> str:
    part, baseline = found.best((*PARTS, FULL_RANKER)), found.best(BASELINES)
    full = found.auc(FULL_RANKER if FULL_RANKER in found.result["systems"] else FULL_SYSTEM)
    against = [f"{name:<20}{found.auc(name):.3f} {found.verdict(name):<5}" for name in (part, baseline)]
    serves = found.manifest["ranking"]["system"] if found.active else "(not activated)"
    return f"{found.seed:>4} {serves:<20} {found.auc(FULL_SYSTEM):.3f}  {full:.3f}  {'  '.join(against)}"


def main() -> None:
    """Print a row for each seed, and exit with 1 if the promise does not hold."""
    parser = argparse.ArgumentParser(description="what is activated after training on little data")
    defaults = (("first", 1), ("seeds", 10), ("impressions", 1_200), ("readers", 60), ("articles", 320))
    for name, default in defaults:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--encoder", action="store_true", help="use the real encoder")
    given = parser.parse_args()
    counts = f"{given.impressions} impressions, {given.readers} readers, {given.articles} articles"
    print(f"{counts}; AUC on the day after")
    print("seed what serves           AUC    full   best part                       best baseline")
    outcomes = []
    for seed in range(given.first, given.first + given.seeds):
        outcomes.append(outcome(seed, given))
        print(_row(outcomes[-1]), flush=True)
    print(f"mean {'':<20} {np.mean([found.auc(FULL_SYSTEM) for found in outcomes]):.3f}")
    held = sum(found.holds for found in outcomes)
    print(f"what serves loses neither to its best part nor to the best baseline: {held} of {len(outcomes)} seeds")
    sys.exit(held < len(outcomes))


if __name__ == "__main__":
    main()
