"""Setting the limits of what an account and its users may have, by support."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.accounts import Account, accounts_in_scope
from db.records.audit import add_audit_entry
from db.records.ledger import WalletKey
from db.records.usage import set_limit
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import Principal
from jobs.requesting.credits import check_explained
from statemachine.vocabulary import AuditAction, UsageLimitName, UsageLimitOwner

# What every JSON reader takes exactly.
MOST_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit of an account, of it as a whole or of each of its users; `most` is None for the usual one."""

    account_id: UUID
    name: UsageLimitName
    owner: UsageLimitOwner
    most: int | None
    reason: str


def set_usage_limit(conn: Connection, caller: Principal, change: LimitChange) -> Account:
    """Set a limit of an account, and return the account. What is above the limit already stays.

    Raises Forbidden, Invalid, NotFound.
    """
    if not caller.is_support:
        raise Forbidden("Only support can set usage limits.")
    if change.most is not None and not 0 <= change.most <= MOST_MAX:
        raise Invalid(f"max must be from 0 to {MOST_MAX}, or null for the usual limit.", "input", "max")
    check_explained(change.reason)
    account = accounts_in_scope(conn, caller.scope, [change.account_id]).get(change.account_id)
    if account is None:
        raise NotFound("The account does not exist.", "input", "accountId")
    subject = f"{change.name} of {change.owner}: {'usual' if change.most is None else change.most}"
    add_audit_entry(
        conn, caller.author, AuditAction.SET_USAGE_LIMIT, WalletKey(account.id), subject=subject, reason=change.reason
    )
    set_limit(conn, account.id, change.name, change.owner, change.most)
    return account
