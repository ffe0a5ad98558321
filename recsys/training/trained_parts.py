"""Trained parts of a bundle, and how they are written into its folder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoder
from recsys.encoder.text_coverage import TextCoverage, text_coverage
from recsys.models.calibrator_io import write_calibration
from recsys.models.model_loader import AGES, USER_MODEL, VECTOR_SPACE
from recsys.ranking.age_support import AgeSupport
from recsys.settings import Settings
from recsys.training.calibration.calibrate_articles import CalibratedArticles
from recsys.training.data_warnings import data_warnings, text_warnings
from recsys.training.dataset import Corpus
from recsys.training.manifest import manifest
from recsys.training.preference_fit import FittedPreference
from recsys.training.rankers import TrainedRankers
from recsys.training.training_run import TrainingOptions


@dataclass(frozen=True, slots=True, eq=False)
class TrainedParts:
    """Trained parts of a bundle. raw: the corpus with vectors from before the article calibration."""

    raw: Corpus
    preference: FittedPreference
    articles: CalibratedArticles
    rankers: TrainedRankers
    ages: AgeSupport | None

    def write(
        self,
        folder: Path,
        encoder: Encoder,
        settings: Settings,
        options: TrainingOptions,
        profile: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        """Write all files but the manifest into a bundle's folder; return the manifest. profile: cost by stage."""
        corpus, preference, rankers = self.articles.corpus, self.preference, self.rankers
        weights = preference.matcher.newest
        weights.save(folder / USER_MODEL)
        corpus.space.save(folder / VECTOR_SPACE)
        rankers.write(folder)
        attention = {"articles": self.articles.figures, "history": preference.history}
        if self.articles.calibration is not None:
            attention = write_calibration(self.articles.calibration, attention, folder)
        coverage = _coverage(encoder, self.raw)
        interests = preference.interests
        return {
            **manifest(
                settings, encoder.name, corpus, weights.config.as_dict(), rankers.calibration, rankers.metrics
            ),
            AGES: None if self.ages is None else self.ages.as_dict(),
            "texts": asdict(coverage),
            "vector_space": preference.space.as_dict(),
            "interests": None if interests is None else interests.as_dict(),
            "profile": list(profile),
            **rankers.as_dict(options),
            "attention": attention,
            "warnings": [
                *data_warnings(rankers.choice, corpus),
                *rankers.failures,
                *text_warnings(corpus, settings.encoder, coverage),
            ],
        }


def _coverage(encoder: Encoder, raw: Corpus) -> TextCoverage:
    """Return the counts of what the encoder cannot read; zeros if its tokenizer is not known."""
    if not isinstance(encoder, LazyEncoder):
        return TextCoverage()
    return text_coverage(encoder.loaded(), raw.articles, raw.vectors)
