"""Databases that tests use one after another: emptied if that makes them equal to a new one, otherwise dropped.

A copy of the template costs Postgres two checkpoints and some 400 files, ten times as much as emptying one.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support.databases import create_database, drop_database, unique_name

# A table that has grown beyond this would leave its dead rows, and the statistics that it may have, to the next test.
_BYTES_MAX = 64 * 1024
_DISCONNECT_WITHIN_MS = 5_000

# Changes with every statement that changes the schema.
_SCHEMA = """
SELECT md5(string_agg(rows.found, ',' ORDER BY rows.found)) FROM (
    SELECT 'class' || oid || relname || xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'attribute' || attrelid || attname || a.xmin
              FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'proc' || oid || xmin FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger' || oid || tgenabled::text || xmin FROM pg_trigger
    UNION ALL SELECT 'constraint' || oid || xmin FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'namespace' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
    UNION ALL SELECT 'role setting' || setrole || setconfig::text FROM pg_db_role_setting WHERE setdatabase = 0
) AS rows (found)
"""
_DISCONNECT = """
SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_LARGEST = """
SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_SEQUENCES = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"


@dataclass(frozen=True)
class _Template:
    """The schema of the template, its tables, and the rows in those that have some."""

    schema: str
    tables: tuple[str, ...]
    seeds: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, url: str) -> _Template:
        with _connect(url) as conn:
            tables = tuple(name for (name,) in conn.execute(_TABLES))
            seeds = {name: rows for name in tables if (rows := _rows(conn, name))}
            return cls(_schema_of(conn), tables, seeds)


class DatabasePool:
    """Databases on a server, made as copies of a template, that tests borrow one after another."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._name_of_template = template
        address = make_url(server_url).set(database=template)
        self._template = _Template.of(address.render_as_string(hide_password=False))
        self._free: list[str] = []

    def borrow(self) -> str:
        """Return the URL of a database that equals the template."""
        if self._free:
            return self._free.pop()
        return create_database(self._server_url, unique_name("test"), self._name_of_template)

    def give_back(self, url: str) -> None:
        """Disconnect every client of a borrowed database, and empty it for the next test, or drop it."""
        if self._restore(url):
            self._free.append(url)
        else:
            drop_database(self._server_url, make_url(url).database or "")

    def _restore(self, url: str) -> bool:
        """Make a database equal to the template again; return False if it cannot be."""
        with _connect(url) as conn:
            conn.execute(_DISCONNECT, [_DISCONNECT_WITHIN_MS])
            if _schema_of(conn) != self._template.schema or _largest_bytes(conn) > _BYTES_MAX:
                return False
            # No foreign key and no trigger applies to what follows.
            conn.execute("SET session_replication_role = replica")
            for name in {*_filled(conn, self._template.tables), *self._template.seeds}:
                self._restore_table(conn, name)
            conn.execute(_SEQUENCES)
            conn.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(conn.info.dbname)))
        return True

    def _restore_table(self, conn: psycopg.Connection, name: str) -> None:
        seeds = self._template.seeds.get(name, ())
        if seeds and _rows(conn, name) == seeds:
            return
        table = sql.Identifier(name)
        conn.execute(sql.SQL("DELETE FROM {}").format(table))
        for row in seeds:
            conn.execute(sql.SQL("INSERT INTO {0} SELECT (%s::{0}).*").format(table), [row])


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _schema_of(conn: psycopg.Connection) -> str:
    (found,) = conn.execute(_SCHEMA).fetchone() or ("",)
    return str(found)


def _largest_bytes(conn: psycopg.Connection) -> int:
    statement = (
        "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    (found,) = conn.execute(statement).fetchone() or (0,)
    return int(found)


def _filled(conn: psycopg.Connection, tables: tuple[str, ...]) -> list[str]:
    """Return the tables that have rows."""
    one = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    each = [one.format(sql.Literal(name), sql.Identifier(name)) for name in tables]
    return [name for (name,) in conn.execute(sql.SQL(" UNION ALL ").join(each))]


def _rows(conn: psycopg.Connection, name: str) -> tuple[str, ...]:
    found = conn.execute(sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(name)))
    return tuple(row for (row,) in found)
