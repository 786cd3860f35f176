"""`diorama serve`: the API process."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import cast

import uvicorn
from starlette.applications import Starlette

from db.connection import connect_async
from diorama.announce import announce
from diorama.settings import Settings, SettingsError
from diorama.wiring import (
    build_catalogue,
    build_engine,
    build_retention,
    build_store,
    build_webhook_key,
    build_webhook_reach,
    database_settings,
)
from jobs.webhooks.sender import WebhookSender
from schema.transport.app import ApiRuntime, ApiSettings, Limits, create_app, end_waiting

# Subscriptions end by themselves when the server stops; this bounds whatever does not.
_STOP_WITHIN_S = 10


def run_api(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT. The caller has checked that the database is reachable and migrated.

    Raises SettingsError if it cannot listen on HOST and PORT.
    """
    listener = _listener(settings.host, settings.port)
    app = create_app(
        _runtime(settings),
        ApiSettings(
            agent_credits_max=settings.agent_credits_max,
            development=settings.development,
            public_url=None if settings.public_url is None else str(settings.public_url),
            allowed_origins=tuple(settings.allowed_origins),
            key_requests_per_min=settings.requests_per_min,
            session_requests_per_min=settings.requests_per_min // 10,
            has_test_mode=settings.test_provider_url is not None,
        ),
    )
    asyncio.run(_server_of(app).serve(sockets=[listener]))


def _runtime(settings: Settings) -> ApiRuntime:
    return ApiRuntime(
        engine=connect_async(database_settings(settings), name="diorama-api"),
        blocking_engine=build_engine(settings, "api", pool_size=4),
        store=build_store(settings),
        catalogue=build_catalogue(settings),
        retention=build_retention(settings),
        webhook_key=build_webhook_key(settings),
        webhook_sender=WebhookSender(build_webhook_reach(settings)),
    )


def _server_of(app: Starlette) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            # Compression would double the memory per subscriber, and these messages are too small to gain from it.
            ws_per_message_deflate=False,
            ws_max_size=Limits().body_bytes,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
            server_header=False,
        )
    )


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except (OSError, UnicodeError) as error:
        raise SettingsError(_not_listening(host, port, error)) from None


def _not_listening(host: str, port: int, error: OSError | UnicodeError) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"PORT is wrong: another program listens on {host}:{port}; choose another port, or 0 for a free one"
        case errno.EACCES:
            return f"PORT is wrong: this user may not listen on {port}; choose 1024 or above, or 0 for a free one"
        case _:
            choices = "127.0.0.1 for this machine only, 0.0.0.0 for every network"
            return f"HOST is wrong: {host} is not an IPv4 address or name of this machine ({error}); choose {choices}"


class _Server(uvicorn.Server):
    """Announces its address once it listens, and releases waiting callers when it begins to stop."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = (sockets or [])[0].getsockname()[:2]
        announce(api=f"http://{host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await end_waiting(cast(Starlette, self.config.app))
        await super().shutdown(sockets)
