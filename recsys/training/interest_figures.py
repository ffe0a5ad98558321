"""Figures of interests: similarity of a reader's interests, and the share of candidates that each fits best."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.batch_scoring import BATCH, histories, parts
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork


@dataclass(frozen=True, slots=True)
class InterestFigures:
    """Interests of the readers of some slates.

    cosine: median cosine of two interests of one reader; won: share of the candidates that each interest fits best
    [K], with the interests of each reader sorted by it.
    """

    cosine: float
    won: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {"median_cosine": self.cosine, "share_of_candidates_won": list(self.won)}


def interest_figures(
    network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], vectors: NDArray[np.float32]
) -> InterestFigures | None:
    """Return the figures on `slates` [s], which have histories; `vectors` of articles [rows, d].

    None with fewer than two interests, or without slates.
    """
    count = network.config.interests
    if count < 2 or not len(slates):
        return None
    pairs = np.triu_indices(count, 1)
    cosines, won = [], np.zeros(count)
    table = torch.from_numpy(vectors)
    with torch.inference_mode():
        for rows in parts(slates, BATCH):
            interests_BKP = network.interests(histories(data, rows, table))[0].vectors
            cosines.append((interests_BKP @ interests_BKP.transpose(1, 2)).numpy()[:, *pairs].reshape(-1))
            for slate, interests_KP in zip(rows.tolist(), interests_BKP, strict=True):
                shown_NP = network.directions(table[torch.from_numpy(data.shown(slate).astype(np.int64))])
                best = (interests_KP @ shown_NP.T).argmax(dim=0).numpy()
                won += np.sort(np.bincount(best, minlength=count))[::-1] / len(best)
    return InterestFigures(float(np.median(np.concatenate(cosines))), tuple((won / won.sum()).tolist()))
