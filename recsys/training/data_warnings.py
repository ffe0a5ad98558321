"""Warnings about the data of a training: how much is missing, and what serves instead."""

from recsys.models.served_ranker import FULL_SYSTEM, PART_NAMES
from recsys.training.ranker_choice import RankerChoice

ENOUGH = 600
"""Impressions with a clicked and another article from which the full ranker is usually the best.

`benchmarks/small_data.py`: with half as many, it was 0.037 AUC better than the untrained ranker on simulated
readers; with a quarter, 0.015 worse (docs/log/).
"""


def data_warnings(choice: RankerChoice, impressions: int, learnable: int) -> list[str]:
    """Return the warnings of a training as sentences.

    impressions: all of them; learnable: those with a clicked and another article.
    """
    counts = f"{impressions:,} impressions, {learnable:,} of them with a clicked and another article"
    found = []
    if learnable < ENOUGH:
        found.append(f"{counts}: a ranker needs about {ENOUGH:,} of these; {PART_NAMES[choice.system]} serves")
    elif choice.system != FULL_SYSTEM:
        found.append(f"{counts}: {PART_NAMES[choice.system]} serves")
    if choice.system != FULL_SYSTEM:
        better = choice.parts[choice.system]
        found.append(
            f"{PART_NAMES[choice.system]} has an AUC {better.difference:.3f} above the full ranker on the "
            f"validation slice (better in {better.draws:.0%} of the draws of readers); row {FULL_SYSTEM} is what "
            "serves"
        )
    if choice.better_baseline is not None:
        better = choice.baselines[choice.better_baseline]
        found.append(
            f"the baseline {choice.better_baseline} has an AUC {better.difference:.3f} above what would serve: "
            "the bundle was not activated"
        )
    return found
