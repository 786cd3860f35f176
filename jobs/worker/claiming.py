"""Claiming the due jobs of one lane for a worker, and handing claims back unused."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.claims import Claim, ClaimedJob, FairnessCursor, claim_due, next_due_in, release
from db.transient import is_transient
from jobs.engine.lease_times import Leases
from jobs.providers.limiter import Admission, Limiter
from statemachine.steps import Lane
from statemachine.vocabulary import State

log = structlog.get_logger(__name__)

_RETRY_AFTER_S = 1.0


class Claiming:
    """Claims the due jobs of one lane, as many as the limiter admits."""

    def __init__(self, engine: Engine, lane: Lane, *, worker: str, leases: Leases, limiter: Limiter) -> None:
        self._engine = engine
        self._lane = lane
        self._worker = worker
        self._leases = leases
        self._limiter = limiter
        self._cursor = FairnessCursor()

    def claim(self, room: int) -> tuple[list[ClaimedJob], float]:
        """Claim up to `room` due jobs; return them and, where there are none, the seconds until one may be due.

        Tries twice at once, because the first connection may be from before a restart of Postgres.
        """
        for _ in range(2):
            try:
                return self._claim_once(room)
            except SQLAlchemyError as error:
                if not is_transient(error):
                    raise
                reason = type(error).__name__
        log.warning("claiming is waiting for the database", reason=reason)
        return [], _RETRY_AFTER_S

    def hand_back(self, claims: Sequence[Claim]) -> None:
        """Hand claims back unused. While the database is away they stay, and their leases end."""
        if not self._release(claims) and not self._release(claims):
            log.warning("claims were not handed back: their leases will end", claims=len(claims))

    def _claim_once(self, room: int) -> tuple[list[ClaimedJob], float]:
        with self._engine.begin() as conn:
            permits = _Permits(self._limiter, conn)
            jobs = claim_due(
                conn,
                self._lane.step,
                is_long=self._lane.is_long,
                worker=self._worker,
                limit=room,
                lease_for=self._leases.of(self._lane.step),
                cursor=self._cursor,
                admit=permits.admit,
            )
            permits.book(jobs)
            return jobs, 0.0 if jobs else max(permits.wait_s, next_due_in(conn, self._lane.step))

    def _release(self, claims: Sequence[Claim]) -> bool:
        try:
            with self._engine.begin() as conn:
                release(conn, claims)
        except SQLAlchemyError as error:
            log.info("claims could not be handed back", reason=type(error).__name__)
            return False
        return True


class _Permits:
    """The limiter's permits for one claim, in the claim's own transaction: taken with their jobs or not at all."""

    def __init__(self, limiter: Limiter, conn: Connection) -> None:
        self._limiter = limiter
        self._conn = conn
        self._admission = Admission(0)

    def admit(self, room: int) -> int:
        """Return how many queued jobs may be claimed."""
        self._admission = self._limiter.admit(self._conn, room)
        return self._admission.most

    def book(self, jobs: Sequence[ClaimedJob]) -> None:
        """Take a permit for each queued job that was claimed; a test job goes to a stand-in, and needs none."""
        self._limiter.admitted(
            self._conn, self._admission, [job.id for job in jobs if job.state is State.QUEUED and not job.is_test]
        )

    @property
    def wait_s(self) -> float:
        """The seconds until the limiter may admit a job again, 0 where it admitted any."""
        return 0.0 if self._admission.most else self._admission.wait_s
