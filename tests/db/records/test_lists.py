"""Pages of stories and pictures are read from an index, also by one of many users of a large account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, text

from db.ids import new_id
from db.paging import Window
from db.records.assets import AssetFilter, asset_page
from db.records.stories import StoryFilter, story_page
from db.records.usage import open_sessions, uploads_of_account, uploads_of_user
from db.scope import Scope

_USERS = 1_000
_EACH = 10
_FILL = (
    """INSERT INTO accounts (id, name) VALUES (:account, 'large')""",
    """
    INSERT INTO sessions (id, account_id, user_ref, tier, token_sha256, expires_at)
    SELECT gen_random_uuid(), :account, 'user ' || n, 'free', sha256(n::text::bytea), now() + interval '1 day'
    FROM generate_series(1, :users) n
    """,
    """
    INSERT INTO assets (id, account_id, session_id, kind, state, object_key, content_type)
    SELECT gen_random_uuid(), :account, s.id, 'selfie', 'pending', 'uploads/' || s.id || n, 'image/png'
    FROM sessions s, generate_series(1, :each) n WHERE s.account_id = :account
    """,
    """
    INSERT INTO stories (id, account_id, session_id, selfie_id)
    SELECT gen_random_uuid(), a.account_id, a.session_id, a.id FROM assets a WHERE a.account_id = :account
    """,
    "ANALYZE sessions, assets, stories",
)


@pytest.fixture
def large(engine: Engine) -> Iterator[tuple[Connection, UUID]]:
    """Yield a connection that alone sees a large account, and the id of that."""
    account = new_id()
    with engine.connect() as conn, conn.begin() as transaction:
        for each in _FILL:
            values = {"account": account, "users": _USERS, "each": _EACH}
            conn.execute(text(each), {name: value for name, value in values.items() if f":{name}" in each})
        yield conn, account
        transaction.rollback()


def _plan(conn: Connection, read: Callable[[], Any]) -> str:
    """Return the plan of the statement that a read executes."""
    seen: list[tuple[str, Any]] = []
    event.listen(conn, "before_cursor_execute", lambda _c, _u, statement, values, *_: seen.append((statement, values)))
    read()
    [(statement, values)] = seen
    return "\n".join(row[0] for row in conn.exec_driver_sql("EXPLAIN " + statement, values))


@pytest.mark.parametrize(
    ("user_ref", "indexes"),
    [(None, {"{}_by_account"}), ("user 7", {"{}_by_session", "sessions_by_user"})],
)
@pytest.mark.parametrize("table", ["stories", "assets"])
def test_a_page_is_read_from_an_index(
    large: tuple[Connection, UUID], table: str, user_ref: str | None, indexes: set[str]
) -> None:
    conn, account = large
    scope, window = Scope(account, user_ref), Window(20)
    if table == "stories":
        plan = _plan(conn, lambda: story_page(conn, scope, StoryFilter(states=("failed",)), window))
    else:
        plan = _plan(conn, lambda: asset_page(conn, scope, AssetFilter(kinds=("selfie",)), window))
    assert all(name.format(table) in plan for name in indexes), plan
    # Of `jobs`, which is empty here, the planner may read the one page.
    assert not any(f"Seq Scan on {filled}" in plan for filled in ("sessions", "assets", "stories")), plan


def test_what_is_used_of_limits_is_read_from_indexes(large: tuple[Connection, UUID]) -> None:
    conn, account = large
    reads: dict[str, Callable[[], Any]] = {
        "sessions_by_end": lambda: open_sessions(conn, account, None, most=100),
        "sessions_by_user": lambda: open_sessions(conn, account, "user 7", most=100),
        "_pending on assets": lambda: uploads_of_account(conn, account, most_pending=100),
        "assets_uploads": lambda: uploads_of_user(conn, account, "user 7"),
    }
    for index, read in reads.items():
        plan = _plan(conn, read)
        assert index in plan, plan
        assert "Seq Scan on sessions" not in plan, plan
        assert "Seq Scan on assets" not in plan, plan
