"""Connections to Postgres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.access import guard


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The database's address and limits. Times in seconds; 0 switches a limit off."""

    url: str
    pool_size: int = 10
    statement_timeout_s: int = 30
    # Rows are locked only for moments; a session that keeps one longer, say a forgotten psql, must not block all
    # others.
    lock_timeout_s: int = 5
    # A forgotten transaction blocks vacuum for every table, so Postgres ends it.
    idle_in_transaction_timeout_s: int = 60


def normalised_url(url: str) -> URL:
    """Return `url` with the driver this program uses; accepts `postgres://` and `postgresql://` too."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    return parsed.set(drivername="postgresql+psycopg")


# A host that loses its power or network goes silent, and the other side would keep the connection, with its session's
# locks, for two hours. So both sides send keepalives, and give up after this many seconds.
_KEEPALIVE_EVERY_S, _KEEPALIVE_TIMES = 5, 3
_SILENT_AT_MOST_MS = 1000 * _KEEPALIVE_EVERY_S * (1 + _KEEPALIVE_TIMES)
_CLIENT_KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": _KEEPALIVE_EVERY_S,
    "keepalives_interval": _KEEPALIVE_EVERY_S,
    "keepalives_count": _KEEPALIVE_TIMES,
    "tcp_user_timeout": _SILENT_AT_MOST_MS,
    "connect_timeout": 10,
}
_SERVER_KEEPALIVES = (
    f"-c tcp_keepalives_idle={_KEEPALIVE_EVERY_S} "
    f"-c tcp_keepalives_interval={_KEEPALIVE_EVERY_S} "
    f"-c tcp_keepalives_count={_KEEPALIVE_TIMES} "
    f"-c tcp_user_timeout={_SILENT_AT_MOST_MS}"
)

# Arguments for connections that listen for hints, made with the driver itself.
LISTENING: dict[str, Any] = {**_CLIENT_KEEPALIVES, "options": _SERVER_KEEPALIVES, "autocommit": True}

# A worker that freezes inside a transaction keeps its locks, and everyone needs the lock on the call budgets. Postgres
# ends such a transaction after this long; a statement waiting for the lock waits longer than that.
WORKER_IDLE_IN_TRANSACTION_S = 5
_WORKER_LOCK_TIMEOUT_S = 2 * WORKER_IDLE_IN_TRANSACTION_S

# A worker's statements find a handful of rows by key. The planner cannot know how few, because the counts are
# parameters: its guess of a tenth of the table makes it scan all of it. So scans are disabled.
_BY_KEY_ONLY = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"


def _options(settings: DatabaseSettings) -> str:
    return (
        f"-c statement_timeout={settings.statement_timeout_s}s "
        f"-c lock_timeout={settings.lock_timeout_s}s "
        f"-c idle_in_transaction_session_timeout={settings.idle_in_transaction_timeout_s}s "
        f"{_SERVER_KEEPALIVES} "
        "-c timezone=UTC "
        # Planning the claim anew each time costs as much as running it, and the plan never depends on its values.
        "-c plan_cache_mode=force_generic_plan"
    )


def connect(settings: DatabaseSettings, *, name: str) -> Engine:
    """Return an engine for threads. `name` shows in `pg_stat_activity`. Connects lazily."""
    return _connect(settings, name, options=_options(settings), pre_ping=True)


def connect_worker(settings: DatabaseSettings, *, name: str) -> Engine:
    """Return an engine for a worker, tuned for many small statements that find their rows by key.

    It takes one statement at a time, so it cannot migrate. It does not ping a connection before using it, which would
    cost a round trip each time: the first use after a restart of Postgres fails, so callers must retry. A transaction
    that is idle for some seconds is ended.
    """
    limits = replace(
        settings,
        idle_in_transaction_timeout_s=WORKER_IDLE_IN_TRANSACTION_S,
        lock_timeout_s=_WORKER_LOCK_TIMEOUT_S,
    )
    return _connect(
        settings,
        name,
        options=_options(limits) + _BY_KEY_ONLY,
        pre_ping=False,
        # There are few statements, each run thousands of times: a connection prepares them on first use, and the pool
        # prefers the connection used last, which has prepared them.
        prepare_threshold=0,
        lifo=True,
    )


def _connect(
    settings: DatabaseSettings,
    name: str,
    *,
    options: str,
    pre_ping: bool,
    prepare_threshold: int = 5,
    lifo: bool = False,
) -> Engine:
    return create_engine(
        normalised_url(settings.url),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_pre_ping=pre_ping,
        pool_use_lifo=lifo,
        connect_args={
            "application_name": name,
            "options": options,
            "prepare_threshold": prepare_threshold,
            **_CLIENT_KEEPALIVES,
        },
    )


def connect_async(settings: DatabaseSettings, *, name: str) -> AsyncEngine:
    """Return an engine for the event loop; database functions run on it through `run_sync`."""
    engine = create_async_engine(
        normalised_url(settings.url),
        pool_size=settings.pool_size,
        max_overflow=0,
        connect_args={"application_name": name, "options": _options(settings), **_CLIENT_KEEPALIVES},
    )
    guard(engine)
    return engine
