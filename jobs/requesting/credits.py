"""Credits: holding the price of requested work, granting, transferring and adjusting.

    what happens to a job                          its credits
    it is accepted, or redriven                    held; without enough of them it is refused
    it succeeds                                    charged
    it fails, or is canceled by anyone, any time   released
    it succeeded and is rolled back                refunded

The user of a session spends their own credits, which a partner transfers to them from its account. What a partner
requests with its key is paid from the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.accounts import account_named
from db.records.audit import add_audit_entry
from db.records.ledger import (
    Balance,
    LedgerEntry,
    WalletKey,
    balance_of,
    entries_made_by,
    hold_credits,
    lock_jobs_paid_by,
    post_entry,
)
from db.records.requests import IdempotencyKey
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import Principal
from jobs.requesting.idempotency import once
from jobs.requesting.spending import take_from
from jobs.usage_limits import check_jobs
from statemachine.vocabulary import Actor, AuditAction

AMOUNT_MAX = 1_000_000_000
REASON_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """Credits for an end user of the caller's account or, from support, for a named account or one of its users."""

    idempotency_key: str
    amount: int
    user_ref: str | None = None
    account: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AdjustRequest:
    """A change of what a wallet of a named account has, with its reason."""

    idempotency_key: str
    account: str
    change: int
    reason: str
    user_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The entry of an adjustment; `replayed` where it had been written before under the same key."""

    entry: LedgerEntry
    replayed: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """The wallet after credits were added; `replayed` where they had been added before under the same key."""

    wallet: WalletKey
    balance: Balance
    grant_id: UUID
    replayed: bool


def hold_price(conn: Connection, caller: Principal, prices: Mapping[UUID, int]) -> None:
    """Hold the price of new jobs of the caller, by their ids. Raises as `hold_from` does."""
    hold_from(conn, caller.wallet, prices, actor=caller.actor, tier=caller.tier)


def hold_from(conn: Connection, wallet: WalletKey, prices: Mapping[UUID, int], *, actor: str, tier: str) -> None:
    """Hold the price of jobs in a wallet, which stays locked until the transaction ends.

    Raises LimitExceeded for more unfinished jobs than a user of the tier or the account may have, and as `take_from`
    does. What support redrives counts toward neither that limit nor the cap of a day.
    """
    required, is_support = sum(prices.values()), actor.startswith(Actor.SUPPORT)
    if not is_support:
        check_jobs(conn, wallet, tier, added=len(prices), of_user=lock_jobs_paid_by(conn, wallet))
    # Test jobs cost nothing. They are counted, but nothing is held for them.
    if required == 0:
        return
    take_from(conn, wallet, required, is_capped=not is_support)
    hold_credits(conn, list(prices), actor=actor)


def grant_credits(conn: Connection, caller: Principal, request: GrantRequest) -> Granted:
    """Give credits: support to any account, a partner to its end users out of the account's own.

    Raises Forbidden for a session, or Invalid, NotFound, InsufficientCredits, IdempotencyKeyReused.
    """
    if caller.session is not None:
        raise Forbidden("Only an API key can grant credits; this is a session token.")
    _check_amount(request.amount)
    _check_reason(request.reason)
    wallet = _wallet_named(conn, caller, request.account, request.user_ref)
    key = IdempotencyKey(caller.account_id, "", "grantCredits", request.idempotency_key)
    made = once(conn, key, request, lambda grant_id: _give(conn, caller, wallet, request, grant_id))
    return Granted(wallet, balance_of(conn, wallet), made.resource_id, made.replayed)


def adjust_credits(conn: Connection, caller: Principal, request: AdjustRequest) -> Adjusted:
    """Change what a wallet holds, with a reason; for support only.

    Raises Forbidden, Invalid, NotFound, IdempotencyKeyReused, or InsufficientCredits where it would take more than is
    available.
    """
    if not caller.is_support:
        raise Forbidden("Only support can adjust credits.")
    _check(
        request.change != 0 and abs(request.change) <= AMOUNT_MAX,
        f"change must be from -{AMOUNT_MAX} to {AMOUNT_MAX} and not 0.",
        "change",
    )
    check_explained(request.reason)
    wallet = _wallet_named(conn, caller, request.account, request.user_ref)
    key = IdempotencyKey(caller.account_id, "", "adjustCredits", request.idempotency_key)
    made = once(conn, key, request, lambda resource_id: _adjust(conn, caller, wallet, request, resource_id))
    [entry] = entries_made_by(conn, made.resource_id)
    return Adjusted(entry, made.replayed)


def grant_to_account(conn: Connection, account: UUID | str, amount: int, *, actor: str) -> Balance:
    """Give credits to an account, by its id or its name, from outside: the command line and the demo.

    Returns its balance; raises Invalid for a wrong amount, NotFound for an unknown name.
    """
    _check_amount(amount)
    account_id = account if isinstance(account, UUID) else account_named(conn, account)
    if account_id is None:
        raise NotFound(f"there is no account {account!r}: `diorama key` creates one.")
    wallet = WalletKey(account_id)
    post_entry(conn, wallet, "grant", amount, actor=actor)
    return balance_of(conn, wallet)


def _adjust(conn: Connection, caller: Principal, wallet: WalletKey, request: AdjustRequest, resource_id: UUID) -> None:
    take_from(conn, wallet, -request.change, is_capped=False)
    add_audit_entry(conn, caller.author, AuditAction.ADJUST_CREDITS, wallet, reason=request.reason)
    post_entry(
        conn, wallet, "adjust", request.change, actor=caller.actor, reason=request.reason, resource_id=resource_id
    )


def _give(conn: Connection, caller: Principal, wallet: WalletKey, request: GrantRequest, grant_id: UUID) -> None:
    amount, reason = request.amount, request.reason
    if caller.is_support:
        add_audit_entry(conn, caller.author, AuditAction.GRANT_CREDITS, wallet, reason=reason)
        post_entry(conn, wallet, "grant", amount, actor=caller.actor, reason=reason, resource_id=grant_id)
        return
    source = WalletKey(caller.account_id)
    take_from(conn, source, amount, is_capped=False)
    to_whom = reason or f"to {wallet.user_ref}"
    post_entry(conn, source, "transfer", -amount, actor=caller.actor, reason=to_whom, resource_id=grant_id)
    post_entry(conn, wallet, "transfer", amount, actor=caller.actor, reason=reason, resource_id=grant_id)


def _wallet_named(conn: Connection, caller: Principal, account: str | None, user_ref: str | None) -> WalletKey:
    _check(user_ref is None or 1 <= len(user_ref) <= 200, "userRef must have 1 to 200 characters.", "userRef")
    if not caller.is_support:
        _check(
            account is None, "account is for support only; omit it to grant credits to your own end users.", "account"
        )
        _check(user_ref is not None, "userRef must name the end user who receives the credits.", "userRef")
        return WalletKey(caller.account_id, user_ref or "")
    found = account_named(conn, account) if account is not None else caller.account_id
    if found is None:
        raise NotFound(f"Unknown account {(account or '')[:60]!r}.", "input", "account")
    return WalletKey(found, user_ref or "")


def _check_amount(amount: int) -> None:
    _check(1 <= amount <= AMOUNT_MAX, f"amount must be from 1 to {AMOUNT_MAX}.", "amount")


def check_explained(reason: str) -> None:
    """Raise Invalid for a reason that is empty or too long."""
    _check(bool(reason.strip()), "reason must not be empty.", "reason")
    _check_reason(reason)


def _check_reason(reason: str | None) -> None:
    long = len(reason or "") > REASON_LENGTH_MAX
    _check(not long, f"reason must have at most {REASON_LENGTH_MAX} characters.", "reason")


def _check(holds: bool, message: str, argument: str) -> None:
    if not holds:
        raise Invalid(message, "input", argument)
