"""Setting the limits of an account's credits: by its own keys, or by support with a reason."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from db.records import credit_limits
from db.records.accounts import Account, accounts_in_scope
from db.records.audit import add_audit_entry
from db.records.ledger import WalletKey
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import Principal
from jobs.requesting.credits import AMOUNT_MAX, check_explained
from statemachine.vocabulary import AuditAction


def set_spend_cap(
    conn: Connection, caller: Principal, cap: int | None, *, account_id: UUID | None, reason: str | None
) -> Account:
    """Set how many credits an account's requests may hold on a day, None for any number; return the account.

    Raises Forbidden for a session, Invalid, and NotFound for an account that the caller may not see.
    """
    if cap is not None and not 0 <= cap <= AMOUNT_MAX:
        raise Invalid(f"creditsPerDay must be from 0 to {AMOUNT_MAX}, or null for no cap.", "input", "creditsPerDay")
    account = _account(conn, caller, AuditAction.SET_SPEND_CAP, account_id, reason)
    credit_limits.set_spend_cap(conn, account.id, cap)
    return account


def set_low_balance_mark(
    conn: Connection, caller: Principal, mark: int | None, *, account_id: UUID | None, reason: str | None
) -> Account:
    """Set the balance below which an account is notified, None for no notice. Raises as `set_spend_cap` does."""
    if mark is not None and not 1 <= mark <= AMOUNT_MAX:
        raise Invalid(f"credits must be from 1 to {AMOUNT_MAX}, or null for no mark.", "input", "credits")
    account = _account(conn, caller, AuditAction.SET_LOW_BALANCE_MARK, account_id, reason)
    credit_limits.set_low_balance_mark(conn, account.id, mark)
    return account


def _account(
    conn: Connection, caller: Principal, action: AuditAction, account_id: UUID | None, reason: str | None
) -> Account:
    """Return the account to change; what support does is audited."""
    if caller.session is not None:
        raise Forbidden("Only an API key can set limits of credits; this is a session token.")
    wanted = account_id or caller.account_id
    account = accounts_in_scope(conn, caller.scope, [wanted]).get(wanted)
    if account is None:
        raise NotFound("The account does not exist.", "input", "accountId")
    if caller.is_support:
        check_explained(reason or "")
        add_audit_entry(conn, caller.author, action, WalletKey(wanted), reason=reason)
    return account
