"""/v1/readers/{reader}: attention, preferences, export, erasure. Ids may hold slashes."""

import time
from typing import Any

from fastapi import Request

from api.application import reader_preferences
from api.application.reader_erasure import erase
from api.http.dependencies import Service
from api.http.iso_time import to_iso
from api.http.reader_id_params import RawReaderId, Reader
from api.http.reader_schemas import AttentionOut, ExportOut, PreferencesIn, PreferencesOut, ReceiptOut
from api.http.security.auth import actor, secured_router
from api.http.security.scopes import Scope
from ingest.reject_privacy import rejected_rows_of
from recsys.insight.reader_profile import attention_profile
from recsys.store import reader_export

read = secured_router("/v1/readers", "readers", Scope.READ)
write = secured_router("/v1/readers", "readers", Scope.WRITE)
admin = secured_router("/v1/readers", "readers", Scope.ADMIN)


@read.get("/{reader:id}/attention")
def attention(service: Service, reader: Reader) -> AttentionOut:
    """What Attune believes the reader attends to, and which reads say so. Weights sum to 1."""
    told = service.ask(lambda engine, as_of: attention_profile(engine, reader, as_of))
    reads = [{**each, "at": to_iso(each["at"])} for each in told["reads"]]
    said = reader_preferences.of(service, reader)
    return AttentionOut.model_validate(
        {**told, "as_of": to_iso(told["as_of"]), "reads": reads, "preferences": said}
    )


@write.put("/{reader:id}/preferences")
def prefer(service: Service, reader: Reader, body: PreferencesIn) -> PreferencesOut:
    """Replace what the reader follows, focuses on and has muted.

    What is muted is shown in no feed. Of every feed half the places are promised to what is in focus, and a fifth
    to what is followed, as long as there is any; no cap holds for it.
    """
    return reader_preferences.replace(service, reader, body)


@admin.get("/{reader:id}/export")
def export(service: Service, reader: Reader, named: RawReaderId) -> ExportOut:
    """Everything that is stored about the reader."""
    with service.database.read() as connection:
        tables: dict[str, list[dict[str, Any]]] = reader_export.export(connection, reader)
    rejected = rejected_rows_of(service.home / "rejects", named)
    at = to_iso(time.time_ns() // 1_000)
    return ExportOut(reader=reader, exported_at=at, tables=tables, rejected=rejected)


@admin.delete("/{reader:id}")
def delete(request: Request, service: Service, reader: Reader, named: RawReaderId) -> ReceiptOut:
    """Erase the reader everywhere. The receipt is given once; its salt is stored nowhere."""
    erased = erase(service.database, service.home, reader, actor(request), service.store, named)
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
