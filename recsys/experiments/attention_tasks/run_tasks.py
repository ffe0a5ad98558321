"""Measurement of calibrated attention on a task: damage, arms, controls, detector, cost.

Arms on the same damaged test examples, a half of whose kinds the detector has never seen:

damaged      the plain model
calibrated   as the gate of the validation chose
random       the same gate at random inputs of the same examples
drop         every input with a probability above a half left out of attention, no matter if the example is flagged
oracle       the truly damaged inputs left out of attention
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from recsys.calibration.input_detector import InputDetector, SeenInputs
from recsys.calibration.model_calibrator import CalibratedModel, HookedModel, ModelCalibrator
from recsys.evaluation.bootstrap import Interval, intervals
from recsys.training.calibration.model_gate import GAMMAS, LEAST_CLEAN, Run, calibrate, gated_scores, gates_of, run
from recsys.training.calibration.model_task import ModelTask, mixed_damage
from recsys.training.training_run import Progress

ARMS = ("damaged", "calibrated", "random", "drop", "oracle")
GOAL = 1 / 3
"""Share of the loss that calibration has to win back."""

LEAST_LOSS = 0.005
"""Smallest loss by damage of which a share can be won back."""

_DRAWS, _TAIL = 1_000, 0.025
_OUT = max(GAMMAS)


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics of one seed.

    clean: plain and calibrated, undamaged, by example [n]; group: source of each [n]; arms: of damaged examples
    [n], by arm; held_out: damaged by a kind that the detector was not trained on [n]; auroc: of the detector by
    kind; seconds: for an undamaged example, by plain and calibrated model; decision: of the gate.
    """

    clean: Mapping[str, NDArray[np.float64]]
    group: NDArray[np.int64]
    arms: Mapping[str, NDArray[np.float64]]
    arms_group: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    auroc: Mapping[str, float]
    seconds: Mapping[str, float]
    decision: Mapping[str, Any]
    calibrator: ModelCalibrator


def measure(task: ModelTask, seed: int) -> Measured:
    """Calibrate the model of a task, and measure it on the test examples."""
    hooked, decision = calibrate(task, seed)
    rng = np.random.default_rng(seed + 2)
    plain = run(hooked, task, task.test.batch, len(task.test))
    gates = gates_of(decision.calibrator, plain)
    parts, groups, held_out, auroc = [], [], [], {}
    kinds = (*task.trained_kinds, *task.held_out_kinds)
    for kind, (examples, broken) in zip(kinds, mixed_damage(task, task.test, kinds, rng), strict=True):
        damaged = run(hooked, task, broken.batch, len(examples))
        masks = _masks(damaged, broken.mask)
        parts.append(_arms(hooked, task, damaged, masks, decision.calibrator, rng))
        auroc[kind] = _auroc(decision.calibrator.detector, damaged.seen, masks)
        groups.append(examples.group)
        held_out.append(np.full(len(examples), kind in task.held_out_kinds))
    return Measured(
        clean={"plain": plain.scores, "calibrated": gated_scores(hooked, task, plain, gates)},
        group=task.test.group,
        arms={arm: np.concatenate([part[arm] for part in parts]) for arm in ARMS},
        arms_group=np.concatenate(groups),
        held_out=np.concatenate(held_out),
        auroc=auroc,
        seconds=_seconds(hooked, decision.calibrator, plain),
        decision=decision.figures(),
        calibrator=decision.calibrator,
    )


def run_task(make: Callable[[int], ModelTask], seeds: int, progress: Progress, name: str) -> dict[str, Any]:
    """Return the figures of a task over `seeds` trainings, as a JSON object."""
    measured, kinds = [], {}
    start = time.monotonic()
    for seed in range(seeds):
        progress(name, seed, seeds)
        task = make(seed)
        kinds = {"trained": list(task.trained_kinds), "held_out": list(task.held_out_kinds)}
        measured.append(measure(task, seed))
    progress(name, seeds, seeds)
    return summary(measured, kinds, round(time.monotonic() - start, 1))


def summary(measured: Sequence[Measured], kinds: Mapping[str, Sequence[str]], seconds: float) -> dict[str, Any]:
    """Return the means over all seeds, with 95% intervals over sources and seeds."""
    arms = {arm: np.concatenate([each.arms[arm] for each in measured]) for arm in ARMS}
    lost = np.concatenate([_lost(each) for each in measured])
    arms_group, clean_group = _numbered(measured, "arms_group"), _numbered(measured, "group")
    held_out = np.concatenate([each.held_out for each in measured])
    clean = {name: np.concatenate([each.clean[name] for each in measured]) for name in ("plain", "calibrated")}
    change = intervals({"change": clean["calibrated"] - clean["plain"]}, clean_group)["change"]
    gain = {arm: arms[arm] - arms["damaged"] for arm in ARMS[1:]}
    back = {arm: share(gain[arm], lost, arms_group) for arm in gain}
    return {
        "seeds": len(measured),
        "examples": len(measured[0].group),
        "seconds": seconds,
        "kinds": kinds,
        "clean": float(clean["plain"].mean()),
        "clean_change": asdict(change),
        "arms": {arm: float(values.mean()) for arm, values in arms.items()},
        "won_back": {arm: None if each is None else asdict(each) for arm, each in back.items()},
        "won_back_held_out": _optional(
            share(gain["calibrated"][held_out], lost[held_out], arms_group[held_out]) if held_out.any() else None
        ),
        "auroc": {kind: float(np.mean([each.auroc[kind] for each in measured])) for kind in measured[0].auroc},
        "milliseconds": {
            name: 1000 * float(np.mean([each.seconds[name] for each in measured]))
            for name in ("plain", "calibrated")
        },
        "decisions": [each.decision for each in measured],
        "verdict": _verdict(back["calibrated"], change, measured),
    }


def share(gain: NDArray[np.float64], lost: NDArray[np.float64], group: NDArray[np.int64]) -> Interval | None:
    """Return Σ gain over Σ lost of n examples, with its 95% interval over sources.

    None if hardly anything is lost, or if it is not certain that something is.
    """
    if lost.mean() < LEAST_LOSS:
        return None
    _, source = np.unique(group, return_inverse=True)
    sums = np.stack([np.bincount(source, weights=values) for values in (gain, lost)])
    weights = np.random.default_rng(7).multinomial(
        sums.shape[1], np.full(sums.shape[1], 1 / sums.shape[1]), _DRAWS
    )
    drawn_gain, drawn_lost = sums @ weights.T
    if np.quantile(drawn_lost, _TAIL) <= 0:
        return None
    low, high = np.quantile(drawn_gain / np.maximum(drawn_lost, 1e-9), (_TAIL, 1 - _TAIL))
    return Interval(float(gain.sum() / lost.sum()), float(low), float(high))


def _verdict(back: Interval | None, change: Interval, measured: Sequence[Measured]) -> str:
    on = sum(bool(each.decision["on"]) for each in measured)
    if back is None:
        return "the damage costs nothing that can be measured"
    if not on:
        return "off: no setting passed the gate"
    if back.mean >= GOAL and back.low > 0 and change.mean >= LEAST_CLEAN and change.high >= 0:
        return f"goal reached (on in {on} of {len(measured)} seeds)"
    return f"goal missed (on in {on} of {len(measured)} seeds)"


def _lost(measured: Measured) -> NDArray[np.float64]:
    """Return the loss of each damaged example [n] against the plain model on the same undamaged example.

    `mixed_damage` orders the examples by kind, so they are matched by the mean of their source.
    """
    _, source = np.unique(measured.group, return_inverse=True)
    mean = np.bincount(source, weights=measured.clean["plain"]) / np.bincount(source)
    return mean[np.searchsorted(np.unique(measured.group), measured.arms_group)] - measured.arms["damaged"]


def _numbered(measured: Sequence[Measured], field: str) -> NDArray[np.int64]:
    """Return the sources of all seeds, numbered apart."""
    return np.concatenate([getattr(each, field) * len(measured) + seed for seed, each in enumerate(measured)])


def _optional(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else asdict(interval)


def _arms(
    hooked: HookedModel,
    task: ModelTask,
    damaged: Run,
    masks: Sequence[NDArray[np.bool_]],
    calibrator: ModelCalibrator,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    gates = gates_of(calibrator, damaged)
    flagged = [calibrator.detector.probabilities(seen) > 0.5 for seen in damaged.seen]
    plans = {
        "calibrated": gates,
        "random": [_permuted(gate, seen.inner, rng) for gate, seen in zip(gates, damaged.seen, strict=True)],
        "drop": [-_OUT * each.astype(np.float64) for each in flagged],
        "oracle": [-_OUT * mask.astype(np.float64) for mask in masks],
    }
    return {
        "damaged": damaged.scores,
        **{arm: gated_scores(hooked, task, damaged, plan) for arm, plan in plans.items()},
    }


def _permuted(
    gate_BN: NDArray[np.float64], inner_BN: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the gates of each example at random inner keys."""
    out = np.zeros_like(gate_BN)
    for row, inner in enumerate(inner_BN):
        out[row, inner] = rng.permutation(gate_BN[row, inner])
    return out


def _masks(plain: Run, mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the damaged inner keys of each batch [B, N]."""
    bounds = np.cumsum([len(seen.inner) for seen in plain.seen])[:-1]
    return [seen.selected(part) for seen, part in zip(plain.seen, np.split(mask, bounds), strict=True)]


def _auroc(detector: InputDetector, seen: Sequence[SeenInputs], masks: Sequence[NDArray[np.bool_]]) -> float:
    """Return the AUROC of the inner keys of damaged examples."""
    probability = np.concatenate([detector.probabilities(each)[each.inner] for each in seen])
    truth = np.concatenate([mask[each.inner] for mask, each in zip(masks, seen, strict=True)])
    return float(roc_auc_score(truth, probability))


def _seconds(hooked: HookedModel, calibrator: ModelCalibrator, plain: Run) -> dict[str, float]:
    """Return seconds for an undamaged example, plain and calibrated."""
    calibrated = CalibratedModel(hooked, calibrator)
    examples = len(plain.scores)
    found = {}
    for name, call in (("plain", hooked.plain), ("calibrated", calibrated)):
        start = time.perf_counter()
        for batch in plain.batches:
            call(batch)
        found[name] = (time.perf_counter() - start) / examples
    return found
