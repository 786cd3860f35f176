"""The periodic task that gives back to the caps of a day what failed and canceled jobs have returned.

A request only adds to the count: to subtract where jobs end would lock the row of the account there, too.
"""

from __future__ import annotations

from sqlalchemy import Engine

from db.records.credit_limits import accounts_near_cap, recount_spending


def recount_caps(engine: Engine) -> int:
    """Count again for each account that has used more than half of its cap; return how many there are.

    Safe to run concurrently.
    """
    with engine.connect() as conn:
        near = accounts_near_cap(conn)
    for account_id in near:
        with engine.begin() as conn:
            recount_spending(conn, account_id)
    return len(near)
