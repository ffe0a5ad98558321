"""`attune attention explain ARTICLE`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Calibrator
    from recsys.encoder.article_text import ArticleText
    from recsys.encoder.bert import TextEncoder
    from recsys.encoder.protocols import Vectors
    from recsys.encoder.word_attribution import WordAttribution
    from recsys.settings import Settings
    from recsys.store.database import Database

_LEGEND = (
    "changes: distance of the vector (1 − cosine) without the word; gets: attention it receives, 1 is an even\n"
    "share; anomalous: probability that the word does not belong there, by the detector of the bundle"
)


def explain_article(database: "Database", settings: "Settings", article: str) -> dict[str, Any] | None:
    """Return the effect of each word on the vector of `article`; None if the article is not stored.

    Raises:
        BundleError: the active bundle cannot be used.
        EncoderError: the encoder cannot be loaded.
    """
    from dataclasses import asdict

    from recsys.encoder.article_text import article_texts
    from recsys.encoder.field_concat import context_vectors, encode_context_fields
    from recsys.encoder.lazy import LazyEncoder
    from recsys.encoder.word_attribution import explain_text
    from recsys.models.model_loader import active_system
    from recsys.store import articles

    with database.read() as connection:
        stored = articles.get(connection, [article])
    if stored.is_empty():
        return None
    encoder = LazyEncoder(settings)
    system = active_system(settings.home, encoder.name)
    calibrator = None if system is None or system.calibration is None else system.calibration.calibrator
    (text,), model = article_texts(stored), encoder.loaded()
    fields = encode_context_fields(model, [text])
    words = explain_text(model, text.headline, calibrator, context_vectors(fields))
    return {
        "article": article,
        "text": text.headline,
        "words": [{**asdict(word), "verdict": _verdict(word)} for word in words],
        "abstract": _abstract(model, calibrator, text, fields) if text.abstract else None,
    }


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


def print_article(found: Mapping[str, Any]) -> None:
    """Print a table of the words, in order."""
    table = Table(title=f"{found['text']} ({found['article']})", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("word", no_wrap=True)
    for name in ("changes", "gets", "anomalous"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for word in found["words"]:
        anomalous = "–" if word["probability"] is None else f"{word['probability']:.2f}"
        table.add_row(word["word"], f"{word['change']:.3f}", f"{word['received']:.2f}", anomalous, word["verdict"])
    Console().print(table)
    typer.echo(_LEGEND)
    abstract = found["abstract"]
    if abstract is not None:
        weight = "" if abstract["weight"] is None else f", weight {abstract['weight']:.2f}"
        typer.echo(f"abstract: cosine {abstract['cosine']:.2f} with the headline{weight}")


def _verdict(word: "WordAttribution") -> str:
    verdicts = {
        "over-attended": word.over,
        "ignored": word.ignored,
        "left out": word.cut,
        "lowered": word.lowered and not word.cut,
    }
    return ", ".join(name for name, holds in verdicts.items() if holds)
