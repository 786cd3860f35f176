"""Keeping the leases of long steps alive, and noticing when one is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.claims import Claim, renew

log = structlog.get_logger(__name__)


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
        """Raise LeaseLost if the lease could not be renewed."""
        if self.lost.is_set():
            raise LeaseLost(f"the lease on job {self.claim.job_id} was lost")


class Renewer:
    """Renews all leases from one thread, each whenever a third of it has passed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
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
                due = [lease for lease in self._leases if lease.renew_at <= time.monotonic()]
            for lease in due:
                lease.put_off()
                self._renew(lease)

    def _idle_s(self) -> float | None:
        """Return the seconds until the next renewal, or None without a lease."""
        if self.is_idle:
            return None
        return max(0.0, min(lease.renew_at for lease in self._leases) - time.monotonic())

    def _renew(self, lease: KeptLease) -> None:
        try:
            with self._engine.begin() as conn:
                kept = renew(conn, lease.claim, lease.lease_for, lease.ends_at)
        except SQLAlchemyError as error:
            # The database may be back before the lease ends; until then the step goes on, fenced as ever.
            log.warning("a lease could not be renewed", reason=type(error).__name__)
            return
        if not kept:
            lease.lost.set()
