"""The subscriptions of the schema: progress, and the activity of an account."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema import arguments
from schema.context import Info
from schema.errors import BAD_USER_INPUT, ApiError
from schema.fields import subscription
from schema.ids import IdKind, decode_id
from schema.live.activity import Subject as ActivitySubject
from schema.live.activity import follow_activity
from schema.live.progress import Subject, follow
from schema.types.activity import ActivityEntry, ActivityFilter
from schema.types.progress import GenerationProgress

_AFTER = strawberry.argument(description="The last cursor received, to resume after it; null for a snapshot first.")


@strawberry.type(description="Everything that can be followed, over WebSocket or server-sent events.")
class Subscription:
    @subscription(
        "Subscribe to the progress of a job, a story or a batch; give exactly one of them. The first message is a "
        "snapshot. Every later event follows once and in order; the last has `isFinal`, then the subscription "
        "completes. With `after`, a cursor received earlier from any server, there is no snapshot: the subscription "
        "resumes from the history, and no event is missed or repeated. If everything ended before the cursor, a final "
        "snapshot says so."
    )
    async def generation_progress(
        self,
        info: Info,
        job_id: Annotated[strawberry.ID | None, strawberry.argument(description="The job to follow.")] = None,
        story_id: Annotated[strawberry.ID | None, strawberry.argument(description="The story to follow.")] = None,
        batch_id: Annotated[strawberry.ID | None, strawberry.argument(description="The batch to follow.")] = None,
        after: Annotated[str | None, _AFTER] = None,
    ) -> AsyncGenerator[GenerationProgress, None]:
        context, subject = info.context, _subject(job_id, story_id, batch_id)
        async with aclosing(follow(context.parts, context.scope, subject, after)) as messages:
            async for progress in messages:
                context.discard_loaded()
                yield GenerationProgress(record=progress)

    @subscription(
        "Subscribe to everything that happens in the account, in commit order; a session gets what its user's sessions "
        "requested. Without `after` it begins with what happens from now on. With a cursor of `activity` or of this "
        "subscription, received from any server, it resumes after that: no entry is missed or repeated, however slowly "
        "you read. It does not end by itself."
    )
    async def job_activity(
        self,
        info: Info,
        after: Annotated[
            str | None, strawberry.argument(description="The last cursor received, to resume after it; null for now.")
        ] = None,
        filter: Annotated[ActivityFilter | None, arguments.FILTER] = None,
    ) -> AsyncGenerator[ActivityEntry, None]:
        context = info.context
        subject = ActivitySubject.of(context.principal, filter)
        async with aclosing(follow_activity(context.parts, subject, subject.position(after))) as entries:
            async for entry in entries:
                context.discard_loaded()
                yield ActivityEntry(record=entry, account_id=subject.account_id)


def _subject(job_id: str | None, story_id: str | None, batch_id: str | None) -> Subject:
    given = {IdKind.JOB: job_id, IdKind.STORY: story_id, IdKind.BATCH: batch_id}
    found = [Subject(kind, decode_id(text, kind)) for kind, text in given.items() if text is not None]
    if len(found) != 1:
        raise ApiError(BAD_USER_INPUT, "Give exactly one of `jobId`, `storyId` and `batchId`.")
    return found[0]
