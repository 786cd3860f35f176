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
    """Someone else may hold the job now, it is to be canceled, or its time is over: stop, and record nothing."""


class Held:
    """A lease that is being renewed, until `ends_at` where that is set. Long steps ask `check` now and then."""

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
        """Be renewed again in a third of the lease."""
        self.renew_at = time.monotonic() + self._third_s

    def check(self) -> None:
        """Raise LeaseLost when the lease could not be renewed."""
        if self.lost.is_set():
            raise LeaseLost(f"the lease on job {self.claim.job_id} was lost")


class Renewer:
    """Renews every held lease from one thread, each whenever a third of it has passed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: set[Held] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="renewer", daemon=True)
        self._thread.start()

    @contextmanager
    def holding(self, claim: Claim, lease_for: timedelta, ends_at: datetime | None = None) -> Iterator[Held]:
        """Renew the lease for as long as the block runs, but not beyond `ends_at` by the database's clock."""
        held = Held(claim, lease_for, ends_at)
        with self._changed:
            self._held.add(held)
            self._changed.notify()
        try:
            yield held
        finally:
            with self._changed:
                self._held.discard(held)

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
                due = [held for held in self._held if held.renew_at <= time.monotonic()]
            for held in due:
                held.put_off()
                self._renew(held)

    def _idle_s(self) -> float | None:
        """How long until the next lease is to be renewed; None where none is held."""
        if not self._held:
            return None
        return max(0.0, min(held.renew_at for held in self._held) - time.monotonic())

    def _renew(self, held: Held) -> None:
        try:
            with self._engine.begin() as conn:
                kept = renew(conn, held.claim, held.lease_for, held.ends_at)
        except SQLAlchemyError as error:
            # The database may be back before the lease ends; until then the step goes on, fenced as ever.
            log.warning("a lease could not be renewed", reason=type(error).__name__)
            return
        if not kept:
            held.lost.set()
