"""/v1/readers/{reader}: attention, preferences, pause of learning, export, erasure. Ids may contain slashes.

All routes also answer to a token of the reader.
"""

from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.application import reader_data, reader_preferences, unknown_names
from api.application.iso_time import to_iso
from api.application.scopes import Scope
from api.http.dependencies import App, RawReaderId, Reader
from api.http.export_page import export_page
from api.http.reader_schemas import AttentionOut, ExportOut, Learning, PreferencesIn, PreferencesOut, ReceiptOut
from api.http.security.auth import actor, secured_router
from api.http.security.site_access import charge_own_erasure
from recsys.domain import Preferences

_Format = Annotated[Literal["json", "html"], Query(description="JSON, or a page for people.", examples=["html"])]

read = secured_router("/v1/readers", "readers", Scope.READ, own_reader=True)
write = secured_router("/v1/readers", "readers", Scope.WRITE, own_reader=True)
admin = secured_router("/v1/readers", "readers", Scope.ADMIN, own_reader=True)


@read.get("/{reader:id}/attention")
def attention(app: App, reader: Reader) -> AttentionOut:
    """Return the learned attention of a reader, and the reads behind it. Weights sum to 1."""
    profile = reader_data.get_attention(app, reader)
    reads = [{**each, "at": to_iso(each["at"])} for each in profile["reads"]]
    preferences = _out(reader_preferences.get_preferences(app, reader))
    return AttentionOut.model_validate(
        {
            **profile,
            "as_of": to_iso(profile["as_of"]),
            "reads": reads,
            "preferences": preferences,
            "learning_paused": reader_preferences.is_learning_paused(app, reader),
        }
    )


@write.put("/{reader:id}/preferences")
def prefer(app: App, reader: Reader, body: PreferencesIn) -> PreferencesOut:
    """Replace the topics, sources, authors and entities that the reader follows, focuses on and muted.

    Muted subjects are in no feed. Half of the positions of every feed are reserved for subjects in focus, and a
    fifth for followed ones, while there are articles about them; caps do not apply to these articles.
    """
    preferences = Preferences(frozenset(body.follow), frozenset(body.focus), frozenset(body.mute))
    chosen = _out(reader_preferences.set_preferences(app, reader, preferences))
    chosen.warnings = unknown_names.unknown_subjects(app, [*body.follow, *body.focus, *body.mute])
    return chosen


@write.put("/{reader:id}/learning")
def learn(app: App, reader: Reader, body: Learning) -> Learning:
    """Pause learning from the reader, or resume it.

    During a pause only hides, dislikes, follows and mutes of the reader are stored, and no slate. What was learned
    before stays; erase the reader to forget it.
    """
    reader_preferences.set_learning_paused(app, reader, body.paused)
    return body


@admin.get("/{reader:id}/export", response_model=ExportOut, responses={200: {"content": {"text/html": {}}}})
def export(app: App, reader: Reader, raw_id: RawReaderId, format: _Format = "json") -> ExportOut | HTMLResponse:
    """Export all stored data of the reader, as JSON, or as a page for people with `format=html`."""
    found = reader_data.export_reader(app, reader, raw_id)
    out = ExportOut(
        reader=reader, exported_at=to_iso(found.exported_at), tables=found.tables, rejected=found.rejected
    )
    return out if format == "json" else HTMLResponse(export_page(out))


@admin.delete("/{reader:id}", dependencies=[Depends(charge_own_erasure)])
def delete(request: Request, app: App, reader: Reader, raw_id: RawReaderId) -> ReceiptOut:
    """Erase all data of the reader. The receipt is returned only once; its salt is not stored."""
    erased = reader_data.erase_reader(app, reader, actor(request), raw_id)
    receipt = erased.receipt
    return ReceiptOut(
        id=receipt.id,
        seq=receipt.seq,
        at=receipt.at,
        salt=receipt.salt,
        reader_hash=receipt.reader_hash,
        counts=dict(receipt.counts),
        digest=receipt.digest,
        rejects=erased.rejects,
    )


def _out(preferences: Preferences) -> PreferencesOut:
    return PreferencesOut(
        follow=sorted(preferences.follow), focus=sorted(preferences.focus), mute=sorted(preferences.mute)
    )
