"""Collect what a deletion removes, and end what still works on it. Doing it again finds only what is new."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.commands import cancel
from db.engine.locking import lock_jobs
from db.records.deletions import Deletion
from db.upkeep.deletions import doom_assets, doom_jobs, doomed_running, withdraw


@dataclass(frozen=True, slots=True)
class Collected:
    """The number of jobs and files that were not known before, and the jobs that were canceled."""

    found: int
    canceled: frozenset[UUID]


def collect(conn: Connection, deletion: Deletion) -> Collected:
    """Collect the jobs and files of a deletion, cancel the jobs that use them, and withdraw the files.

    A canceled job of somebody else keeps its own files and words; it only ends.
    """
    # All that is running is locked at once, in the lock order of jobs.
    found = doom_jobs(conn, deletion.id) + doom_assets(conn, deletion.id)
    lock_jobs(conn, doomed_running(conn, deletion.id))
    # A job may have succeeded before it was locked: its file is found now, and so are the jobs that use it.
    found += doom_assets(conn, deletion.id)
    running = doomed_running(conn, deletion.id)
    lock_jobs(conn, running)
    canceled: set[UUID] = set()
    for job_id in running:
        if job_id not in canceled:
            canceled |= cancel(conn, job_id, deletion.actor)
    withdraw(conn, deletion.id)
    return Collected(found, frozenset(canceled))
