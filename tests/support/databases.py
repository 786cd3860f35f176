"""Databases of their own for tests, on the shared server, and names that are unique there."""

from __future__ import annotations

import uuid

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url


def create_database(server_url: str, name: str, template: str | None = None) -> str:
    """Create a database, as a copy of `template` when one is named, and return its URL.

    `server_url` is that of any database on the server. No client may be connected to the template meanwhile.
    """
    url = make_url(server_url)
    # By default the copy goes through the write-ahead log, which takes twice as long.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _run(url, statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))
    return url.set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Drop a database and cut its connections. Harmless if it does not exist."""
    _run(make_url(server_url), sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def unique_name(prefix: str) -> str:
    """Return a name that no other test uses, fit for a database and for a bucket."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def _run(url: URL, statement: sql.Composed) -> None:
    """Run a statement that allows no transaction, from a database that no test copies or drops."""
    address = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(statement)
