"""Fit of the calibration of any transformers model, and the gate that keeps it only where it helps.

The gate tries strengths γ, probabilities that flag an input, and shares of undamaged examples that may be flagged.
One of them is on only if, on the validation, the lower bound of its change on undamaged examples is at least −0.2
points and that of its gain on damaged ones is above 0. Of those that pass, the one with the largest gain is on;
else nothing is.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.calibration.input_detector import InputDetector, InputProfile, SeenInputs, fit_inputs
from recsys.calibration.model_calibrator import Batch, HookedModel, ModelCalibrator, rows_of
from recsys.calibration.training_loop import FitConfig
from recsys.errors import DataError
from recsys.evaluation.bootstrap import Interval, compare
from recsys.training.calibration.model_task import ModelTask, chunks, mixed_damage

GAMMAS = (1.0, 3.0, 10.0, 30.0)
"""Strengths to try; at 30 a certain input is out of attention."""

CERTAIN = (0.3, 0.7, 0.95)
"""Probabilities that flag an input, to try."""

SHARES = (0.05, 0.01, 0.002)
"""Shares of undamaged examples that may be flagged, to try."""

LEAST_CLEAN = -0.002
"""Allowed change on undamaged examples, as in `article_gate`."""

LEAST_EXAMPLES = 60
"""Smallest number of examples of each part."""

DRAWS = 12
"""Damaged copies of the training examples."""

VALIDATION_DRAWS = 3
"""Damaged copies of the validation examples: with one, a gain of some points is often within its interval."""

_KEPT_GAIN = 0.9
"""Share of the gain on trained kinds of damage that flags of unusual content must keep: they find other kinds."""

_FIT = FitConfig(epochs=12, batch=4)


@dataclass(frozen=True, slots=True)
class Run:
    """Outputs of the plain model for n examples, their metric [n], and what its attention did, by batch."""

    batches: Sequence[Batch]
    outputs: Sequence[torch.Tensor]
    seen: Sequence[SeenInputs]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """Choice of the gate.

    calibrator: γ = 0 if nothing passed; clean, robust: change of the metric on undamaged and on damaged examples,
    of the chosen setting, or of the best one that did not pass; on: True if it passed.
    """

    calibrator: ModelCalibrator
    clean: Interval
    robust: Interval
    on: bool

    def figures(self) -> dict[str, Any]:
        """Return the decision as a JSON object."""
        found = self.calibrator
        strength = {"gamma": found.gamma, "certain": found.certain, "limit": found.detector.network.limit}
        return {"on": self.on, **strength, "clean": asdict(self.clean), "robust": asdict(self.robust)}


def run(hooked: HookedModel, task: ModelTask, batch: Batch, count: int) -> Run:
    """Run the plain model on `count` examples, and observe it."""
    parts = [rows_of(batch, torch.from_numpy(rows)) for rows in chunks(count)]
    outputs, seen, scores = [], [], []
    for part in parts:
        out, found = hooked.observe(part)
        outputs.append(out)
        seen.append(found)
        scores.append(task.score(out, part))
    return Run(parts, outputs, seen, np.concatenate(scores))


def gated_scores(
    hooked: HookedModel, task: ModelTask, plain: Run, gates: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the metric [n] with gates of the inner keys, one array [B, N] a batch.

    Examples without a gate keep their metric of the plain model.
    """
    scores = plain.scores.copy()
    start = 0
    for batch, seen, gate in zip(plain.batches, plain.seen, gates, strict=True):
        rows = np.flatnonzero((gate < 0).any(axis=1))
        if len(rows):
            chosen = rows_of(batch, torch.from_numpy(rows))
            keys = hooked.model.inputs(batch).present.shape[1]
            out = hooked.gated(chosen, seen.scattered(gate, keys)[rows])
            scores[start + rows] = task.score(out, chosen)
        start += len(gate)
    return scores


def fit_detectors(hooked: HookedModel, task: ModelTask, seed: int) -> tuple[list[InputDetector], list[SeenInputs]]:
    """Train detectors on undamaged and damaged training examples: by content too, and by statistics alone.

    A part of the training sources only sets the limits; its observations are returned too.

    Raises:
        DataError: there are too few examples.
    """
    for name, examples in (("training", task.training), ("validation", task.validation)):
        if len(examples) < LEAST_EXAMPLES:
            raise DataError(
                f"the {name} part has {len(examples)} examples; calibration needs {LEAST_EXAMPLES}: give more data"
            )
    rng = np.random.default_rng(seed)
    sources = rng.permutation(np.unique(task.training.group))
    held = np.isin(task.training.group, sources[: len(sources) // 3])
    fitting, limiting = task.training[np.flatnonzero(~held)], task.training[np.flatnonzero(held)]
    clean = run(hooked, task, fitting.batch, len(fitting)).seen
    profile, config = InputProfile.of(clean), replace(_FIT, seed=seed)
    training = [profile.batch(seen) for seen in clean]
    for _ in range(DRAWS):
        for _, part in mixed_damage(task, fitting, task.trained_kinds, rng):
            for rows in chunks(len(part.mask)):
                _, seen = hooked.observe(rows_of(part.batch, torch.from_numpy(rows)))
                training.append(profile.batch(seen, seen.selected(part.mask[rows])))
    normal = list(run(hooked, task, limiting.batch, len(limiting)).seen)
    by_statistics = [profile.statistics(each) for each in training]
    return [
        fit_inputs(profile, training, normal, config),
        fit_inputs(profile.of_statistics(), by_statistics, normal, config),
    ], normal


def choose_gate(
    hooked: HookedModel,
    task: ModelTask,
    detectors: Sequence[InputDetector],
    normal: Sequence[SeenInputs],
    seed: int,
) -> Decision:
    """Return the setting that passes with the largest gain on damaged validation examples.

    One that flags unusual content is preferred, because it finds other kinds of damage, too, unless it costs more
    than a part of the gain on the trained kinds. normal: observations of undamaged examples that set the limits.
    """
    rng = np.random.default_rng(seed + 1)
    examples = task.validation
    clean = run(hooked, task, examples.batch, len(examples))
    damaged = [
        (part, run(hooked, task, broken.batch, len(part)))
        for _ in range(VALIDATION_DRAWS)
        for part, broken in mixed_damage(task, examples, task.trained_kinds, rng)
    ]
    groups = np.concatenate([part.group for part, _ in damaged])
    evidence = _Evidence(clean, examples.group, [each for _, each in damaged], groups)
    found = [_best_setting(hooked, task, each, normal, evidence) for each in detectors]
    found += [
        _best_setting(hooked, task, each.of_trained_kinds(), normal, evidence)
        for each in detectors
        if each.limits is not None
    ]
    best = max(found, key=lambda each: (each.on, each.robust.mean))
    preferred = found[0]
    return preferred if preferred.on and preferred.robust.mean >= _KEPT_GAIN * best.robust.mean else best


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Undamaged and damaged validation examples; group, groups: their sources."""

    clean: Run
    group: NDArray[np.int64]
    damaged: Sequence[Run]
    groups: NDArray[np.int64]


def _best_setting(
    hooked: HookedModel,
    task: ModelTask,
    detector: InputDetector,
    normal: Sequence[SeenInputs],
    evidence: _Evidence,
) -> Decision:
    """Return the setting with the largest gain of those that pass, else the one with the largest gain, off."""
    clean, runs = evidence.clean, [evidence.clean, *evidence.damaged]
    # the settings differ in their limits alone, so the detector runs once
    probabilities = [[detector.probabilities(seen) for seen in each.seen] for each in runs]
    before = np.concatenate([each.scores for each in evidence.damaged])
    tried = []
    for stages in _candidates(detector, normal):
        undamaged_by_share, *after = (
            _scores_by_share(hooked, task, each, known, stages)
            for each, known in zip(runs, probabilities, strict=True)
        )
        for number, candidate in enumerate(stages):
            tried.append((candidate, undamaged_by_share[number], np.concatenate([each[number] for each in after])))
    # the first one that passes has the largest gain; the bootstrap is slow, so that later ones are not tested
    tried.sort(key=lambda each: -float(each[2].mean()))
    decisions: list[Decision] = []
    for candidate, change, after_all in tried:
        if (change - clean.scores).mean() < LEAST_CLEAN and decisions:
            continue
        undamaged = compare(change, clean.scores, evidence.group).difference
        gain = compare(after_all, before, evidence.groups).difference
        decisions.append(Decision(candidate, undamaged, gain, undamaged.low >= LEAST_CLEAN and gain.low > 0))
        if decisions[-1].on:
            return decisions[-1]
        if gain.mean <= 0:
            break
    return replace(decisions[0], calibrator=replace(decisions[0].calibrator, gamma=0.0))


def gates_of(calibrator: ModelCalibrator, plain: Run) -> list[NDArray[np.float64]]:
    """Return the gate of the inner keys of each batch, [B, N] each."""
    return _gates(calibrator, plain, [calibrator.detector.probabilities(seen) for seen in plain.seen])


def calibrate(task: ModelTask, seed: int) -> tuple[HookedModel, Decision]:
    """Fit the calibration of a task's model, and choose its gate.

    Raises:
        DataError: there are too few examples.
        EncoderError: the attention of the model cannot be observed.
    """
    hooked = HookedModel(task.model)
    detectors, normal = fit_detectors(hooked, task, seed)
    return hooked, choose_gate(hooked, task, detectors, normal, seed)


def _candidates(detector: InputDetector, normal: Sequence[SeenInputs]) -> list[list[ModelCalibrator]]:
    """Return the settings by γ and probability, each with its shares, the largest first."""
    limited = [detector.flagging(share, normal) for share in sorted(SHARES, reverse=True)]
    return [[ModelCalibrator(each, gamma, certain) for each in limited] for gamma in GAMMAS for certain in CERTAIN]


def _gates(
    calibrator: ModelCalibrator, plain: Run, probabilities: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    pairs = zip(probabilities, plain.seen, strict=True)
    return [-calibrator.gamma * calibrator.flagged(known, seen.inner) for known, seen in pairs]


def _scores_by_share(
    hooked: HookedModel,
    task: ModelTask,
    plain: Run,
    probabilities: Sequence[NDArray[np.float64]],
    stages: Sequence[ModelCalibrator],
) -> list[NDArray[np.float64]]:
    """Return the metric [n] of each of `stages`, which differ in their share alone.

    probabilities: of the detector for each batch of `plain`.

    Examples that a smaller share flags have the same gate with a larger one, so the model runs once.
    """
    largest = gated_scores(hooked, task, plain, _gates(stages[0], plain, probabilities))
    found = []
    for stage in stages:
        flagged = np.concatenate([(gate < 0).any(axis=1) for gate in _gates(stage, plain, probabilities)])
        found.append(np.where(flagged, largest, plain.scores))
    return found
