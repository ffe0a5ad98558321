"""Choices of readers: slates with a clicked and a passed-over article, and what the reader had read before."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.adaptation.adapt_options import READS
from recsys.adaptation.click_history import ClickHistory

Ints = NDArray[np.int64]

_PRIOR_EXPOSURES = 10.0
"""Exposures with the mean click rate that are added to those of each article."""


@dataclass(frozen=True)
class SlateChoices:
    """S slates of readers with reads; candidates in one array of all slates, [N].

    reader: the same number for all slates of a reader [S]; at: microseconds [S]; reads: rows of the newest reads,
    newest first, −1 for none [S, READS]; candidates: rows of articles [N]; clicked: [N]; offsets: slate s has the
    candidates from offsets[s] up to offsets[s + 1], [S + 1].
    """

    reader: Ints
    at: Ints
    reads: Ints
    candidates: Ints
    clicked: NDArray[np.bool_]
    offsets: Ints

    @classmethod
    def of(cls, slates: pl.DataFrame, rows: pl.DataFrame, history: ClickHistory) -> Self:
        """Build from labelled slates, and a frame of article ids with their rows.

        Slates without reads, without a click, or with nothing but clicks, are left out, and candidates without a
        stored article.
        """
        slates = slates.select("id", "reader", "at", "candidates", "labels").sort("at", "id")
        reads = history.reads_before(slates["reader"].to_list(), slates["at"].to_numpy().astype(np.int64), READS)
        flat = slates.with_row_index("slate").select("slate", id="candidates", label="labels")
        flat = flat.explode("id", "label").join(rows, on="id", how="inner", maintain_order="left")
        slate = flat["slate"].to_numpy().astype(np.int64)
        clicked = flat["label"].to_numpy() > 0
        shown, clicks = (np.bincount(part, minlength=len(slates)) for part in (slate, slate[clicked]))
        useful = (clicks > 0) & (clicks < shown) & (reads[:, 0] >= 0)
        inside = useful[slate]
        _, reader = np.unique(slates["reader"].to_numpy()[useful].astype(str), return_inverse=True)
        return cls(
            reader=reader.astype(np.int64),
            at=slates["at"].to_numpy().astype(np.int64)[useful],
            reads=reads[useful],
            candidates=flat["row"].to_numpy().astype(np.int64)[inside],
            clicked=clicked[inside],
            offsets=np.concatenate([[0], np.cumsum(shown[useful])]).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def by_reader(self) -> Ints:
        """Return the slates in the order of reader and time [S]."""
        return np.lexsort((self.at, self.reader))

    @cached_property
    def rank_by_reader(self) -> Ints:
        """Return the place of each slate in `by_reader` [S]."""
        return np.argsort(self.by_reader)

    def articles(self) -> Ints:
        """Return the rows of all candidates and reads, sorted."""
        return np.unique(np.concatenate([self.candidates, self.reads[self.reads >= 0]]))

    def log_click_rates(self, articles: int) -> NDArray[np.float32]:
        """Return the log of the smoothed click rate of each of `articles` rows: clicks over exposures here."""
        shown = np.bincount(self.candidates, minlength=articles).astype(np.float64)
        clicks = np.bincount(self.candidates[self.clicked], minlength=articles).astype(np.float64)
        mean = clicks.sum() / max(shown.sum(), 1)
        rates = (clicks + _PRIOR_EXPOSURES * mean) / (shown + _PRIOR_EXPOSURES)
        return np.asarray(np.log(np.maximum(rates, 1e-9)), dtype=np.float32)
