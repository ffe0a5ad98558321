"""Console pages of one reader: what is believed, export, erasure. Ids are in bodies, and no page lists readers."""

from dataclasses import asdict

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from api.application import reader_data, reader_preferences
from api.application.iso_time import to_iso
from api.console.console_pages import is_confirmed, question_page, show
from api.console.signed_in import console_router, form_of
from api.http.dependencies import App, PseudonymsDep
from api.http.security.auth import actor
from ingest.pseudonyms import Pseudonyms
from recsys.errors import RequestError

router = console_router()

_LONGEST = 512
_READS = 50


@router.get("/readers")
def form(request: Request) -> Response:
    """Return the form for an id."""
    return show(request, "readers.html")


@router.post("/readers")
def reader(request: Request, app: App, pseudonyms: PseudonymsDep) -> Response:
    """Return what is believed about a reader.

    Raises:
        RequestError: the id is missing or too long.
    """
    raw, stored = _ids(request, pseudonyms)
    profile = reader_data.get_attention(app, stored)
    context = {
        "reader": raw,
        "profile": profile,
        "reads": profile["reads"][:_READS],
        "preferences": reader_preferences.get_preferences(app, stored),
    }
    return show(request, "readers.html", context)


@router.post("/readers/export")
def export(request: Request, app: App, pseudonyms: PseudonymsDep) -> Response:
    """Return all stored data of a reader as a file, whose name does not have the id.

    Raises:
        RequestError: the id is missing or too long.
        StoreError: the database is unavailable.
    """
    raw, stored = _ids(request, pseudonyms)
    found = reader_data.export_reader(app, stored, raw)
    content = {
        "reader": stored,
        "exported_at": to_iso(found.exported_at),
        "tables": found.tables,
        "rejected": found.rejected,
    }
    return JSONResponse(content, headers={"Content-Disposition": 'attachment; filename="reader.json"'})


@router.post("/readers/erase")
def erase(request: Request, app: App, pseudonyms: PseudonymsDep) -> Response:
    """Erase a reader, after a question, and return the receipt.

    Raises:
        RequestError: the id is missing or too long.
        StoreError: the database is unavailable.
        ErasureError: files may still contain the reader: erase again.
    """
    raw, stored = _ids(request, pseudonyms)
    if not is_confirmed(request):
        consequence = (
            "All events, feeds and preferences of this reader are deleted for good, here and in reject files."
        )
        return question_page(request, f"Erase reader {raw}?", consequence, "Erase for good")
    erased = reader_data.erase_reader(app, stored, actor(request), raw)
    return show(request, "reader_erased.html", {"receipt": asdict(erased.receipt), "rejects": erased.rejects})


def _ids(request: Request, pseudonyms: Pseudonyms) -> tuple[str, str]:
    """Return the id of the form as it was given, and as it is stored."""
    raw = form_of(request).get("reader", "")
    if not raw or len(raw) > _LONGEST:
        raise RequestError(f"give the id of a reader, with at most {_LONGEST} characters")
    return raw, pseudonyms.of(raw)
