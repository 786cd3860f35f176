"""Mutations that delete an asset, a story, or everything of an end user."""

from __future__ import annotations

import strawberry

from jobs.deleting.requesting import Requested, delete_asset, delete_story, delete_user
from jobs.support.taking_down import take_down_asset
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.types.deletion import Deletion
from statemachine.vocabulary import Step


@strawberry.input(description="The asset to delete.")
class DeleteAssetInput:
    asset_id: strawberry.ID = strawberry.field(description="The asset to delete.")


@strawberry.type(description="The deletion of the asset.")
class DeleteAssetPayload(Payload):
    deletion: Deletion | None = strawberry.field(
        default=None, description="The deletion, also if it was requested before; follow it with `deletion(id:)`."
    )


@strawberry.input(description="The story to delete.")
class DeleteStoryInput:
    story_id: strawberry.ID = strawberry.field(description="The story to delete.")


@strawberry.type(description="The deletion of the story.")
class DeleteStoryPayload(Payload):
    deletion: Deletion | None = strawberry.field(
        default=None, description="The deletion, also if it was requested before; follow it with `deletion(id:)`."
    )


@strawberry.input(description="The end user to delete.")
class DeleteUserInput:
    user_ref: str = strawberry.field(description="The end user, as in `createSession`.")
    account: str | None = strawberry.field(default=None, description="For support: the name of the account.")


@strawberry.type(description="The deletion of the end user.")
class DeleteUserPayload(Payload):
    deletion: Deletion | None = strawberry.field(
        default=None, description="The deletion, also if it was requested before; follow it with `deletion(id:)`."
    )


@strawberry.input(description="The reported picture, and what is wrong with it.")
class TakeDownAssetInput:
    asset_id: strawberry.ID = strawberry.field(description="The picture or the video.")
    reason: str = strawberry.field(description="The reason, at most 500 characters; for support only.")


@strawberry.type(description="The deletion of the reported picture.")
class TakeDownAssetPayload(Payload):
    deletion: Deletion | None = strawberry.field(
        default=None, description="The deletion, also if it was requested before; follow it with `deletion(id:)`."
    )


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
        "For support: delete a reported picture or video as `deleteAsset` does. Its owner reads in `Asset.rejection` "
        "that it was taken down.",
        TakeDownAssetPayload,
    )
    async def take_down_asset(self, info: Info, input: TakeDownAssetInput) -> TakeDownAssetPayload:
        asset_id = input_id(input.asset_id, IdKind.ASSET, "assetId")
        requested = await info.context.database.write(take_down_asset, info.context.principal, asset_id, input.reason)
        return TakeDownAssetPayload(deletion=_hinted(info, requested))

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
