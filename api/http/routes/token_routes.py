"""POST /v1/reader-tokens."""

from datetime import UTC, datetime

from fastapi import Request

from api.application.reader_tokens import ReaderTokens
from api.application.scopes import Scope
from api.http.schemas import ReaderTokenIn, ReaderTokenOut
from api.http.security.auth import secured_router

router = secured_router("/v1", "reader tokens", Scope.WRITE)


@router.post("/reader-tokens")
async def mint(request: Request, body: ReaderTokenIn) -> ReaderTokenOut:
    """Mint a token that lets a page act for one reader: feed, preferences, attention, export and erasure.

    Send it to nobody but this reader. It cannot be revoked, so keep it short: `seconds` is at most a day. With
    `access` = `free`, feeds of this token have no articles that only subscribers may open.
    """
    tokens: ReaderTokens = request.app.state.tokens
    token, expires = tokens.mint(body.reader, body.seconds, body.access)
    return ReaderTokenOut(token=token, expires_at=datetime.fromtimestamp(expires, UTC).isoformat())
