"""Validation of an adaptation: one figure for each held-out slate, or each held-out article without slates."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.adaptation.adaptation_data import AdaptationData
from recsys.adaptation.article_match import centred_articles
from recsys.adaptation.slate_choices import SlateChoices
from recsys.adaptation.text_bank import ABSTRACT, HEADLINE, TextBank
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.trunk_cache import TrunkCache
from recsys.evaluation import metrics
from recsys.evaluation.scored_slates import ScoredSlates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_HELD_OUT_SHARE, _HELD_OUT_MOST = 0.1, 1_000


class Validation(Protocol):
    """Figures to stop by and to judge by."""

    @property
    def figure(self) -> str:
        """Return the name of the figure."""
        ...

    @property
    def groups(self) -> Ints:
        """Return the same number for all values that belong together, for the bootstrap [m]."""
        ...

    def values(self, top: TopLayers, cache: TrunkCache) -> Floats:
        """Return the figure of each slate or article [m]; larger is better."""
        ...


@dataclass(frozen=True, slots=True)
class SlateValidation:
    """AUC of an untrained match on each slate: the mean cosine of a candidate and the reader's last reads."""

    bank: TextBank
    slates: SlateChoices
    sample: Ints
    figure: str = "AUC"

    @property
    def groups(self) -> Ints:
        """Return the readers."""
        return self.slates.reader

    def values(self, top: TopLayers, cache: TrunkCache) -> Floats:
        """Implement `Validation.values`."""
        slates, articles = self.slates, self.slates.articles()
        vectors = centred_articles(top, cache, self.bank, articles, self.sample).reshape(len(articles), -1)
        padded = np.concatenate([vectors, np.zeros_like(vectors[:1])])  # the last row stands for no read
        rows = np.where(slates.reads < 0, len(articles), np.searchsorted(articles, slates.reads))
        interest = np.zeros((len(slates), vectors.shape[1]), dtype=np.float32)
        for column in rows.T:
            interest += padded[column]
        interest /= (slates.reads >= 0).sum(axis=1, keepdims=True)
        slate = np.repeat(np.arange(len(slates)), np.diff(slates.offsets))
        candidates = vectors[np.searchsorted(articles, slates.candidates)]
        scores = np.einsum("nd,nd->n", candidates, interest[slate], dtype=np.float64)
        return metrics.auc(ScoredSlates(scores, slates.clicked.astype(np.int8), slates.offsets))


@dataclass(frozen=True, slots=True)
class TextValidation:
    """Reciprocal rank of an article's abstract among all held-out abstracts, by the cosine to its headline."""

    bank: TextBank
    held_out: Ints
    sample: Ints
    figure: str = "reciprocal rank of the abstract"

    @property
    def groups(self) -> Ints:
        """Return the articles."""
        return self.held_out

    def values(self, top: TopLayers, cache: TrunkCache) -> Floats:
        """Implement `Validation.values`."""
        vectors = centred_articles(top, cache, self.bank, self.held_out, self.sample)
        cosines = vectors[:, HEADLINE] @ vectors[:, ABSTRACT].T
        own = np.diagonal(cosines)[:, None]
        return np.asarray(1.0 / (cosines >= own).sum(axis=1), dtype=np.float64)


def choosing_half(groups: Ints, seed: int) -> NDArray[np.bool_]:
    """Return the values [m] that choose the weights: those of a random half of the groups. The others judge."""
    distinct, group = np.unique(groups, return_inverse=True)
    shuffled = np.random.default_rng([seed, 4]).permutation(len(distinct))
    return np.asarray(shuffled[group] < len(distinct) / 2)


def choose_validation(data: AdaptationData, sample: Ints, seed: int) -> tuple[Validation, Ints]:
    """Return the validation, and the articles whose headline and abstract are learned.

    With slates to validate on, these are all of them; otherwise a tenth is held out, at most 1,000.
    """
    described = data.bank.with_abstract(data.learnable)
    if len(data.validation):
        return SlateValidation(data.bank, data.validation, sample), described
    shuffled = np.random.default_rng([seed, 3]).permutation(described)
    held_out = min(int(np.ceil(len(described) * _HELD_OUT_SHARE)), _HELD_OUT_MOST)
    return TextValidation(data.bank, np.sort(shuffled[:held_out]), sample), np.sort(shuffled[held_out:])
