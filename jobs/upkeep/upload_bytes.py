"""The periodic task that adds up the bytes of uploads of accounts that add none: theirs only go."""

from __future__ import annotations

from sqlalchemy import Engine

from db.records.usage import accounts_with_changed_uploads, add_up_upload_bytes

_ACCOUNTS_MAX = 1_000


def add_up_uploads(engine: Engine) -> int:
    """Add up the changes of up to a thousand accounts, each in a transaction; return how many there were.

    Safe to run concurrently.
    """
    with engine.connect() as conn:
        changed = accounts_with_changed_uploads(conn, most=_ACCOUNTS_MAX)
    for account_id in changed:
        with engine.begin() as conn:
            add_up_upload_bytes(conn, account_id)
    return len(changed)
