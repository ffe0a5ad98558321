"""What is left of a ranking when a page was filled: the next page goes on with it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from recsys.errors import RequestError


@dataclass(frozen=True, slots=True)
class RemainingCandidates:
    """Ranked articles that were not shown yet, the source that named each [n], and the model that ranked them."""

    model: str
    ids: tuple[str, ...]
    scores: tuple[float, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: Sequence[int]) -> "RemainingCandidates":
        """Those at `places`, in that order."""
        return RemainingCandidates(
            self.model,
            tuple(map(self.ids.__getitem__, places)),
            tuple(map(self.scores.__getitem__, places)),
            tuple(map(self.sources.__getitem__, places)),
        )

    def without(self, places: Collection[int]) -> "RemainingCandidates":
        """All but those at `places`."""
        gone = set(places)
        return self.at([place for place in range(len(self)) if place not in gone])

    def to_json(self) -> str:
        """The model and three lists, exactly."""
        return json.dumps([self.model, self.ids, self.scores, self.sources])

    @classmethod
    def from_json(cls, text: str) -> "RemainingCandidates":
        """What `to_json` wrote.

        Raises:
            RequestError: it was written by a version that this one does not understand.
        """
        try:
            model, ids, scores, sources = json.loads(text)
            return cls(str(model), tuple(ids), tuple(map(float, scores)), tuple(sources))
        except (ValueError, TypeError) as error:
            raise RequestError("this cursor is of another version: ask for the first page again") from error
