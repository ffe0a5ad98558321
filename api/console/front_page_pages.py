"""Console page of a front page: the feed of a reader or of an invented one, as a preview that logs nothing."""

from dataclasses import replace
from typing import Any

from fastapi import Request, Response

from api.application import article_desk, front_page, model_admin
from api.application.front_page import PreviewedPage, WantedPage
from api.application.iso_time import from_iso
from api.console.console_pages import show
from api.console.signed_in import console_router, form_of
from api.http.dependencies import App, PseudonymsDep
from recsys.domain import RankedItem
from recsys.errors import RequestError
from recsys.insight.feed_breakdown import Breakdown
from recsys.serving.article_cache import SUMMARY

router = console_router()

_MOST = 40
_LEAST_SHARE = 0.02
"""Shares below this part of the largest one are left out."""

FAMILY_NAMES = {
    "popularity": "popularity",
    "relative_appeal": "appeal beside others",
    "freshness": "freshness",
    "affinity": "sections of the reader",
    "interest": "text the reader likes",
    "user_item_exposure": "shown before",
    "context_article": "open article",
    "request_context": "time and device",
    "position": "position",
    "social": "people and conversations",
    "entities": "persons, places and tags the reader likes",
}
"""Families of features in the words of editors."""


@router.get("/front-page")
def form(request: Request, app: App) -> Response:
    """Return the form."""
    return show(request, "front_page.html", _form(app, {}))


@router.post("/front-page")
def preview(request: Request, app: App, pseudonyms: PseudonymsDep) -> Response:
    """Return the form with the feed, and beside it that of another model; or that of now, beside a past one.

    The reader is in the body, not in the address.

    Raises:
        RequestError: a field is not valid.
        BundleError: a model cannot rank.
    """
    given = form_of(request)
    reader = given.get("reader")
    wanted = WantedPage(
        reader=None if reader is None else pseudonyms.of(reader),
        read=given.get("read", "").replace(",", " ").split(),
        limit=_limit(given.get("limit", "12")),
        category=given.get("category"),
        version=given.get("version"),
        missing=given.get("missing"),
        at=from_iso(given["at"]) if "at" in given else None,
    )
    pages = [_shown(front_page.preview_page(app, wanted))]
    if "other" in given:
        pages.append(_shown(front_page.preview_page(app, replace(wanted, version=given["other"]))))
    elif wanted.at is not None:
        pages.append(_shown(front_page.preview_page(app, replace(wanted, at=None))))
    return show(request, "front_page.html", _form(app, given) | {"pages": pages})


def _form(app: App, given: dict[str, str]) -> dict[str, Any]:
    return {
        "given": given,
        "sections": article_desk.sections(app),
        "versions": model_admin.versions(app),
        "serving": app.feed.engine.models.version,
    }


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= _MOST:
        raise RequestError(f"`limit` must be a whole number from 1 to {_MOST}")
    return int(text)


def _shown(page: PreviewedPage) -> dict[str, Any]:
    return {
        "model": page.ranking.model,
        "as_of": page.ranking.as_of,
        "items": [
            _item(item, found, dict(zip(SUMMARY, page.summaries[item.id], strict=True)))
            for item, found in zip(page.ranking.items, page.breakdowns, strict=True)
            if item.id in page.summaries
        ],
        "absence": page.absence and {"text": str(page.absence[0]), "breakdown": _shares(page.absence[1])},
    }


def _item(item: RankedItem, found: Breakdown, article: dict[str, Any]) -> dict[str, Any]:
    return {"item": item, "article": article, "breakdown": _shares(found)}


def _shares(found: Breakdown | None) -> dict[str, Any] | None:
    if found is None:
        return None
    least = _LEAST_SHARE * max((abs(share) for _, share in found.shares), default=0.0)
    shares = [(FAMILY_NAMES.get(name, name), share) for name, share in found.shares if abs(share) >= least]
    return {"score": found.score, "shares": shares}
