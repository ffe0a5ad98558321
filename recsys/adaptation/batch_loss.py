"""Loss of one training batch: its distinct texts are encoded once, centred, and compared."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.adaptation.contrastive_losses import (
    CLICK_WEIGHT,
    CO_READ_WEIGHT,
    TEXT_WEIGHT,
    click_loss,
    co_read_loss,
    text_loss,
)
from recsys.adaptation.text_bank import ABSTRACT, HEADLINE, TextBank
from recsys.adaptation.top_layers import TopLayers
from recsys.adaptation.training_batches import TrainingBatch
from recsys.adaptation.trunk_cache import TrunkCache

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BatchLoss:
    """Loss of batches. centres: mean unit vector of the base, of each field [3, d]; log_rates: of articles [n]."""

    bank: TextBank
    cache: TrunkCache
    centres: NDArray[np.float32]
    log_rates: NDArray[np.float32]

    def __call__(self, top: TopLayers, batch: TrainingBatch) -> torch.Tensor:
        """Return the weighted sum of the losses whose part of the batch is not empty."""
        field = batch.field
        wanted = [
            (batch.described, HEADLINE),
            (batch.described, ABSTRACT),
            (batch.together, field),
            (batch.reads, field),
            (batch.candidates, field),
        ]
        headlines, abstracts, pairs, reads, candidates = self._vectors(top, wanted)
        loss = headlines.sum() * 0.0
        if len(batch.described) > 1:
            loss = loss + TEXT_WEIGHT * text_loss(headlines, abstracts)
        if len(batch.together) > 1:
            articles = torch.from_numpy(np.ascontiguousarray(batch.together.T)).to(pairs.device)
            loss = loss + CO_READ_WEIGHT * co_read_loss(pairs.transpose(0, 1), articles)
        if len(batch.candidates):
            known, shown = (
                torch.from_numpy(part >= 0).to(loss.device) for part in (batch.reads, batch.candidates)
            )
            rates = torch.from_numpy(self.log_rates[batch.candidates]).to(loss.device)
            loss = loss + CLICK_WEIGHT * click_loss(reads, known, candidates, shown, rates)
        return loss

    def _vectors(self, top: TopLayers, wanted: list[tuple[Ints, int]]) -> list[torch.Tensor]:
        """Return centred unit vectors (*shape, D) of the articles in a field; any vector where there is none."""
        rows = [self.bank.rows(np.maximum(articles, 0), field) for articles, field in wanted]
        distinct, place = np.unique(np.concatenate([part.ravel() for part in rows]), return_inverse=True)
        vectors_ND = top.encode(self.cache, distinct)
        ends = np.cumsum([part.size for part in rows])
        found = []
        for (articles, field), end, part in zip(wanted, ends, rows, strict=True):
            index = torch.from_numpy(place[end - part.size : end].astype(np.int64)).to(vectors_ND.device)
            centre_D = torch.from_numpy(self.centres[field]).to(vectors_ND.device)
            centred_ND = torch.nn.functional.normalize(vectors_ND.index_select(0, index) - centre_D, dim=-1)
            found.append(centred_ND.reshape(*articles.shape, centred_ND.shape[-1]))
        return found
