"""Batches: stories, scenes and animations that were requested together."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

import strawberry

from db.records.jobs import Job as JobRecord
from schema.context import Info
from schema.cursors import batch_cursor
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.live.standing import Standing, batch_percent, batch_state, items_of, story_state
from schema.types.enums import JobState
from schema.types.node import Node
from statemachine.vocabulary import State


@strawberry.type(description="How many items of a batch are in a state.")
class BatchStateCount:
    state: JobState = strawberry.field(description="The state, of a story as `Story.state` has it.")
    count: int = strawberry.field(description="The number of items that are in it, at least 1.")


@strawberry.type(
    description="Stories, scenes and animations that were requested together. `jobs(filter: {batchId})` and "
    "`stories(filter: {batchId})` list them. Those that retention has removed no longer count."
)
class Batch(Node):
    batch_id: strawberry.Private[UUID]
    jobs: strawberry.Private[list[JobRecord]]

    @classmethod
    def of(cls, batch_id: UUID, jobs: list[JobRecord]) -> Batch:
        """Return the batch that has these jobs, at least one."""
        return cls(id=strawberry.ID(encode_id(IdKind.BATCH, batch_id)), batch_id=batch_id, jobs=jobs)

    @field("When it was requested.")
    def created_at(self) -> datetime:
        return min(job.created_at for job in self.jobs)

    @field("When the last of its jobs ended; null until then.")
    def finished_at(self) -> datetime | None:
        ends = [job.finished_at for job in self.jobs if job.finished_at is not None]
        return max(ends) if len(ends) == len(self.jobs) else None

    @field(
        "The state of its first item that goes on; once all have ended, of the first that failed or was canceled, or "
        "SUCCEEDED."
    )
    def state(self) -> JobState:
        return batch_state(self._items())

    @field("0 to 100, the mean of its items; never decreases.")
    def percent(self) -> int:
        return batch_percent(self._items())

    @field("The number of its items: stories, and scenes and animations that are not part of one.")
    def size(self) -> int:
        return len(self._items())

    @field(
        "Its items counted by state, in the order of the states; states without items are left out.", rows=len(State)
    )
    def states(self) -> list[BatchStateCount]:
        counted = Counter(story_state(item) for item in self._items())
        return [BatchStateCount(state=state, count=counted[state]) for state in State if counted[state]]

    @field("Pass it to `generationProgress(batchId:, after:)` to resume from here.")
    def cursor(self) -> str:
        return batch_cursor(self.batch_id, [job.seq for job in self.jobs])

    def _items(self) -> list[list[Standing]]:
        return [[Standing.of(job) for job in item] for item in items_of(self.jobs)]


async def find_batch(info: Info, batch_id: UUID) -> Batch | None:
    """Return the batch if the caller may see it."""
    jobs = await info.context.loaders.batch_jobs.load(batch_id)
    return Batch.of(batch_id, jobs) if jobs else None
