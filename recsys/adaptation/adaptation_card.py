"""Model card of an adapted encoder: its origin, the command that made it, and its figures."""

from dataclasses import dataclass
from datetime import UTC, datetime

from recsys.adaptation.adapt_options import AdaptOptions
from recsys.domain import iso
from recsys.evaluation.bootstrap import Comparison, Interval
from recsys.evaluation.data_text import data_text
from recsys.store.log_contents import LogContents
from recsys.training.training_run import Split


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Origin of an adapted encoder.

    articles: learned from; described: of them, those with a headline and an abstract; together: pairs read in one
    session; choices, validated: slates to learn from and to validate on.
    """

    base: str
    licence: str
    prompt: str
    pooling: str
    contents: LogContents
    when: Split | None
    until: int | None
    articles: int
    described: int
    together: int
    choices: int
    validated: int
    options: AdaptOptions

    @property
    def command(self) -> str:
        """Return the command that repeats the adaptation."""
        options = self.options
        cut_off = "" if self.until is None else f" --until {iso(self.until)}"
        name = "" if options.name is None else f" --name {options.name}"
        keep = " --keep" if options.keep else ""
        numbers = f" --layers {options.layers} --steps {options.steps}"
        return f"ATTUNE_ENCODER={self.base} attune adapt{cut_off}{name}{numbers}{keep}"


def card(
    facts: CardFacts, figure: str, figures: tuple[Interval, Interval], comparison: Comparison, step: int
) -> str:
    """Return the card as Markdown, with the header that model hubs read."""
    before, after = figures
    better = comparison.verdict == "win"
    verdict = "" if better else "\n**Not better than its base: it was written because of `--keep`.**\n"
    slates = f"{facts.validated:,} slates of the validation slice" if facts.validated else "held-out articles"
    validated = (
        ""
        if facts.when is None
        else f" Validation slice: {iso(facts.when.validate_from)} to {iso(facts.when.until)}."
    )
    return f"""---
license: {facts.licence}
base_model: {facts.base}
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [attune, news]
---

# {facts.base}, adapted to a publisher

`attune adapt` trained the top {facts.options.layers} layers on the articles and the click log of one publisher.
All other weights are those of the base.
{verdict}
| | |
|---|---|
| base model | {facts.base} |
| licence of the base | {facts.licence} |
| date | {datetime.now(UTC):%Y-%m-%d} |
| command | `{facts.command}` |
| log | {data_text(facts.contents)} |
| articles learned from | {facts.articles:,}, of which {facts.described:,} with headline and abstract |
| pairs of articles read in one session | {facts.together:,} |
| slates with a clicked and another article | {facts.choices:,} |
| prompt, pooling | {facts.prompt!r}, {facts.pooling} |
| chosen step | {step} of at most {facts.options.steps} |

| {figure}, {slates} | mean | 95% interval |
|---|---|---|
| base | {_cells(before)} |
| adapted | {_cells(after)} |
| difference, paired | {_cells(comparison.difference, "+")} |

The figures are those of one half of the readers; the other half chose the step.{validated}
The figure is that of an untrained match of vectors centred on the mean of the publisher's articles.
"""


def _cells(interval: Interval, sign: str = "") -> str:
    mean, low, high = (f"{value:{sign}.4f}" for value in (interval.mean, interval.low, interval.high))
    return f"{mean} | {low} to {high}"
