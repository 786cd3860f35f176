"""Taking credits from a wallet: there must be enough, the account's cap must allow it, and a low balance is noted."""

from __future__ import annotations

from sqlalchemy import Connection

from db.records.credit_limits import CreditLimits, count_spending, limits_of, note_low_balance
from db.records.ledger import WalletKey, lock_balance
from jobs.errors import InsufficientCredits, SpendCapReached


def take_from(conn: Connection, wallet: WalletKey, amount: int, *, is_capped: bool) -> None:
    """Lock a wallet that has `amount`, which the caller then takes out of it, until the transaction ends.

    The lock keeps two requests from taking the same credits. Raises InsufficientCredits; and where it `is_capped`,
    SpendCapReached. A balance of the account itself that falls below its mark is noted in the activity.
    """
    available = lock_balance(conn, wallet).available
    if available < amount:
        raise InsufficientCredits(amount, available)
    limits = limits_of(conn, [wallet.account_id]).get(wallet.account_id)
    if limits is None:
        return
    if is_capped and limits.spend_cap is not None and not count_spending(conn, wallet.account_id, amount):
        raise SpendCapReached(limits.resets_at)
    if not wallet.user_ref and _falls_below(limits, available, amount):
        note_low_balance(conn, wallet.account_id)


def _falls_below(limits: CreditLimits, available: int, amount: int) -> bool:
    mark = limits.low_balance_mark
    return mark is not None and available - amount < mark <= available
