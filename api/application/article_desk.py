"""Use-cases of editors about articles: search, figures, story, rules, and the words of a title."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from api.application.context import Application
from api.application.editorial import ListedRule, list_rules
from recsys.constants import HALF_LIFE_NAMES
from recsys.editorial.rule_matches import COLUMNS, matches
from recsys.errors import EncoderError
from recsys.feed.engine import FeedEngine
from recsys.serving.article_cache import SUMMARY
from recsys.state.event_codes import ATTRIBUTED_CLICKS, CLICKS, HIDES, IMPRESSIONS, LIKES, READ_SECONDS, READS
from recsys.state.live_state import GLOBAL_GROUP
from recsys.state.reading_time import expected_read_seconds
from recsys.store import articles

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibrator
    from recsys.encoder.article_text import ArticleText
    from recsys.encoder.bert import TextEncoder
    from recsys.encoder.protocols import Vectors
    from recsys.encoder.word_attribution import WordAttribution


@dataclass(frozen=True, slots=True)
class FoundArticles:
    """Number of articles found, and the first of them (columns `article_cache.SUMMARY`), newest first."""

    total: int
    first: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Decayed counts of an article at one half-life.

    rate: attributed clicks by exposures; overall: the same of all articles; seconds: mean of a reading. None
    without exposures or readings.
    """

    half_life: str
    shown: float
    opened: float
    rate: float | None
    overall: float | None
    seconds: float | None
    liked: float
    hidden: float


@dataclass(frozen=True, slots=True)
class ArticleFigures:
    """Figures of an article in this process.

    windows: one by half-life, shortest first. encoded: it has a vector. read_seconds: expected time of reading.
    story: other articles of its story.
    """

    windows: Sequence[WindowFigures]
    encoded: bool
    read_seconds: float
    story: Sequence[str]


def search_articles(app: Application, text: str, section: str | None, most: int) -> FoundArticles:
    """Find articles by words of the title or by id, among those that this process knows."""
    found = app.feed.live.summaries.search(text, section)
    return FoundArticles(len(found), [dict(zip(SUMMARY, row, strict=True)) for row in found[:most]])


def sections(app: Application) -> list[str]:
    """Return the names of all categories and subcategories, sorted."""
    catalog = app.feed.engine.state.catalog
    return sorted({*catalog.categories.strings, *catalog.subcategories.strings})


def article_figures(app: Application, article: str) -> ArticleFigures:
    """Return the figures of an article; zeros for one that this process does not know."""

    def figures(engine: FeedEngine, as_of: int) -> ArticleFigures:
        state, row = engine.state, engine.state.articles.get(article)
        if row < 0:
            return ArticleFigures((), False, 0.0, ())
        rows = np.asarray([row])
        own = state.counters.read(rows, as_of)[0]
        overall = state.counters.read_groups(np.asarray([GLOBAL_GROUP]), as_of)[0]
        copies = state.catalog.stories().copies_of(row)
        return ArticleFigures(
            windows=[
                _window(name, own[:, place], overall[:, place]) for place, name in enumerate(HALF_LIFE_NAMES)
            ],
            encoded=bool(engine.vectors.has(rows)[0]),
            read_seconds=float(expected_read_seconds(state, rows, as_of)[0]),
            story=[state.articles.strings[each] for each in copies.tolist() if state.catalog.described[each]],
        )

    return app.feed.with_engine(figures)


def rules_on(app: Application, article: Mapping[str, Any]) -> list[ListedRule]:
    """Return the standing rules that match an article (columns of `frames.ARTICLES`).

    Raises:
        StoreError: the database is unavailable.
    """
    standing = list_rules(app)
    frame = pl.DataFrame(
        {name: [list(article[name] or ()) if name == "entities" else article[name]] for name in COLUMNS},
        schema={name: pl.List(pl.String()) if name == "entities" else pl.String() for name in COLUMNS},
    )
    found = matches([each.rule for each in standing], frame)
    return [each for each, mask in zip(standing, found, strict=True) if mask.any()]


def explain_words(app: Application, article: str) -> dict[str, Any] | None:
    """Return the effect of each word on the vector of `article`; None if the article is not stored.

    The answer loads the encoder if this process has not used it yet.

    Raises:
        BundleError: the active bundle cannot be used.
        EncoderError: the encoder cannot be loaded, or has no words.
        StoreError: the database is unavailable.
    """
    from recsys.encoder.article_text import article_texts
    from recsys.encoder.field_concat import context_vectors, encode_context_fields
    from recsys.encoder.word_attribution import explain_text
    from recsys.models.model_loader import active_system

    with app.database.read() as connection:
        stored = articles.get(connection, [article])
    if stored.is_empty():
        return None
    system = active_system(app.settings.home, app.encoder.name)
    calibration = None if system is None else system.calibration
    calibrator = None if calibration is None else calibration.calibrator
    model = _model_with_words(app)
    (text,) = article_texts(stored, model.reads_bodies)
    fields = encode_context_fields(model, [text])
    words = explain_text(model, text.headline, calibrator, context_vectors(fields))
    return {
        "article": article,
        "text": text.headline,
        "words": [{**asdict(word), "verdict": _verdict(word)} for word in words],
        "abstract": _abstract(model, calibrator, text, fields) if text.abstract else None,
    }


def _model_with_words(app: Application) -> "TextEncoder":
    model = app.encoder.loaded()
    if not hasattr(model, "tokenize_words"):
        raise EncoderError("this encoder does not split texts into words: use a transformers model")
    return model  # type: ignore[return-value]


def _abstract(
    model: "TextEncoder", calibrator: "Calibrator | None", text: "ArticleText", fields: "Vectors"
) -> dict[str, Any]:
    """Return the abstract with its cosine to the headline and its weight.

    The weight is 1 without field weights; None without a calibrator. fields: topic and abstract [1, 2, d].
    """
    from recsys.encoder.field_concat import context_vectors
    from recsys.encoder.token_batches import adjusted

    tokens = model.tokenize([text.headline])
    headline, seen = model.observe_tokens(tokens, context=context_vectors(fields))
    weight = None
    if calibrator is not None:
        found = calibrator.inspect(seen)
        headline = adjusted(model, tokens, headline, calibrator.plan(found))
        lost = calibrator.fields.lost(headline, fields[:, 1], found.suspicious)
        weight = 1.0 - float(lost[0]) if calibrator.strength.fields else 1.0
    return {"text": text.abstract, "cosine": float(headline[0] @ fields[0, 1]), "weight": weight}


def _verdict(word: "WordAttribution") -> str:
    verdicts = {
        "over-attended": word.over,
        "ignored": word.ignored,
        "left out": word.cut,
        "lowered": word.lowered and not word.cut,
    }
    return ", ".join(name for name, holds in verdicts.items() if holds)


def _window(name: str, own: np.ndarray[Any, Any], overall: np.ndarray[Any, Any]) -> WindowFigures:
    return WindowFigures(
        half_life=name,
        shown=float(own[IMPRESSIONS]),
        opened=float(own[CLICKS]),
        rate=_share(own[ATTRIBUTED_CLICKS], own[IMPRESSIONS]),
        overall=_share(overall[ATTRIBUTED_CLICKS], overall[IMPRESSIONS]),
        seconds=_share(own[READ_SECONDS], own[READS]),
        liked=float(own[LIKES]),
        hidden=float(own[HIDES]),
    )


_LEAST = 0.05
"""Decayed counts below this are not divided by."""


def _share(part: float, whole: float) -> float | None:
    return None if whole < _LEAST else float(part / whole)
