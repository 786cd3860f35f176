"""Connections: each side notices when the other one vanishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from db.connection import LISTENING, DatabaseSettings, connect, connect_worker


def assert_both_send_keepalives(conn: psycopg.Connection[Any]) -> None:
    ours = conn.info.get_parameters()
    assert (ours["keepalives_idle"], ours["keepalives_interval"], ours["keepalives_count"]) == ("5", "5", "3")
    assert ours["tcp_user_timeout"] == "20000"
    names = ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")
    shown = [conn.execute(f"SHOW tcp_{name}").fetchone() for name in names]
    assert shown == [("5",), ("5",), ("3",), ("20000",)]


@pytest.mark.parametrize("connecting", [connect, connect_worker])
def test_both_sides_of_a_connection_send_keepalives(database_url: str, connecting: Callable[..., Engine]) -> None:
    engine = connecting(DatabaseSettings(database_url), name="keepalives")
    with engine.connect() as conn:
        driver_connection = conn.connection.driver_connection
        assert isinstance(driver_connection, psycopg.Connection)
        assert_both_send_keepalives(driver_connection)
    engine.dispose()


def test_both_sides_of_a_listening_connection_send_keepalives(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), **LISTENING) as conn:
        assert_both_send_keepalives(conn)
