"""Briefs of articles (TL;DR) against their abstracts, beside lead, LexRank and the centroid.

    python -m benchmarks.briefs [--data aclsum.jsonl] [--seconds 15]

`--data` has one article a line: `title`, `body`, `abstract` and, if known, `language`; or the layout of
the data set ACLSum (`pip download aclsum`, MIT licence), whose body is introduction and conclusion.
Neither title nor abstract is in the extract. Articles whose body has a sentence of the abstract word for word are
counted, and left out of the second table: there, the first sentence of the body is often the abstract itself.

All systems choose whole sentences within the same reading time:

    lead-1, lead-2   the first one or two sentences
    lexrank-2        LexRank of sumy
    centroid-2       largest cosine with all words of the text
    brief            `GET /v1/articles/{id}/tldr`

ROUGE F1 (rouge-score, with stemming), and the difference to lead-1 with a 95% interval (bootstrap over articles).
Goal: brief beats lead-1 in ROUGE-L.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer

from benchmarks.minutes import ranked_by_lexrank
from recsys.digest.article_brief import BRIEF_SECONDS, MOST_SENTENCES, article_brief
from recsys.digest.article_sentences import ArticleSentence, article_sentences, content_terms
from recsys.state.reading_time import seconds_to_read

METRICS = ("rouge1", "rouge2", "rougeL")
RESAMPLES = 2_000
_FEW_WORDS = 4

Article = dict[str, Any]
System = Callable[[Article, Sequence[ArticleSentence], float], str]


def main() -> int:
    """Print the tables; return 1 if the brief misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("aclsum.jsonl"))
    parser.add_argument("--seconds", type=float, default=BRIEF_SECONDS)
    arguments = parser.parse_args()
    if not arguments.data.exists():
        print(f"skipped: {arguments.data} is not there; it needs articles with body and abstract, one a line")
        return 0
    found = [
        read_article(json.loads(line)) for line in arguments.data.read_text("utf-8").splitlines() if line.strip()
    ]
    articles = [each for each in found if each["body"] and each["abstract"]]
    print(f"{len(articles)} of {len(found)} articles have body and abstract")
    own = [each for each in articles if not copies_abstract(each)]
    reached = table("all", articles, arguments.seconds)
    if 1 < len(own) < len(articles):
        table("without a sentence of the abstract in the body", own, arguments.seconds)
    return 0 if reached else 1


def read_article(row: Article) -> Article:
    """Return title, body, abstract and language of a row in either layout."""
    if not isinstance(row.get("sentences"), dict):
        return {name: row.get(name) or "" for name in ("title", "body", "abstract", "language")}
    parts = row["sentences"]
    body = "\n".join(" ".join(parts[name]) for name in parts if name != "abstract")
    return {"title": row["title"], "body": body, "abstract": " ".join(parts["abstract"]), "language": "en"}


def copies_abstract(article: Article) -> bool:
    """Return True if a sentence of the abstract stands in the body word for word."""
    body = " ".join(article["body"].split())
    return any(
        " ".join(each.text.split()) in body
        for each in article_sentences(article["abstract"])
        if each.words > _FEW_WORDS
    )


def table(name: str, articles: Sequence[Article], seconds: float) -> bool:
    """Print one table; return True if the brief beats lead-1 in ROUGE-L beyond the interval."""
    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    sentences = [article_sentences(each["body"]) for each in articles]
    scores: dict[str, NDArray[np.float64]] = {}
    print(f"\n{name}: {len(articles)} articles, {seconds:g} s\n")
    print(f"{'':<12}" + "".join(f"{metric:>9}" for metric in METRICS) + "   rougeL less lead-1      ms")
    for system, choose in SYSTEMS.items():
        began = time.process_time()
        texts = [choose(each, found, seconds) for each, found in zip(articles, sentences, strict=True)]
        spent = 1_000 * (time.process_time() - began) / len(articles)
        pairs = zip(articles, texts, strict=True)
        scored = [scorer.score(each["abstract"], text) for each, text in pairs]
        scores[system] = 100 * np.asarray([[each[metric].fmeasure for metric in METRICS] for each in scored])
        low, mean, high = interval(scores[system][:, 2] - scores["lead-1"][:, 2])
        means = "".join(f"{value:>9.1f}" for value in scores[system].mean(axis=0))
        print(f"{system:<12}{means}   {mean:+6.1f} [{low:+.1f}, {high:+.1f}]  {spent:>8.2f}")
    return bool(interval(scores["brief"][:, 2] - scores["lead-1"][:, 2])[0] > 0)


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of values [n] between the ends of its 95% interval."""
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(values.mean()), float(high)


def first(sentences: Sequence[ArticleSentence], order: Sequence[int], seconds: float, most: int) -> str:
    """Return at most `most` sentences, taken in `order` while they fit, as a text in their own order."""
    chosen: list[int] = []
    for place in order:
        cost = float(seconds_to_read(np.asarray([sentences[place].words]))[0])
        if cost <= seconds and len(chosen) < most:
            chosen.append(place)
            seconds -= cost
    return " ".join(sentences[place].text for place in sorted(chosen))


def _lead(most: int) -> System:
    return lambda _, sentences, seconds: first(sentences[:most], range(min(most, len(sentences))), seconds, most)


def _centroid(article: Article, sentences: Sequence[ArticleSentence], seconds: float) -> str:
    terms = [content_terms(each.text, article["language"]) for each in sentences]
    names = {term: column for column, term in enumerate(dict.fromkeys(t for found in terms for t in found))}
    counts_nv = np.zeros((len(terms), max(len(names), 1)))
    for row, found in enumerate(terms):
        for term in found:
            counts_nv[row, names[term]] += 1
    unit_nv = counts_nv / np.maximum(np.linalg.norm(counts_nv, axis=1, keepdims=True), 1e-9)
    order = np.argsort(-unit_nv @ counts_nv.sum(axis=0), kind="stable").tolist()
    return first(sentences, order, seconds, MOST_SENTENCES)


def _lexrank(_: Article, sentences: Sequence[ArticleSentence], seconds: float) -> str:
    return first(sentences, ranked_by_lexrank([each.text for each in sentences]), seconds, MOST_SENTENCES)


def _brief(article: Article, _: Sequence[ArticleSentence], seconds: float) -> str:
    return article_brief(article["title"], article["body"], None, article["language"], seconds).text


SYSTEMS: dict[str, System] = {
    "lead-1": _lead(1), "lead-2": _lead(2), "lexrank-2": _lexrank, "centroid-2": _centroid, "brief": _brief,
}  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
