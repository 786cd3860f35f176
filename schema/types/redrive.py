"""Redrives, as support reads them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from db.records.redrives import Redrive as Record
from db.records.redrives import Skipped, redrive_by_id, skipped_counts, skipped_page
from jobs.support.redrives import COUNTED_MAX
from schema.context import Info
from schema.cursors import id_cursor, read_id_cursor
from schema.fields import field, paged_field
from schema.ids import IdKind, encode_id
from schema.paging import Connection, PageRequest
from schema.types.account import Account, find_account
from schema.types.enums import RedriveState
from schema.types.errors import UserErrorCode
from schema.types.node import Node


@strawberry.type(description="A selected job that was not redriven, and why.")
class SkippedJob:
    job_id: strawberry.ID = strawberry.field(description="The job that was skipped.")
    code: UserErrorCode = strawberry.field(description="Why it was skipped, for programs.")
    message: str = strawberry.field(description="Why it was skipped, in English.")

    @classmethod
    def of(cls, record: Skipped) -> SkippedJob:
        """Return the skipped job of a record."""
        job_id = strawberry.ID(encode_id(IdKind.JOB, record.job_id))
        return cls(job_id=job_id, code=UserErrorCode(record.code), message=record.message)


@strawberry.type(description="The number of jobs that were not redriven for one reason.")
class SkippedCount:
    code: UserErrorCode = strawberry.field(description="The reason.")
    count: int = strawberry.field(description="The number of jobs skipped for it.")


@strawberry.type(description="A request of support to try many jobs again, at a rate.")
class Redrive(Node):
    record: strawberry.Private[Record]
    state: RedriveState = strawberry.field(description="Whether it is under way.")
    actor: str = strawberry.field(description="The member of support, as `support:` and the name of the key.")
    reason: str | None = strawberry.field(description="The reason that was given; null without one.")
    per_minute: int = strawberry.field(description="The maximum number of submissions per minute.")
    at_most: int | None = strawberry.field(description="The maximum number of jobs; null for all that match.")
    matched: int = strawberry.field(
        description=f"The jobs that matched at the request, counted up to {COUNTED_MAX:,} (that many or more)."
    )
    begun: int = strawberry.field(description="The selected jobs that have begun again.")
    revived: int = strawberry.field(
        description="All jobs that have begun again: the selected ones, those they need, and those that need them."
    )
    skipped: int = strawberry.field(description="The selected jobs that could not begin again.")
    created_at: datetime = strawberry.field(description="When it was requested.")
    ended_at: datetime | None = strawberry.field(description="When it was finished or stopped; null while it runs.")

    @classmethod
    def of(cls, record: Record) -> Redrive:
        """Return the redrive of a record."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.REDRIVE, record.id)),
            record=record,
            state=record.state,
            actor=record.actor,
            reason=record.reason,
            per_minute=record.per_minute,
            at_most=record.at_most,
            matched=record.matched,
            begun=record.begun,
            revived=record.revived,
            skipped=record.skipped,
            created_at=record.created_at,
            ended_at=record.ended_at,
        )

    @field("The account whose jobs it redrives; null for all accounts.")
    async def account(self, info: Info) -> Account | None:
        return None if self.record.account_id is None else await find_account(info, self.record.account_id)

    @field("The skipped jobs counted by reason, the most frequent first.", rows=len(UserErrorCode))
    async def skipped_counts(self, info: Info) -> list[SkippedCount]:
        counts = await info.context.database.read(skipped_counts, self.record.id)
        return [SkippedCount(code=UserErrorCode(code), count=count) for code, count in counts.items()]

    @paged_field("The skipped jobs, oldest first. Give `first` or `last`, from 1 to 100.")
    async def skipped_jobs(self, info: Info, page: PageRequest) -> Connection[SkippedJob]:
        found = await info.context.database.read(skipped_page, self.record.id, page.window(read_id_cursor))
        return Connection.of(found, SkippedJob.of, lambda skipped: id_cursor(skipped.job_id))


async def find_redrive(info: Info, redrive_id: UUID) -> Redrive | None:
    """Return the redrive; None to all but support."""
    if not info.context.principal.is_support:
        return None
    found = await info.context.database.read(redrive_by_id, redrive_id)
    return None if found is None else Redrive.of(found)
