"""Options of an adaptation, and the numbers that its parts share."""

from dataclasses import dataclass

READS = 20
"""Newest clicks of a reader that stand for the reader's interest in validation; training draws from them."""

MAX_TOKENS = 48
"""Longer texts are cut: headlines and abstracts of EB-NeRD have 19 and 42 tokens at the median and the 90th
percentile, and the time of a step grows with the tokens.
"""


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """Options of `attune adapt`.

    name: of the folder under ATTUNE_HOME/encoders, None for one made of the base and the cut-off; layers: number
    of top layers to train; steps: the most training steps; keep: write the encoder also if it is not better.
    """

    name: str | None = None
    layers: int = 2
    steps: int = 300
    keep: bool = False
