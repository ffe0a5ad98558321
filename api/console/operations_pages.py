"""Console pages of operators: data, attention, keys, audit, settings."""

from datetime import UTC, datetime
from typing import Annotated

import numpy as np
from fastapi import Query, Request, Response

from api.application import attention_figures, data_jobs, key_admin, log_mirror, web_sources
from api.application.scopes import Scope
from api.console.console_pages import is_confirmed, question_page, see, show
from api.console.signed_in import console_router, form_of
from api.console.svg_charts import bar_chart
from api.http.dependencies import App
from api.http.security.auth import actor
from recsys.domain import SECOND
from recsys.errors import RequestError
from recsys.insight.article_calibration import figures_by_group, most_flagged
from recsys.settings import origins

router = console_router()

_MONITOR_ROWS, _GROUP_ARTICLES, _FLAGGED, _AUDIT_ROWS = 48, 20_000, 20, 200
_DRIFT = 0.1
"""Population stability index below which a head counts as unchanged."""


@router.get("/data")
def data(request: Request, app: App) -> Response:
    """Return the ingest jobs, the folders of rejected rows, the sources on the web, and the streams."""
    context = {
        "jobs": data_jobs.list_jobs(app),
        "folders": data_jobs.reject_folders(app),
        "sources": web_sources.list_sources(app),
        "streams": log_mirror.stream_states(app),
        "languages": sorted(data_jobs.article_languages(app).items(), key=lambda item: -item[1]),
    }
    return show(request, "data.html", context)


@router.get("/data/rejects")
def rejects(request: Request, app: App, folder: Annotated[str, Query(max_length=300)]) -> Response:
    """Return the reasons of rejected rows, with an example of each, as a part of the page."""
    return show(request, "data_rejects.html", {"reasons": data_jobs.reject_reasons(app, folder), "folder": folder})


@router.get("/attention")
def attention(request: Request, app: App) -> Response:
    """Return the state of the calibration, with the drift of each head."""
    stats, rows = attention_figures.live_calibration(app), attention_figures.monitor_rows(app, _MONITOR_ROWS)
    oldest_first = [row for row in reversed(rows) if row.flag_rate is not None]
    names = [datetime.fromtimestamp(row.at / SECOND, UTC).strftime("%d %b %H:%M") for row in oldest_first]
    psi = None if stats is None else stats.entropy_psi
    context = {
        "stats": stats,
        "newest": rows[0] if rows else None,
        "heads": None if psi is None else [[(float(value), _heat(float(value))) for value in row] for row in psi],
        "charts": [
            bar_chart("Words flagged, percent", names, [100 * (row.flag_rate or 0.0) for row in oldest_first]),
            bar_chart(
                "Headlines adjusted, percent", names, [100 * (row.gated_share or 0.0) for row in oldest_first]
            ),
        ]
        if oldest_first
        else [],
    }
    return show(request, "attention.html", context)


@router.get("/attention/groups")
def groups(request: Request, app: App) -> Response:
    """Return the most flagged headlines, and the figures by source and language, as a part of the page."""
    found = attention_figures.newest_calibrated(app, _GROUP_ARTICLES)
    if found is None:
        return show(request, "attention_groups.html")
    context = {"groups": figures_by_group(found).to_dicts(), "flagged": most_flagged(found, _FLAGGED).to_dicts()}
    return show(request, "attention_groups.html", context)


@router.get("/keys")
def keys(request: Request, app: App) -> Response:
    """Return the keys, and the form for a new one."""
    return show(
        request, "keys.html", {"keys": key_admin.list_keys(app), "scopes": list(Scope), "own": actor(request)}
    )


@router.post("/keys/create")
def create_key(request: Request, app: App) -> Response:
    """Create a key. This page alone shows its token.

    Raises:
        RequestError: the scope is unknown, or an origin is not valid.
    """
    form = form_of(request)
    try:
        scope = Scope(form.get("scope", ""))
    except ValueError as error:
        raise RequestError(f"`scope` must be one of {', '.join(Scope)}") from error
    token, row = key_admin.create_key(
        app, scope, form.get("name", "")[:200], actor(request), form.get("origins", "").split()
    )
    return show(request, "key_created.html", {"token": token, "key": row})


@router.post("/keys/revoke")
def revoke_key(request: Request, app: App) -> Response:
    """Revoke a key, after a question.

    Raises:
        RequestError: there is no valid key of that id.
    """
    id_ = form_of(request).get("id", "")
    if not is_confirmed(request):
        own = " You are signed in with this key: your session ends." if id_ == actor(request) else ""
        consequence = f"Clients that use it get 401 within a second. A revoked key cannot come back.{own}"
        return question_page(request, f"Revoke key {id_}?", consequence, "Revoke key")
    key_admin.revoke_key(app, id_, actor(request))
    return see(request, "console/keys", "key-revoked")


@router.get("/audit")
def audit(request: Request, app: App) -> Response:
    """Return the newest acts of administrators."""
    return show(request, "audit.html", {"rows": key_admin.list_audit(app, _AUDIT_ROWS)})


@router.get("/settings")
def settings(request: Request, app: App) -> Response:
    """Return every setting of this process with its origin; secrets are stars."""
    return show(request, "settings.html", {"settings": origins(app.settings)})


def _heat(psi: float) -> int:
    """Return a class of colour, 0 to 4, for a drift."""
    return int(np.clip(psi / _DRIFT, 0, 4))
