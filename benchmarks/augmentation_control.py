"""Comparison of a gate on damaged words with training on damaged titles: a control for calibrated attention.

    python -m benchmarks.augmentation_control [--readers 800] [--articles 2200] [--days 14] [--seeds 5]

Simulated readers, and titles without categories, with real vectors. One preference network is trained on undamaged
titles, another on a corpus in which 30% are damaged (by the kinds of the detectors' training). The last day is
ranked with 30% of the titles damaged, including held-out kinds: by the first network without a gate, with each
adjustment and control, and by the second without a gate. Intervals: paired, over readers, mean of the draws.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.newsroom import stored
from recsys.cpu_threads import cpu_threads
from recsys.domain import DAY
from recsys.encoder.article_text import article_texts, headlines
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import encode_context_fields
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import encode, encode_all
from recsys.evaluation.bootstrap import compare
from recsys.evaluation.labelled_slates import load_labelled_requests
from recsys.experiments.evaluate_attention import as_read
from recsys.frames import where
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable, align_vectors
from recsys.settings import load_settings
from recsys.simulate.world import simulate
from recsys.store.database import Database
from recsys.store.event_log_reader import slate_span
from recsys.training.calibration.ablation_arms import ARMS, OFF
from recsys.training.calibration.article_gate import DAMAGED, under_damage
from recsys.training.calibration.damage_benchmark import DamageBenchmark, Scoring
from recsys.training.calibration.fit_detectors import fit_calibrator
from recsys.training.calibration.text_corruption import TRAINED
from recsys.training.calibration.title_corruption import damaged_titles, injector_of, tokenised
from recsys.training.reader_histories import collect
from recsys.training.training_run import Split, silent, split
from recsys.training.user_model_training import train_preference
from recsys.user_model.batch_scoring import scores
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork

AUGMENTED = "augmented"
SEED = 7


@dataclass(frozen=True, slots=True)
class Log:
    """Articles, their rows in the vectors of `data` [n], and slates by time."""

    articles: pl.DataFrame
    rows: NDArray[np.int64]
    data: PreferenceData
    when: Split
    end: int


def main() -> None:
    """Train both networks, and print the results of each with damaged titles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 800), ("articles", 2_200), ("days", 14), ("seeds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    model = LazyEncoder(load_settings()).loaded()
    world = simulate(given.readers, given.articles, given.days)
    with TemporaryDirectory() as folder, cpu_threads(1):
        database = stored(world, f"sqlite:///{folder}/attune.db")
        log = _log(database, as_read(world.articles, titles_only=True))
        database.close()
        _report(_ranked(model, log, range(given.seeds)), log)


def _log(database: Database, articles: pl.DataFrame) -> Log:
    with database.read() as connection, Replay(connection) as replayed:
        start, last = slate_span(connection) or (0, 0)
        end = last + 1
        labelled_requests = load_labelled_requests(connection, start, end, articles, end)
        marked = align_vectors(replayed.state, articles, np.ones((articles.height, 1), dtype=np.float32))
        data = collect(replayed, marked, labelled_requests, silent)
        rows = replayed.state.articles.lookup(articles["id"].to_list()).astype(np.int64)
    return Log(articles, rows, data, split(start, end - DAY), end)


def _ranked(model: TextEncoder, log: Log, seeds: Sequence[int]) -> Mapping[str, Mapping[str, NDArray[np.float64]]]:
    """Return the AUC of each slate of the last day [s], undamaged and damaged, by arm."""
    tested = log.data.only(log.data.between(log.when.until, log.end))
    held_out = ~np.isin(log.rows, tested.candidates)
    plain = _trained(log, encode(model, headlines(log.articles)))
    augmented = _trained(log, _augmented(model, log.articles, held_out))
    calibrator = fit_calibrator(model, where(log.articles, held_out), SEED)
    folds = np.zeros(log.articles.height, dtype=np.int64)
    context = encode_context_fields(model, article_texts(log.articles))
    benchmark = DamageBenchmark(model, [calibrator], log.articles, log.rows, folds, tested, _by(plain), context)
    control = replace(benchmark, scoring=_by(augmented))
    injector, clean = benchmark.injector(), benchmark.undamaged(SEED, ARMS)
    raw = {OFF: clean[OFF]}
    draws = []
    for seed in seeds:
        aucs = dict(under_damage(benchmark, clean, injector, np.random.default_rng(seed)))
        aucs[AUGMENTED] = under_damage(control, raw, injector, np.random.default_rng(seed))[OFF]
        draws.append(aucs)
        print(
            f"draw {seed}: " + ", ".join(f"{arm} {values.mean():.4f}" for arm, values in aucs.items()), flush=True
        )
    undamaged = {arm: benchmark.aucs(clean[arm]) for arm in ARMS} | {AUGMENTED: control.aucs(clean[OFF])}
    damaged = {arm: np.mean([aucs[arm] for aucs in draws], axis=0) for arm in undamaged}
    return {"undamaged": undamaged, "damaged": damaged}


def _augmented(model: TextEncoder, articles: pl.DataFrame, held_out: NDArray[np.bool_]) -> Vectors:
    """Return vectors [n, d] with a share of the `held_out` articles damaged, as training corpus."""
    rng = np.random.default_rng(SEED)
    drawn = held_out & (rng.random(articles.height) < DAMAGED)
    ways = rng.integers(len(TRAINED), size=articles.height)
    kinds = [TRAINED[way] if corrupted else None for way, corrupted in zip(ways, drawn, strict=True)]
    titles = damaged_titles(articles, kinds, injector_of(model, articles), SEED)
    return encode_all(model, tokenised(model, articles, titles).tokens)


def _trained(log: Log, vectors: Vectors) -> PreferenceNetwork:
    table = VectorTable()
    table.put(log.rows, vectors)
    return PreferenceNetwork.of(train_preference(log.data, table, log.when, SEED, "cpu", silent).newest)


def _by(network: PreferenceNetwork) -> Scoring:
    def scoring(data: PreferenceData, table: Vectors) -> Sequence[NDArray[np.float64]]:
        return scores(network, data, data.usable(), torch.from_numpy(table))

    return scoring


def _report(found: Mapping[str, Mapping[str, NDArray[np.float64]]], log: Log) -> None:
    tested = log.data.only(log.data.between(log.when.until, log.end))
    readers = tested.reader[tested.usable()]
    lost = float((found["undamaged"][OFF] - found["damaged"][OFF]).mean())
    print(f"{len(readers)} slates; damage costs {lost:.4f} AUC")
    print(f"{'':10} {'undamaged':>10} {'damaged':>8}  damaged, compared with {OFF}")
    for arm, values in found["damaged"].items():
        gain = compare(values, found["damaged"][OFF], readers).difference
        text = f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] {gain.mean / lost:+.0%} of the loss"
        print(f"{arm:10} {found['undamaged'][arm].mean():10.4f} {values.mean():8.4f}  {text}")


if __name__ == "__main__":
    main()
