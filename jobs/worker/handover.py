"""Handover: passing a job on to its next step within the process, claimed by the move that made it due."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from db.engine.claims import ClaimedJob
from statemachine.steps import Lane


class Handover(Protocol):
    """The next steps of a process, as the step before them sees them."""

    def reserve(self, lane: Lane, account_id: UUID) -> timedelta | None:
        """Reserve a place for an account's job of `lane` and return how long to lease it; None if there is no room."""

    def deliver(self, lane: Lane, job: ClaimedJob | None) -> None:
        """Fill the place with the job, or give the place up if the move was dropped."""


class NoHandover:
    """A process in which every step is claimed anew."""

    def reserve(self, lane: Lane, account_id: UUID) -> timedelta | None:
        """Return None: there is never room."""
        return None

    def deliver(self, lane: Lane, job: ClaimedJob | None) -> None:
        """Do nothing, because nothing was reserved."""
