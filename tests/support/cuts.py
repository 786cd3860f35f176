"""Cuts a worker's connections to Postgres at chosen moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine


def cut_connection(dbapi_connection: Any) -> None:
    """End the server's side of a connection, as an operator does with `pg_terminate_backend`."""
    info = dbapi_connection.info
    with psycopg.connect(
        host=info.host, port=info.port, user=info.user, password=info.password, dbname=info.dbname, autocommit=True
    ) as operator:
        operator.execute("SELECT pg_terminate_backend(%s, 5000)", [info.backend_pid])


@contextmanager
def at_commit(engine: Engine, before: Callable[[Any], None], after: Callable[[Any], None]) -> Iterator[None]:
    """Call these with the driver's connection before and after each commit of the engine."""
    dialect: Any = engine.dialect
    real = dialect.do_commit

    def commit(connection: Any) -> None:
        before(connection.driver_connection)
        real(connection)
        after(connection.driver_connection)

    dialect.do_commit = commit
    try:
        yield
    finally:
        dialect.do_commit = real


def once(act: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a function that acts the first time only."""
    remaining = [act]

    def call(given: Any) -> None:
        if remaining:
            remaining.pop()(given)

    return call


def nothing(_: Any) -> None:
    """Do nothing."""
