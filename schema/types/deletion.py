"""Deletions, as their proof: when they were requested, and when nothing was left."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.deletions import Deletion as DeletionRecord
from schema.ids import IdKind, encode_id
from schema.types.enums import DeletionSubject
from schema.types.node import Node


@strawberry.type(description="The deletion of an asset, a story or an end user, with everything that was made for it.")
class Deletion(Node):
    subject: DeletionSubject = strawberry.field(description="The kind of thing that is deleted.")
    subject_id: strawberry.ID | None = strawberry.field(description="The asset or the story; null for an end user.")
    pseudonym: str | None = strawberry.field(
        description="What stands for the end user in the ledger from now on; null for anything else."
    )
    requested_at: datetime = strawberry.field(description="When the deletion was first requested.")
    objects_deleted: int = strawberry.field(description="The number of objects removed from the store so far.")
    completed_at: datetime | None = strawberry.field(
        description="When nothing of it was left in the store; null until then."
    )

    @classmethod
    def of(cls, record: DeletionRecord) -> Deletion:
        """Return the deletion of a record."""
        subject_id = None if record.subject_id is None else encode_id(IdKind(record.subject), record.subject_id)
        return cls(
            id=strawberry.ID(encode_id(IdKind.DELETION, record.id)),
            subject=record.subject,
            subject_id=None if subject_id is None else strawberry.ID(subject_id),
            pseudonym=record.pseudonym,
            requested_at=record.requested_at,
            objects_deleted=record.objects,
            completed_at=record.completed_at,
        )
