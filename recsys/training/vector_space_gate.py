"""Gate for the space of article vectors: they are centred unless that makes the untrained match worse.

Centring helps models whose vectors lie in a narrow cone, and costs where raw vectors tell articles apart already:
on 200 English MIND impressions the untrained match of the default encoder fell from 0.692 to 0.661 (docs/log/).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.vector_space import VectorSpace
from recsys.evaluation.bootstrap import Interval, compare
from recsys.training.dataset import Corpus
from recsys.training.user_model_training import slate_aucs
from recsys.user_model.batch_scoring import one_by_one
from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.preference_data import PreferenceData

_MOST_SLATES = 3_000

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpaceGate:
    """Result of the gate. difference: AUC of the untrained match, centred less raw; None without slates."""

    space: VectorSpace
    difference: Interval | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {
            "centred": self.space.mean is not None,
            "inverse_temperature": self.space.inverse_temperature,
            "difference": None if self.difference is None else asdict(self.difference),
        }


def gate_space(data: PreferenceData, corpus: Corpus, rows: NDArray[np.int64], seed: int) -> SpaceGate:
    """Return the better space of the newest training slates; rows: of the corpus's articles in `data` [n]."""
    if corpus.space.mean is None:
        return SpaceGate(corpus.space, None)
    slates = data.between(corpus.when.start, corpus.when.validate_from)[-_MOST_SLATES:]
    if not len(slates):
        return SpaceGate(corpus.space, None)
    raw = VectorSpace.fit(corpus.published, seed, centre=False)
    part = data.only(slates)
    centred_aucs, raw_aucs = (_aucs(part, corpus, rows, space) for space in (corpus.space, raw))
    difference = compare(centred_aucs, raw_aucs, part.reader).difference
    return SpaceGate(corpus.space if difference.mean >= 0 else raw, difference)


def _aucs(
    data: PreferenceData, corpus: Corpus, rows: NDArray[np.int64], space: VectorSpace
) -> NDArray[np.float64]:
    """Return the AUC of the untrained match on each slate of `data`."""
    known = max(int(data.candidates.max()), int(data.reads.max()), int(rows.max())) + 1
    table = np.zeros((known, corpus.vectors.shape[1]), dtype=np.float32)
    table[rows] = space.apply(corpus.vectors)
    matcher, slates = ContentMatcher(space.inverse_temperature), np.arange(len(data.at))
    scores = one_by_one(lambda reads, shown: matcher.match(reads, shown, 0).scores, data, slates, table)
    return slate_aucs(data, slates, scores)
