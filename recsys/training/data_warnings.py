"""Warnings about the data of a training: how much is missing, what serves instead, and texts that are not read."""

from recsys.encoder.encoder_languages import language_warning
from recsys.encoder.text_coverage import TextCoverage
from recsys.language_codes import counts_by_language
from recsys.models.served_ranker import FULL_SYSTEM, PART_NAMES
from recsys.training.dataset import Corpus
from recsys.training.ranker_choice import RankerChoice

ENOUGH = 600
"""Impressions with a clicked and another article from which the full ranker is usually the best.

On simulated readers with half as many, it was 0.037 AUC better than the untrained ranker; with a quarter, 0.015
worse (docs/log/).
"""


SAMPLED = (
    "there are no impressions to learn from: negatives were sampled from the articles available at each click; "
    "figures are those of sampled slates, and higher than on slates that were shown"
)


def data_warnings(choice: RankerChoice, corpus: Corpus) -> list[str]:
    """Return the warnings of a training as sentences."""
    learnable = corpus.learnable
    kind = "impressions" if corpus.sampled is None else "clicks with sampled negatives"
    counts = f"{len(corpus.labelled_requests):,} {kind}, {learnable:,} of them with a clicked and another article"
    found = [] if corpus.sampled is None else [SAMPLED]
    if learnable < ENOUGH:
        found.append(f"{counts}: a ranker needs about {ENOUGH:,} of these; {PART_NAMES[choice.system]} serves")
    elif choice.system != FULL_SYSTEM:
        found.append(f"{counts}: {PART_NAMES[choice.system]} serves")
    if choice.system != choice.default:
        better = choice.parts[choice.system]
        where = "the validation slice" if choice.days == 1 else f"{choice.days} held-out days"
        system, default = PART_NAMES[choice.system], PART_NAMES[choice.default]
        found.append(
            f"{system} has an AUC {better.difference:.3f} above {default} on {where} "
            f"(better in {better.draws:.0%} of the draws of readers); row {FULL_SYSTEM} is what serves"
        )
    if choice.better_baseline is not None:
        better = choice.baselines[choice.better_baseline]
        found.append(
            f"the baseline {choice.better_baseline} has an AUC {better.difference:.3f} above what would serve: "
            "the bundle was not activated"
        )
    return found


def text_warnings(corpus: Corpus, encoder: str, coverage: TextCoverage) -> list[str]:
    """Return the warnings about texts that the encoder (a value of `ATTUNE_ENCODER`) cannot read, as sentences."""
    counts = counts_by_language(corpus.articles["language"].value_counts().iter_rows())
    foreign = language_warning(counts, encoder)
    return [*([] if foreign is None else [foreign]), *coverage.warnings()]
