"""The limits of what an account and each of its users may have at a time, or do in an hour.

Each check first counts for the account what the transaction adds, which locks the count: the requests of an account are
checked one after the other, and requests at the same time pass no limit together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from db.records import usage
from db.records.ledger import WalletKey, jobs_paid_by
from db.records.usage import Used
from jobs.errors import LimitExceeded
from statemachine.vocabulary import Tier, UsageLimitName, UsageLimitOwner

_MIB = 2**20

# The usual limits of an account, of a user of the tier paid, and of one of the tier free.
USUAL_LIMITS: Mapping[UsageLimitName, tuple[int, int, int]] = {
    # A batch of 200 stories with a video each has 600 jobs.
    UsageLimitName.UNFINISHED_JOBS: (10_000, 1_000, 30),
    UsageLimitName.OPEN_SESSIONS: (100_000, 50, 50),
    UsageLimitName.UPLOADS_PER_HOUR: (10_000, 200, 30),
    UsageLimitName.PENDING_UPLOADS: (2_000, 100, 20),
    UsageLimitName.UPLOAD_BYTES: (100 * 1024 * _MIB, 5 * 1024 * _MIB, 500 * _MIB),
}
_OWNERS = (UsageLimitOwner.ACCOUNT, UsageLimitOwner.PAID_USER, UsageLimitOwner.FREE_USER)


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """A limit of an owner and what is used of it; `resets_at` is the end of the hour, None for what has no hour."""

    name: UsageLimitName
    owner: UsageLimitOwner
    most: int
    used: int
    resets_at: datetime | None = None


class UsageLimits:
    """The limits of an account: the usual ones, except those that support has set for it."""

    def __init__(self, conn: Connection, account_id: UUID) -> None:
        self._conn, self._account_id = conn, account_id
        self._set = usage.limits_set(conn, account_id)

    def most(self, name: UsageLimitName, owner: UsageLimitOwner) -> int:
        """Return a limit."""
        return self._set.get((name, owner), USUAL_LIMITS[name][_OWNERS.index(owner)])

    def check(self, name: UsageLimitName, owner: UsageLimitOwner, used: Used, added: int) -> None:
        """Raise LimitExceeded where `added` of what is `used` is too much."""
        if used.amount > (most := self.most(name, owner)):
            before = max(used.amount - added, 0)
            raise LimitExceeded(name, owner, most=most, used=before, retry_at=used.frees_at)

    def count(self, name: UsageLimitName, added: int = 1, *, is_hourly: bool = False) -> Used:
        """Count for the account what was added, and return what is used: at least as much as there is."""
        return usage.count_usage(self._conn, self._account_id, name, added, is_hourly=is_hourly)

    def correct(self, name: UsageLimitName, used: Used) -> None:
        """Replace what was counted by what there is."""
        usage.correct_usage(self._conn, self._account_id, name, used.amount)


def user_of(tier: str) -> UsageLimitOwner:
    """Return the owner of the limits of a user who requests in a tier."""
    return UsageLimitOwner.FREE_USER if tier == Tier.FREE else UsageLimitOwner.PAID_USER


def check_jobs(conn: Connection, wallet: WalletKey, tier: str, *, added: int, of_user: int) -> None:
    """Count new jobs, whose credits are about to be held in a locked wallet that holds those of `of_user` jobs.

    Raises LimitExceeded.
    """
    limits, name = UsageLimits(conn, wallet.account_id), UsageLimitName.UNFINISHED_JOBS
    if wallet.user_ref:
        limits.check(name, user_of(tier), Used(of_user + added), added)
    used, most = limits.count(name, added), limits.most(name, UsageLimitOwner.ACCOUNT)
    if used.amount > most:
        used = Used(usage.unfinished_jobs(conn, wallet.account_id, most=most))
        limits.check(name, UsageLimitOwner.ACCOUNT, used, added)
        limits.correct(name, used)


def check_sessions(conn: Connection, account_id: UUID, user_ref: str, tier: str) -> None:
    """Count a session that was opened. Raises LimitExceeded."""
    limits, name = UsageLimits(conn, account_id), UsageLimitName.OPEN_SESSIONS
    used, most = limits.count(name), limits.most(name, UsageLimitOwner.ACCOUNT)
    if used.amount > most:
        used = usage.open_sessions(conn, account_id, None, most=most)
        limits.check(name, UsageLimitOwner.ACCOUNT, used, 1)
        limits.correct(name, used)
    owner = user_of(tier)
    used = usage.open_sessions(conn, account_id, user_ref, most=limits.most(name, owner))
    limits.check(name, owner, used, 1)


def check_uploads(conn: Connection, wallet: WalletKey, tier: str) -> None:
    """Count an upload that was added, pending. Raises LimitExceeded.

    The bytes that are kept are those of uploads that are complete: an account or a user may exceed that limit by what
    is pending at the time.
    """
    limits = UsageLimits(conn, wallet.account_id)
    owner = UsageLimitOwner.ACCOUNT
    this_hour = limits.count(UsageLimitName.UPLOADS_PER_HOUR, is_hourly=True)
    usage.add_up_upload_bytes(conn, wallet.account_id)
    most_pending = limits.most(UsageLimitName.PENDING_UPLOADS, owner)
    pending, size_bytes = usage.uploads_of_account(conn, wallet.account_id, most_pending=most_pending)
    _check_uploads(limits, owner, usage.UploadsUsed(this_hour, pending, size_bytes))
    if wallet.user_ref:
        _check_uploads(limits, user_of(tier), usage.uploads_of_user(conn, wallet.account_id, wallet.user_ref))


def _check_uploads(limits: UsageLimits, owner: UsageLimitOwner, used: usage.UploadsUsed) -> None:
    limits.check(UsageLimitName.UPLOADS_PER_HOUR, owner, used.this_hour, 1)
    limits.check(UsageLimitName.PENDING_UPLOADS, owner, Used(used.pending), 1)
    # One more byte would be too much.
    limits.check(UsageLimitName.UPLOAD_BYTES, owner, Used(used.size_bytes + 1), 1)


def limits_of_account(conn: Connection, account_id: UUID) -> list[UsageLimit]:
    """Return the limits of an account as a whole, with what it uses."""
    limits, owner = UsageLimits(conn, account_id), UsageLimitOwner.ACCOUNT
    most_pending = limits.most(UsageLimitName.PENDING_UPLOADS, owner)
    pending, size_bytes = usage.uploads_of_account(conn, account_id, most_pending=most_pending)
    jobs = usage.unfinished_jobs(conn, account_id, most=limits.most(UsageLimitName.UNFINISHED_JOBS, owner))
    sessions = usage.open_sessions(conn, account_id, None, most=limits.most(UsageLimitName.OPEN_SESSIONS, owner))
    uploads = usage.UploadsUsed(
        usage.usage_this_hour(conn, account_id, UsageLimitName.UPLOADS_PER_HOUR), pending, size_bytes
    )
    return _all(limits, owner, jobs, sessions.amount, uploads)


def limits_of_user(conn: Connection, wallet: WalletKey, tier: str) -> list[UsageLimit]:
    """Return the limits of an end user in a tier, with what is used of them."""
    limits, owner, jobs = UsageLimits(conn, wallet.account_id), user_of(tier), jobs_paid_by(conn, wallet)
    most_sessions = limits.most(UsageLimitName.OPEN_SESSIONS, owner)
    sessions = usage.open_sessions(conn, wallet.account_id, wallet.user_ref, most=most_sessions)
    return _all(limits, owner, jobs, sessions.amount, usage.uploads_of_user(conn, wallet.account_id, wallet.user_ref))


def _all(
    limits: UsageLimits, owner: UsageLimitOwner, jobs: int, sessions: int, uploads: usage.UploadsUsed
) -> list[UsageLimit]:
    used = {
        UsageLimitName.UNFINISHED_JOBS: Used(jobs),
        UsageLimitName.OPEN_SESSIONS: Used(sessions),
        UsageLimitName.UPLOADS_PER_HOUR: uploads.this_hour,
        UsageLimitName.PENDING_UPLOADS: Used(uploads.pending),
        UsageLimitName.UPLOAD_BYTES: Used(uploads.size_bytes),
    }
    return [
        UsageLimit(name, owner, limits.most(name, owner), each.amount, each.frees_at) for name, each in used.items()
    ]
