"""The request of a job, as its owner reads it."""

from __future__ import annotations

import strawberry

from db.records.jobs import Job as JobRecord
from schema.context import Info
from schema.disclosure import of_people
from schema.fields import field
from schema.types.asset import Asset
from schema.types.enums import AnimationStyle, CameraMove, OnFailure, Tier


@strawberry.type(description="The motion that was requested of a video.")
class RequestedAnimation:
    style: AnimationStyle = strawberry.field(description="The movement of the figure.")
    camera: CameraMove = strawberry.field(description="The movement of the camera.")
    duration_seconds: int = strawberry.field(description="The length in seconds.")

    @classmethod
    def of(cls, record: JobRecord) -> RequestedAnimation | None:
        """Return the motion of a record, or None for a picture."""
        if record.style is None or record.camera is None or record.duration_s is None:
            return None
        return cls(
            style=AnimationStyle(record.style), camera=CameraMove(record.camera), duration_seconds=record.duration_s
        )


@strawberry.type(description="What was requested of a job, to show it and to request the like again.")
class JobRequest:
    record: strawberry.Private[JobRecord]
    options: RequestedAnimation | None = strawberry.field(description="The motion of a video; null for a picture.")
    tier: Tier = strawberry.field(description="The tier in which it was requested.")
    on_failure: OnFailure = strawberry.field(description="What is undone if it fails.")

    @classmethod
    def of(cls, record: JobRecord) -> JobRequest:
        """Return the request of a record."""
        return cls(
            record=record,
            options=RequestedAnimation.of(record),
            tier=Tier(record.tier),
            on_failure=record.on_failure,
        )

    @field("What else the scene should show; null without any, and for viewers.")
    def details(self, info: Info) -> str | None:
        return of_people(info.context.principal, self.record.details)

    @field("The picture that it starts from; null until the parent has made it, and once it was removed.")
    async def input(self, info: Info) -> Asset | None:
        input_id, loaders = self.record.input_id, info.context.loaders
        if input_id is None and self.record.parent_id is not None:
            parent = await loaders.jobs.load(self.record.parent_id)
            input_id = None if parent is None else parent.output_id
        found = None if input_id is None else await loaders.assets.load(input_id)
        return None if found is None else Asset.of(found)
