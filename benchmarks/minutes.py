"""Minutes on QMSum: extracts of queries and of whole meetings, cross-validated by meeting.

    python -m benchmarks.minutes [--data ../shared/data/qmsum/meetings.jsonl] [--folds 5]

All systems choose among the same cleaned sentences within the same reading time, the default of `attune minutes`:

    lead          the first sentences
    textrank      TextRank of sumy        lexrank      LexRank of sumy
    mmr           maximal marginal relevance on the vectors of sentences and query
    prior         `attune minutes` without trained weights
    relevance     the sentences of largest weight of the network, without coverage of words
    calibrated    attune with calibrated attention: dwell_weight chosen on the training meetings
    attune        `attune minutes`

ROUGE F1 is measured against the summaries (rouge-score, with stemming). Span F1 compares the turns of the extract
with the turns of relevant_text_span; for general queries, with the turns of all topics. Differences are paired and
bootstrapped over meetings. Goal: attune is above lead, textrank, lexrank and mmr in ROUGE-1 and span F1.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer
from sumy.models.dom import ObjectDocumentModel, Paragraph
from sumy.models.dom import Sentence as SumySentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

from recsys.digest.coverage_extract import ExtractConfig, extract
from recsys.digest.digest import QUERY_SECONDS, WHOLE_SECONDS, Digester, prior_relevance
from recsys.digest.digest_network import DigestNetwork, relevance
from recsys.digest.digest_training import LabelledQuery, fit_digest, labelled
from recsys.digest.digest_weights import DigestWeights
from recsys.digest.layouts.read_meeting import read_qmsum
from recsys.digest.layouts.turn_rows import QmsumMeeting
from recsys.digest.sentence_features import EncodedText, features
from recsys.digest.sentences import words_of
from recsys.digest.word_worth import PRIOR_WORTH
from recsys.encoder.lazy import LazyEncoder
from recsys.evaluation.bootstrap import compare, intervals
from recsys.settings import load_settings
from recsys.state.reading_time import seconds_to_read

DATA = Path("../shared/data/qmsum/meetings.jsonl")
METRICS = ("rouge1", "rouge2", "rougeL", "span_f1")
MMR_RELEVANCE = 0.7
DWELL_WEIGHTS = (0.0, 0.25, 0.5, 1.0)
DWELL_STRIDE = 2
"""The dwell weight is chosen on every n-th query of the training meetings."""

BASELINES = ("lead", "textrank", "lexrank", "mmr")
GOALS = ("rouge1", "span_f1")

Floats = NDArray[np.float64]
Extracts = dict[str, dict[int, list[int]]]
"""System → case → chosen sentences."""


@dataclass(frozen=True, slots=True)
class Case:
    """Query of a meeting.

    fold: in which the meeting is tested; columns: features [n, F]; turns: the relevant ones, for span F1.
    """

    meeting: int
    fold: int
    item: LabelledQuery
    columns: NDArray[np.float32]
    turns: frozenset[int]

    @property
    def seconds(self) -> float:
        """Budget of reading time: the default of `attune minutes`."""
        return WHOLE_SECONDS if self.item.query.whole else QUERY_SECONDS


class _Words:
    """Tokenizer of sumy without the data files of nltk."""

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(words_of(text))

    def to_sentences(self, text: str) -> tuple[str, ...]:
        return (text,)


class _Ratings:
    """Mixin of a sumy summarizer that keeps the ratings of all sentences."""

    ratings: Mapping[Any, float]

    def _get_best_sentences(self, sentences: Sequence[Any], _: int, rating: Any, *args: Any) -> tuple[Any, ...]:
        self.ratings = rating if isinstance(rating, Mapping) else {each: rating(each, *args) for each in sentences}
        return ()


class _TextRank(_Ratings, TextRankSummarizer):  # type: ignore[misc]
    pass


class _LexRank(_Ratings, LexRankSummarizer):  # type: ignore[misc]
    pass


def main() -> int:
    """Print the tables; return 1 if attune misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    if not arguments.data.exists():
        print(f"skipped: {arguments.data} is not there; it needs meetings of QMSum, one JSON object a line")
        return 0
    settings = load_settings()
    encoder = LazyEncoder(settings)
    cases = read_cases(list(read_qmsum([arguments.data])), Digester(encoder.loaded(), None), arguments.folds)
    extracts = generic_extracts(cases)
    for fold in range(arguments.folds):
        weights = fit_digest([case.item for case in cases if case.fold != fold], settings.encoder)
        for name, chosen in trained_extracts(cases, fold, weights).items():
            extracts.setdefault(name, {}).update(chosen)
        print(f"fold {fold + 1} of {arguments.folds}", flush=True)
    return report(cases, {name: measured(cases, chosen) for name, chosen in extracts.items()})


def read_cases(meetings: Sequence[QmsumMeeting], digester: Digester, folds: int) -> list[Case]:
    """Encode the meetings and deal them to folds at random."""
    fold = np.random.default_rng(0).permutation(len(meetings)) % folds
    return [
        Case(
            meeting=number,
            fold=int(fold[number]),
            item=item,
            columns=features(item.text, item.query),
            turns=frozenset(turn for first, last in spans for turn in range(first, last + 1)),
        )
        for number, meeting in enumerate(meetings)
        for item, spans in zip(
            labelled(meeting, digester),
            [each.spans or meeting.topics for each in (*meeting.general, *meeting.specific)],
            strict=True,
        )
    ]


def generic_extracts(cases: Sequence[Case]) -> Extracts:
    """Return the chosen sentences of each case by the systems that are not trained."""
    found: Extracts = {name: {} for name in (*BASELINES, "prior")}
    ranked: dict[int, dict[str, Floats]] = {}
    for place, case in enumerate(cases):
        text = case.item.text
        if case.meeting not in ranked:
            ranked[case.meeting] = {
                "textrank": _sumy(_TextRank, _texts(text)),
                "lexrank": _sumy(_LexRank, _texts(text)),
            }
        found["lead"][place] = _lead(text, case.seconds)
        found["mmr"][place] = _mmr(case)
        for name, ratings in ranked[case.meeting].items():
            found[name][place] = _heaviest(text, ratings, case.seconds)
        found["prior"][place] = _prior(case)
    return found


def trained_extracts(cases: Sequence[Case], fold: int, weights: DigestWeights) -> Extracts:
    """Return the chosen sentences of the cases of a fold by systems trained on the others."""
    network = weights.network
    plain = network.config
    calibrated = replace(plain, dwell_weight=_best_dwell_weight(cases, fold, weights))
    found: Extracts = {"relevance": {}, "calibrated": {}, "attune": {}}
    for place, case in enumerate(cases):
        if case.fold != fold:
            continue
        network.calibrate(plain)
        known = _relevance(network, case)
        found["relevance"][place] = _heaviest(case.item.text, known, case.seconds)
        found["attune"][place] = _covering(weights, case, known)
        network.calibrate(calibrated)
        found["calibrated"][place] = _covering(weights, case, _relevance(network, case))
    network.calibrate(plain)
    return found


def measured(cases: Sequence[Case], extracts: Mapping[int, Sequence[int]]) -> dict[str, Floats]:
    """Return each metric of every case, in percent."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    rows: dict[str, list[float]] = {name: [] for name in METRICS}
    for place, case in enumerate(cases):
        sentences = [case.item.text.sentences[chosen] for chosen in extracts[place]]
        scores = scorer.score(case.item.answer, " ".join(sentence.text for sentence in sentences))
        for name in ("rouge1", "rouge2", "rougeL"):
            rows[name].append(100 * scores[name].fmeasure)
        rows["span_f1"].append(100 * f1(frozenset(sentence.turn for sentence in sentences), case.turns))
    return {name: np.asarray(values) for name, values in rows.items()}


def f1(found: frozenset[int], wanted: frozenset[int]) -> float:
    """Return the harmonic mean of precision and recall of turns; 0 if none is common."""
    return 2 * len(found & wanted) / max(len(found) + len(wanted), 1)


def report(cases: Sequence[Case], figures: Mapping[str, Mapping[str, Floats]]) -> int:
    """Print the figures of each system and the differences to attune."""
    meetings = np.asarray([case.meeting for case in cases])
    whole = np.asarray([case.item.query.whole for case in cases])
    for title, rows in (("all queries", whole | ~whole), ("specific", ~whole), ("general", whole)):
        print(f"\n{title}: {rows.sum()} queries of {len(set(meetings[rows].tolist()))} meetings")
        print(f"{'system':12}" + "".join(f"{name:>26}" for name in METRICS))
        for name, values in figures.items():
            means = intervals({metric: values[metric][rows] for metric in METRICS}, meetings[rows])
            cells = (f"{each.mean:.1f} [{each.low:.1f}, {each.high:.1f}]" for each in means.values())
            print(f"{name:12}" + "".join(f"{cell:>26}" for cell in cells))
    print("\nattune less each system, all queries")
    missed = 0
    for name, values in figures.items():
        if name == "attune":
            continue
        differences = []
        for metric in METRICS:
            found = compare(figures["attune"][metric], values[metric], meetings)
            missed += name in BASELINES and metric in GOALS and found.verdict != "win"
            each = found.difference
            differences.append(f"{each.mean:+.1f} [{each.low:+.1f}, {each.high:+.1f}]")
        print(f"{name:12}" + "".join(f"{cell:>26}" for cell in differences))
    return int(missed > 0)


def _relevance(network: DigestNetwork, case: Case) -> Floats:
    return relevance(network, case.item.text, case.columns)


def _covering(weights: DigestWeights, case: Case, known: Floats) -> list[int]:
    item = case.item
    worth = weights.worth.worth(item.text, item.query, known)
    return extract(item.text, known, worth, case.seconds, ExtractConfig())


def _best_dwell_weight(cases: Sequence[Case], fold: int, weights: DigestWeights) -> float:
    """Return the dwell weight with the largest mean ROUGE-1 on the training meetings; of equal ones the first."""
    known = [case for case in cases if case.fold != fold][::DWELL_STRIDE]
    plain, means = weights.network.config, []
    for dwell_weight in DWELL_WEIGHTS:
        weights.network.calibrate(replace(plain, dwell_weight=dwell_weight))
        chosen = {
            place: _covering(weights, case, _relevance(weights.network, case)) for place, case in enumerate(known)
        }
        means.append(measured(known, chosen)["rouge1"].mean())
    weights.network.calibrate(plain)
    best = DWELL_WEIGHTS[int(np.argmax(means))]
    print(f"dwell_weight {best} for fold {fold + 1}: " + ", ".join(f"{mean:.2f}" for mean in means))
    return best


def _prior(case: Case) -> list[int]:
    item = case.item
    known = prior_relevance(case.columns)
    worth = PRIOR_WORTH.worth(item.text, item.query, known)
    return extract(item.text, known, worth, case.seconds, ExtractConfig())


def _lead(text: EncodedText, seconds: float) -> list[int]:
    return np.flatnonzero(seconds_to_read(text.words).cumsum() <= seconds).tolist()


def _heaviest(text: EncodedText, ratings: Floats, seconds: float) -> list[int]:
    """Return the sentences of largest rating that fit, in order."""
    cost, left, chosen = seconds_to_read(text.words), seconds, []
    for place in np.argsort(-ratings, kind="stable").tolist():
        if cost[place] <= left:
            chosen.append(place)
            left -= cost[place]
    return sorted(chosen)


def _mmr(case: Case) -> list[int]:
    """Choose by maximal marginal relevance (Carbonell and Goldstein 1998) within the budget."""
    text = case.item.text
    cost, left = seconds_to_read(text.words), case.seconds
    match = text.vectors @ case.item.query.vector
    redundancy, open_n, chosen = np.zeros(len(text)), np.ones(len(text), dtype=np.bool_), []
    while (fits := open_n & (cost <= left)).any():
        score = np.where(fits, MMR_RELEVANCE * match - (1 - MMR_RELEVANCE) * redundancy, -np.inf)
        best = int(score.argmax())
        chosen.append(best)
        left -= cost[best]
        open_n[best] = False
        redundancy = np.maximum(redundancy, text.vectors @ text.vectors[best])
    return sorted(chosen)


def ranked_by_lexrank(texts: Sequence[str]) -> list[int]:
    """Return the places of sentences, the best of LexRank first."""
    return np.argsort(-_sumy(_LexRank, texts), kind="stable").tolist()  # type: ignore[no-any-return]


def _texts(text: EncodedText) -> list[str]:
    return [sentence.text for sentence in text.sentences]


def _sumy(kind: Any, texts: Sequence[str]) -> Floats:
    """Return the rating of each sentence by a summarizer of sumy [n]; equal texts have equal ratings."""
    summarizer = kind(Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    sentences = [SumySentence(text, _Words()) for text in texts]
    summarizer(ObjectDocumentModel([Paragraph(sentences)]), len(sentences))
    return np.asarray([summarizer.ratings[sentence] for sentence in sentences], dtype=np.float64)


if __name__ == "__main__":
    raise SystemExit(main())
