"""Keeping the leases of long steps alive, and noticing within about a second that one is lost or a cancel waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.claims import Claim, renew, still_leased

log = structlog.get_logger(__name__)

# One read for all leases of a process. A cancel stops an encoder, which uses all processors, after this long.
_CHECK_EVERY_S = 1.0


class LeaseLost(Exception):
    """Another worker may lease the job now, a cancel waits, or the step's time is over: stop and record nothing."""


class KeptLease:
    """A lease that is renewed until `ends_at`, if that is set. Long steps call `check` now and then."""

    def __init__(self, claim: Claim, lease_for: timedelta, ends_at: datetime | None) -> None:
        self.claim = claim
        self.lease_for = lease_for
        self.ends_at = ends_at
        self.lost = threading.Event()
        self.renew_at = time.monotonic() + self._third_s

    @property
    def _third_s(self) -> float:
        return self.lease_for.total_seconds() / 3

    def put_off(self) -> None:
        """Schedule the next renewal after a third of the lease."""
        self.renew_at = time.monotonic() + self._third_s

    def check(self) -> None:
        """Raise LeaseLost if the lease is no longer ours, or a cancel waits."""
        if self.lost.is_set():
            raise LeaseLost(f"the lease on job {self.claim.job_id} was lost")


class Renewer:
    """Renews all leases from one thread, each whenever a third of it has passed, and checks them between.

    `check_every_s` is the number of seconds from one check to the next.
    """

    def __init__(self, engine: Engine, *, check_every_s: float = _CHECK_EVERY_S) -> None:
        self._engine = engine
        self._check_every_s = check_every_s
        self._check_at = 0.0
        self._leases: set[KeptLease] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="renewer", daemon=True)
        self._thread.start()

    @contextmanager
    def keeping(self, claim: Claim, lease_for: timedelta, ends_at: datetime | None = None) -> Iterator[KeptLease]:
        """Renew the lease while the block runs, but not beyond `ends_at` by the database's clock."""
        lease = KeptLease(claim, lease_for, ends_at)
        with self._changed:
            if self.is_idle:
                self._check_at = time.monotonic() + self._check_every_s
            self._leases.add(lease)
            self._changed.notify()
        try:
            yield lease
        finally:
            with self._changed:
                self._leases.discard(lease)

    @property
    def is_idle(self) -> bool:
        """Return True if there is no lease to renew."""
        return not self._leases

    def close(self) -> None:
        """Stop renewing."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closing:
                    return
                self._changed.wait(self._idle_s())
                kept = list(self._leases)
            if kept and self._check_at <= time.monotonic():
                self._check_at = time.monotonic() + self._check_every_s
                self._check(kept)
            for lease in kept:
                if lease.renew_at <= time.monotonic():
                    lease.put_off()
                    self._renew(lease)

    def _idle_s(self) -> float | None:
        """Return the seconds until the next renewal or check, or None without a lease."""
        if self.is_idle:
            return None
        return max(0.0, min(self._check_at, *(lease.renew_at for lease in self._leases)) - time.monotonic())

    def _check(self, leases: Sequence[KeptLease]) -> None:
        with self._unless_away("leases could not be checked"), self._engine.begin() as conn:
            left = still_leased(conn, [lease.claim for lease in leases])
            for lease in leases:
                if lease.claim not in left:
                    lease.lost.set()

    def _renew(self, lease: KeptLease) -> None:
        with self._unless_away("a lease could not be renewed"), self._engine.begin() as conn:
            if not renew(conn, lease.claim, lease.lease_for, lease.ends_at):
                lease.lost.set()

    @contextmanager
    def _unless_away(self, what: str) -> Iterator[None]:
        """Let steps go on, fenced as ever, if the database is away: it may be back before their leases end."""
        try:
            yield
        except SQLAlchemyError as error:
            log.warning(what, reason=type(error).__name__)
