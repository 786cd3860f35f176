"""Suspending accounts and end users: they change nothing and open no socket until they are let in again.

They still read what is theirs. Keys stay valid, and jobs that were accepted go on unless they are canceled too.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from db.records import suspensions
from db.records.accounts import accounts_in_scope
from db.records.audit import add_audit_entry
from db.records.ledger import WalletKey
from db.records.suspensions import Suspension, user_is_known
from jobs.errors import Forbidden, NotFound
from jobs.identity import Principal
from jobs.requesting.credits import check_explained
from statemachine.vocabulary import AuditAction


def suspend(conn: Connection, caller: Principal, who: WalletKey, reason: str) -> Suspension:
    """Suspend an account or an end user; safe to repeat. For support only.

    Raises Forbidden, Invalid for a bad reason, NotFound for an account or a user that does not exist.
    """
    _check(conn, caller, who, reason)
    action = AuditAction.SUSPEND_USER if who.user_ref else AuditAction.SUSPEND_ACCOUNT
    add_audit_entry(conn, caller.author, action, who, reason=reason)
    return suspensions.suspend(conn, who, by=caller.actor, reason=reason)


def resume(conn: Connection, caller: Principal, who: WalletKey, reason: str) -> bool:
    """Let an account or an end user in again; return False if it was not suspended. Raises as `suspend` does."""
    _check(conn, caller, who, reason)
    if not suspensions.resume(conn, who):
        return False
    action = AuditAction.RESUME_USER if who.user_ref else AuditAction.RESUME_ACCOUNT
    add_audit_entry(conn, caller.author, action, who, reason=reason)
    return True


def _check(conn: Connection, caller: Principal, who: WalletKey, reason: str) -> None:
    if not caller.is_support:
        raise Forbidden("Only support can suspend accounts and users.")
    check_explained(reason)
    if not accounts_in_scope(conn, caller.scope, [who.account_id]):
        raise NotFound("The account does not exist.", "input", "accountId")
    if who.user_ref and not user_is_known(conn, who):
        raise NotFound("The account has no such user.", "input", "userRef")


def named(account_id: UUID, user_ref: str) -> WalletKey:
    """Return the end user of a mutation's input; raise NotFound for an empty name, which would be the account."""
    if not user_ref:
        raise NotFound("The account has no such user.", "input", "userRef")
    return WalletKey(account_id, user_ref)
