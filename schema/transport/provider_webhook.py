"""POST /webhooks/replicate: the provider reports the start and the end of a prediction.

The response follows one short transaction, because the provider waits for only a few seconds. An unsigned request
learns nothing, and a token that is not ours gets the same response as one that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.engine.provider_webhooks import Webhook
from jobs.tracking.provider_webhooks import NoKey, NotVerified, SigningKey, read_webhook, take
from schema.context import Parts
from statemachine.steps import STEP_OF

log = structlog.get_logger(__name__)

# A prediction repeats its input and its output, and a picture of a megabyte takes a third more as text.
BODY_BYTES_MAX = 2 * 1024 * 1024


def provider_webhook(parts: Parts, key: SigningKey) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that takes webhooks signed with a key."""

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            message = f"The body may have at most {BODY_BYTES_MAX} bytes."
            return JSONResponse({"error": message}, 413, {"Connection": "close"})
        try:
            webhook = await _read(request, body, key)
        except NotVerified as error:
            log.warning("a webhook was refused", why=str(error))
            return JSONResponse({"error": "The signature is missing, wrong or too old."}, 401)
        except NoKey:
            return JSONResponse({"error": "The signature cannot be checked now. Please try again."}, 503)
        return await _take(parts, webhook)

    return endpoint


async def _body(request: Request) -> bytes | None:
    """Return the raw body, or None as soon as it turns out too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


async def _read(request: Request, body: bytes, key: SigningKey) -> Webhook:
    """Verify with the current key, and once more with a newer one where it may be fetched."""
    token = request.query_params.get("token")
    try:
        return read_webhook(key, body, request.headers, token)
    except (NotVerified, NoKey):
        if not key.may_renew:
            raise
    await asyncio.to_thread(key.renew)
    return read_webhook(key, body, request.headers, token)


async def _take(parts: Parts, webhook: Webhook) -> Response:
    try:
        due = await parts.database.write(take, webhook)
    except (SQLAlchemyError, OSError) as error:
        log.warning("a webhook could not be recorded", why=type(error).__name__)
        return JSONResponse({"error": "The database is unavailable. Please try again."}, 503)
    if due is not None:
        parts.hint(STEP_OF[due.state], [])
    return Response(status_code=202)
