"""Training of LambdaMART on the features of every slate at its time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.evaluation.labelled_slates import replay_requests
from recsys.evaluation.replay import SlateRecorder
from recsys.feed.engine import FeedEngine
from recsys.projection.log_replay import Replay
from recsys.ranking import listwise_correction
from recsys.ranking.expected_utility import ReadingRows
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE, FeatureSet
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.listwise_correction import ListwiseRanker
from recsys.ranking.query import FloatArray
from recsys.state.catalog import NEVER
from recsys.training.training_run import Progress


@dataclass(frozen=True, slots=True)
class PastSlates:
    """Features and labels of slates with a click and a non-click, in order of time `at` [q], microseconds.

    seconds: reading time of each opened candidate [N], NaN where unknown; readers: dense ids [q], negative if
    unknown.
    """

    data: RankingData
    at: NDArray[np.int64]
    seconds: FloatArray
    readers: NDArray[np.int64]

    def before(self, time: int) -> RankingData:
        """Return the slates shown before `time`."""
        return self.between(0, time)

    def since(self, time: int) -> RankingData:
        """Return the slates shown at `time` or later."""
        return self.between(time, NEVER)

    def between(self, start: int, end: int) -> RankingData:
        """Return the slates shown at `start` or later and before `end`."""
        first, last = np.searchsorted(self.at, (start, end))
        rows = self._rows(start, end)
        weights = None if self.data.weights is None else self.data.weights[rows]
        data = self.data
        return RankingData(data.features[rows], data.labels[rows], data.sizes[first:last], weights=weights)

    def readings(self, start: int = 0, end: int = NEVER) -> ReadingRows:
        """Return the opened articles of slates shown at `start` or later and before `end`."""
        rows = self._rows(start, end)
        return ReadingRows.of(self.data.features[rows], self.data.labels[rows], self.seconds[rows])

    def weighing(self, data: RankingData) -> "PastSlates":
        """Return the slates with the weights of `data`, the same slates."""
        return replace(self, data=replace(self.data, weights=data.weights))

    @classmethod
    def joined(cls, parts: Sequence["PastSlates"]) -> "PastSlates":
        """Return the slates of all `parts` (at least one), without weights."""
        return cls(
            data=RankingData(
                np.concatenate([part.data.features for part in parts]),
                np.concatenate([part.data.labels for part in parts]),
                np.concatenate([part.data.sizes for part in parts]),
            ),
            at=np.concatenate([part.at for part in parts]),
            seconds=np.concatenate([part.seconds for part in parts]),
            readers=np.concatenate([part.readers for part in parts]),
        )

    def _rows(self, start: int, end: int) -> slice:
        first, last = np.searchsorted(self.at, (start, end))
        return slice(int(self.data.sizes[:first].sum()), int(self.data.sizes[:last].sum()))


def past_slates(
    engine: FeedEngine,
    log: Replay,
    labelled_requests: pl.DataFrame,
    progress: Progress,
    recorder: SlateRecorder | None = None,
) -> PastSlates:
    """Replay `labelled_requests`, and collect the slates that LambdaMART can train on; `recorder` gets all."""
    sizes = labelled_requests["candidates"].list.len().to_numpy()
    features = np.zeros((int(sizes.sum()), len(ALL_FEATURES.names)))
    labels, seconds = np.zeros(len(features), dtype=np.int8), np.full(len(features), np.nan)
    sizes_used: list[int] = []
    times: list[int] = []
    readers: list[int] = []
    end = 0
    for done, (labelled_request, query, candidates) in enumerate(
        replay_requests(engine, log, labelled_requests, with_positions=True), start=1
    ):
        size, clicked = len(labelled_request.labels), int((labelled_request.labels > 0).sum())
        if 0 < clicked < size:
            rows = slice(end, end + size)
            features[rows], labels[rows], seconds[rows] = (
                candidates.features,
                labelled_request.labels,
                labelled_request.seconds,
            )
            sizes_used.append(size)
            times.append(query.as_of)
            readers.append(query.reader)
            end += size
        if recorder is not None:
            recorder.add(labelled_request, query, candidates)
        if done % 200 == 0 or done == len(labelled_requests):
            progress("features of past slates", done, len(labelled_requests))
    data = RankingData(features[:end], labels[:end], np.asarray(sizes_used, dtype=np.int64))
    at, reader_ids = (np.asarray(each, dtype=np.int64) for each in (times, readers))
    return PastSlates(data, at, seconds[:end], reader_ids)


def as_served(data: RankingData) -> RankingData:
    """Return the slates without their logged positions and weights."""
    features = data.features.copy()
    features[:, ALL_FEATURES.names.index(POSITION)] = SERVING_POSITION
    return replace(data, features=features, weights=None)


@dataclass(frozen=True, slots=True)
class Rerankers:
    """Full ranker, and the text-free ranker without features of the articles' text."""

    full: ListwiseRanker
    text_free: ListwiseRanker

    def sharing(self, full: float, text_free: float) -> "Rerankers":
        """Return the rankers with these shares of their corrections."""
        return Rerankers(replace(self.full, share=full), replace(self.text_free, share=text_free))


def train_rerankers(
    slates: PastSlates, validate_from: int, config: LambdaMartConfig, progress: Progress
) -> Rerankers:
    """Train all rankers on the slates before `validate_from`, with early stopping on later ones.

    The later slates have no positions, as in serving.
    """
    held_out = as_served(slates.since(validate_from))

    early = slates.before(validate_from)
    progress("rerankers", 1, 2)

    def fit(features: FeatureSet, config: LambdaMartConfig) -> ListwiseRanker:
        return listwise_correction.fit(early, held_out, features, config)

    full, text_free = _side_by_side(config, lambda own: fit(ALL_FEATURES, own), lambda own: fit(TEXT_FREE, own))
    return Rerankers(full, text_free)


def retrain_rerankers(
    slates: PastSlates, validated: Rerankers, content: bool, config: LambdaMartConfig, progress: Progress
) -> Rerankers:
    """Train all rankers again on all slates, with the same number of trees, because news drifts.

    This gains 0.003 AUC on the EB-NeRD demo's test day (docs/log/). Shares stay. Without `content` no ranker
    uses text.
    """
    progress("rerankers", 2, 2)

    def refit(features: FeatureSet, fitted: ListwiseRanker, config: LambdaMartConfig) -> ListwiseRanker:
        return listwise_correction.refit(slates.data, features, config, fitted)

    if not content:
        text_free = refit(TEXT_FREE, validated.text_free, config)
        return Rerankers(text_free, text_free)
    full, text_free = _side_by_side(
        config,
        lambda own: refit(ALL_FEATURES, validated.full, own),
        lambda own: refit(TEXT_FREE, validated.text_free, own),
    )
    return Rerankers(full, text_free)


_Training = Callable[[LambdaMartConfig], ListwiseRanker]


def _side_by_side(config: LambdaMartConfig, *trainings: _Training) -> list[ListwiseRanker]:
    """Run `trainings` at the same time, and share the threads of `config` among them.

    Trees on two threads each take nearly as long as on one, because each step of a tree is short.
    """
    own = replace(config, threads=max(config.threads // len(trainings), 1))
    with ThreadPoolExecutor(min(len(trainings), config.threads)) as pool:
        return list(pool.map(lambda training: training(own), trainings))
