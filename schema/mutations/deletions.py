"""Mutations that delete an asset, a story, or everything of an end user."""

from __future__ import annotations

import strawberry

from jobs.deleting.requesting import Requested, delete_asset, delete_story, delete_user
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.types.deletion import Deletion
from schema.types.errors import UserError
from statemachine.vocabulary import Step


@strawberry.input
class DeleteAssetInput:
    asset_id: strawberry.ID


@strawberry.type
class DeleteAssetPayload:
    deletion: Deletion | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class DeleteStoryInput:
    story_id: strawberry.ID


@strawberry.type
class DeleteStoryPayload:
    deletion: Deletion | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class DeleteUserInput:
    user_ref: str = strawberry.field(description="The end user, as in `createSession`.")
    account: str | None = strawberry.field(default=None, description="For support: the name of the account.")


@strawberry.type
class DeleteUserPayload:
    deletion: Deletion | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DeletionMutations:
    @mutation(
        "Delete a file with its copies and its poster. Jobs that work with it are canceled first. Safe to repeat; "
        "`completedAt` says when nothing was left.",
        DeleteAssetPayload,
    )
    async def delete_asset(self, info: Info, input: DeleteAssetInput) -> DeleteAssetPayload:
        asset_id = input_id(input.asset_id, IdKind.ASSET, "assetId")
        requested = await info.context.database.write(delete_asset, info.context.principal, asset_id)
        return DeleteAssetPayload(deletion=_hinted(info, requested))

    @mutation(
        "Delete everything that was made for a story; its selfie stays. What is under way is canceled first. Safe to "
        "repeat; `completedAt` says when nothing was left.",
        DeleteStoryPayload,
    )
    async def delete_story(self, info: Info, input: DeleteStoryInput) -> DeleteStoryPayload:
        story_id = input_id(input.story_id, IdKind.STORY, "storyId")
        requested = await info.context.database.write(delete_story, info.context.principal, story_id)
        return DeleteStoryPayload(deletion=_hinted(info, requested))

    @mutation(
        "Delete everything of an end user and end their sessions. In what must stay, such as the ledger, a pseudonym "
        "replaces the reference. Requires an API key.",
        DeleteUserPayload,
    )
    async def delete_user(self, info: Info, input: DeleteUserInput) -> DeleteUserPayload:
        requested = await info.context.database.write(
            delete_user, info.context.principal, input.user_ref, input.account
        )
        return DeleteUserPayload(deletion=_hinted(info, requested))


def _hinted(info: Info, requested: Requested) -> Deletion:
    """Tell the workers about the canceled jobs, and return the deletion."""
    info.context.parts.hint(Step.COMPENSATE, set(requested.canceled))
    return Deletion.of(requested.deletion)
