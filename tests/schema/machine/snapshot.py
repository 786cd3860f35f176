"""A digest of all that each owner has: which owners a request has changed."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Engine, Table, text

from db.records.ledger import WalletKey
from db.tables import metadata

# Kept from events by the sequencer and the statistics: not what a request changes. Uses of keys are noted at any time.
_DERIVED = {"activity", "activity_heads", "job_statistics", "provider_budgets", "provider_breaker"}
_NOTED = {"api_keys": " - 'used_at'"}
_THROUGH = {
    "job_id": ("jobs", "id"),
    "asset_id": ("assets", "id"),
    "endpoint_id": ("webhook_endpoints", "id"),
    "redrive_id": ("redrives", "id"),
}
Snapshot = dict[tuple[WalletKey | None, str], str]
"""The digest of each owner's rows in each table."""


def snapshot(engine: Engine) -> Snapshot:
    """Return the digests of all rows."""
    with engine.connect() as conn:
        rows = conn.execute(text(_query())).all()
    return {(row.account_id and WalletKey(row.account_id, row.user_ref), row.name): row.digest for row in rows}


def changed(before: Snapshot, after: Snapshot) -> set[tuple[WalletKey | None, str]]:
    """Return the owners whose rows differ, each with the table."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@cache
def _query() -> str:
    return " UNION ALL ".join(_of_table(each) for each in metadata.sorted_tables if each.name not in _DERIVED)


def _of_table(table: Table) -> str:
    account, user, joined = _owner(table)
    row = f"md5((to_jsonb(t){_NOTED.get(table.name, '')})::text)"
    return (
        f"SELECT '{table.name}' AS name, {account} AS account_id, {user} AS user_ref, "
        f"md5(string_agg({row}, '' ORDER BY {row})) AS digest FROM {table.name} t {joined} GROUP BY 2, 3"
    )


def _owner(table: Table) -> tuple[str, str, str]:
    """Return how a row names its account and its user, and what must be joined for that."""
    columns = table.c
    session = "LEFT JOIN sessions s ON s.id = {}.session_id"
    if table.name == "accounts":
        return "t.id", "''", ""
    if "account_id" in columns and "user_ref" in columns:
        return "t.account_id", "coalesce(t.user_ref, '')", ""
    if "session_id" in columns and "account_id" in columns:
        return "t.account_id", "coalesce(s.user_ref, '')", session.format("t")
    if table.name == "stream_tickets":
        joined = f"{session.format('t')} LEFT JOIN api_keys o ON o.id = t.api_key_id"
        return "coalesce(s.account_id, o.account_id)", "coalesce(s.user_ref, '')", joined
    for column, (through, key) in _THROUGH.items():
        if column in columns:
            joined = f"LEFT JOIN {through} o ON o.{key} = t.{column}"
            if through in ("jobs", "assets"):
                return "o.account_id", "coalesce(s.user_ref, '')", f"{joined} {session.format('o')}"
            return "o.account_id", "''", joined
    return ("t.account_id" if "account_id" in columns else "NULL::uuid"), "''", ""
