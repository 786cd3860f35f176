"""A worker that undoes jobs on a real database and a real store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from db.engine.claims import Claim, ClaimedJob
from db.engine.recording import record
from db.ids import new_id
from db.records.requests import insert_story
from jobs.engine.hints import Hinter
from jobs.engine.recorder import Recorder
from jobs.steps.lost import LIST_SETTLES_AFTER_S
from jobs.worker.advance import AdvanceParts, advance
from statemachine import outcomes as o
from statemachine.vocabulary import Kind, OnFailure, State
from storage import S3Store
from tests.support.factories import BROKEN, World, claimed, make_job, move_of
from tests.support.job_reads import JobReads
from tests.support.pictures import objects_of
from tests.support.scripted import ScriptedProvider
from tests.support.stepped_worker import SteppedWorker


@dataclass
class Undoing(JobReads):
    """A worker that does the compensate step of chosen jobs, over a provider that fails as a test wants."""

    engine: Engine
    store: S3Store
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)

    def undo(self, job_id: UUID) -> str:
        """Claim a compensating job, do its step once, and return the job's state."""
        with self.engine.begin() as conn:
            job = claimed(conn, job_id)
        assert job.state is State.COMPENSATING
        settles = {"list_settles_after_s": LIST_SETTLES_AFTER_S}
        worker = SteppedWorker.on(self.engine, provider=self.provider, store=self.store, rng=Random(1), **settles)
        with closing(worker):
            worker.advance(job)
        return self.state(job_id)

    def interrupt(self, claim: Claim, hinter: Hinter) -> None:
        """Advance a job whose step must no longer run, and record that."""
        discarded: list[ClaimedJob] = []
        recorder = Recorder(self.engine, hinter)
        advance(claim, AdvanceParts(self.engine, recorder, steps={}, discard=discarded.append))
        recorder.close()
        assert discarded == []

    def undo_all(self) -> None:
        """Undo every compensating job, and every parent that this rolls back, until none is left."""
        while found := self.scalars("SELECT id FROM jobs WHERE state = 'compensating'"):
            for job_id in found:
                self.undo(job_id)

    def actions(self, job_id: UUID) -> dict[str, str]:
        """Return the state of each action of a job."""
        found = self.rows("SELECT action, state FROM compensation_actions WHERE job_id = :id", id=job_id)
        return {row.action: row.state for row in found}

    def put(self, job_id: UUID, *names: str) -> None:
        """Leave objects as the steps of a job do."""
        for name in names:
            self.store.put_stream(f"jobs/{job_id}/{name}", [b"x"], content_type="image/png", max_bytes=10)

    def objects(self, job_id: UUID) -> list[str]:
        """Return the names of the objects that a job has left."""
        return objects_of(self.store, job_id)


def story(engine: Engine, world: World, on_failure: OnFailure = OnFailure.ROLL_BACK_STORY) -> tuple[UUID, UUID, UUID]:
    """Return a story whose avatar and scene are made and charged, and whose video is being made."""
    story_id = new_id()
    with engine.begin() as conn:
        insert_story(conn, world.owner, story_id, world.selfie_id)
        how: dict[str, Any] = {"story_id": story_id, "credits": 5, "on_failure": on_failure}
        avatar = make_job(conn, world, State.SUCCEEDED, **how)
        scene = make_job(conn, world, State.SUCCEEDED, kind=Kind.SCENE, parent_id=avatar, **how)
        video = make_job(conn, world, State.GENERATING, kind=Kind.ANIMATION, parent_id=scene, **how)
    return avatar, scene, video


def fail(engine: Engine, job_id: UUID, outcome: o.Outcome | None = None) -> None:
    """End the current step of a job for good."""
    with engine.begin() as conn:
        record(conn, [move_of(claimed(conn, job_id), outcome or o.StepFailed(BROKEN))])
