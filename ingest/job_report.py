"""Report on the rows of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.raw_batch import KINDS

LEFT_OVER = "rows.left_over"
"""Count of the rows that no rule of a mapping takes."""

_OUTCOMES = ("stored", "updated", "duplicate")


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of a job over all its runs. `counts` has the keys of `writer.Outcome` and ``kind.read``.

    `rows_this_run` and `seconds` are of this run only; `resumed_from` is its first position.
    """

    job: str
    counts: Mapping[str, int]
    rejects_folder: Path
    resumed_from: int
    rows_this_run: int
    seconds: float

    def count(self, kind: str, outcome: str) -> int:
        """Return the number of rows of `kind` that were read, stored, updated, duplicate or unknown_article."""
        return self.counts.get(f"{kind}.{outcome}", 0)

    def rejected(self, kind: str) -> dict[str, int]:
        """Return reason → number of rejected rows of `kind`, most frequent first."""
        return self._by_reason(f"{kind}.rejected.")

    def lost(self, kind: str) -> dict[str, int]:
        """Return reason → number of values that stored rows are without, most frequent first."""
        return self._by_reason(f"{kind}.lost.")

    def unused(self, kind: str) -> list[str]:
        """Return the columns that are no field of `kind`, by name."""
        return sorted(self._by_reason(f"{kind}.unused."))

    def total(self, kind: str) -> tuple[int, int]:
        """Return how many rows of `kind` were read, and how many rejected."""
        return self.count(kind, "read"), sum(self.rejected(kind).values())

    def _by_reason(self, prefix: str) -> dict[str, int]:
        found = {key.removeprefix(prefix): n for key, n in self.counts.items() if key.startswith(prefix) and n}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def left_over(self) -> int:
        """Number of rows that no rule of the mapping takes; they are in no other count."""
        return self.counts.get(LEFT_OVER, 0)

    def kinds(self) -> list[str]:
        """Return the kinds of rows that were read."""
        return [kind for kind in KINDS if self.count(kind, "read")]

    def unaccounted(self, kind: str) -> int:
        """Return rows read less rows stored, updated, duplicate and rejected: always 0."""
        found = sum(self.count(kind, outcome) for outcome in _OUTCOMES) + sum(self.rejected(kind).values())
        return self.count(kind, "read") - found
