"""Taking a grant back: what the end user has not spent returns to where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid5

from sqlalchemy import Connection

from db.records.audit import add_audit_entry
from db.records.ledger import (
    Balance,
    LedgerEntry,
    WalletKey,
    balance_of,
    entries_made_by,
    lock_balance,
    lock_wallets,
    post_entry,
)
from jobs.errors import AlreadyFinished, Forbidden, NotFound
from jobs.identity import Principal
from jobs.requesting.credits import check_explained
from statemachine.vocabulary import AuditAction


@dataclass(frozen=True, slots=True)
class Revoked:
    """The credits that went back, and the wallet afterwards; `replayed` where the grant was revoked before."""

    amount: int
    balance: Balance
    replayed: bool


def revoke_grant(conn: Connection, caller: Principal, grant_id: UUID, reason: str) -> Revoked:
    """Take back what is left of a grant, once: another call returns what the first did.

    A partner's grant goes back to its account; support revokes also what support granted, which then is nowhere.
    Raises Forbidden for a session, Invalid for a bad reason, NotFound, AlreadyFinished where nothing is left.
    """
    if caller.session is not None:
        raise Forbidden("Only an API key can revoke grants; this is a session token.")
    check_explained(reason)
    granted = _granted(conn, caller, grant_id)
    wallet, source = WalletKey(granted.account_id, granted.user_ref), WalletKey(granted.account_id)
    lock_wallets(conn, {wallet, source})
    # Derived, so that a grant is never revoked twice, however long ago the first time was.
    revocation_id = uuid5(grant_id, "revoked")
    earlier = [entry for entry in entries_made_by(conn, revocation_id) if entry.change < 0]
    if earlier:
        return Revoked(earlier[0].amount, balance_of(conn, wallet), replayed=True)
    amount = min(granted.amount, lock_balance(conn, wallet).available)
    if amount == 0:
        raise AlreadyFinished(
            "All of it has been spent or pays for jobs under way: nothing can go back.", "input", "grantId"
        )
    if caller.is_support:
        add_audit_entry(conn, caller.author, AuditAction.REVOKE_GRANT, wallet, reason=reason)
    post = partial(post_entry, conn, actor=caller.actor, reason=reason, resource_id=revocation_id)
    if granted.kind == "transfer":
        post(wallet, "transfer", -amount)
        post(source, "transfer", amount)
    else:
        post(wallet, "adjust", -amount)
    return Revoked(amount, balance_of(conn, wallet), replayed=False)


def _granted(conn: Connection, caller: Principal, grant_id: UUID) -> LedgerEntry:
    """Return the entry that gave the credits; raise NotFound for what the caller did not grant and may not revoke."""
    for entry in entries_made_by(conn, grant_id):
        is_own = entry.kind == "transfer" and entry.account_id == caller.account_id
        if entry.kind in ("grant", "transfer") and entry.change > 0 and (is_own or caller.is_support):
            return entry
    raise NotFound("The grant does not exist.", "input", "grantId")
