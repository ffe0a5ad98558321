"""Candidates that a page did not show, for the next page."""

import json
from dataclasses import dataclass

from recsys.errors import RequestError


@dataclass(frozen=True, slots=True)
class RemainingCandidates:
    """Article ids, scores and retrieval sources [n] in ranked order; `model`: version that scored them.

    shown: ids of the articles of all earlier pages. Scores are without the boosts of rules.
    """

    model: str
    ids: tuple[str, ...]
    scores: tuple[float, ...]
    sources: tuple[str, ...]
    shown: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def to_json(self) -> str:
        """Return the model and four lists as JSON, without loss."""
        return json.dumps([self.model, self.ids, self.scores, self.sources, self.shown])

    @classmethod
    def from_json(cls, text: str) -> "RemainingCandidates":
        """Parse the output of `to_json`.

        Raises:
            RequestError: another version of Attune wrote it in an unknown form.
        """
        try:
            model, ids, scores, sources, shown = json.loads(text)
            return cls(str(model), tuple(ids), tuple(map(float, scores)), tuple(sources), tuple(shown))
        except (ValueError, TypeError) as error:
            raise RequestError("this cursor is from another version: request the first page again") from error
