"""The input fields that all requests for work share, and the wait for an accepted one."""

from __future__ import annotations

from typing import cast

import strawberry

from jobs.errors import Invalid
from jobs.requesting.idempotency import Made
from jobs.requesting.requests import STORY_JOBS_MAX, RequestOptions, SceneOptions, StoryScene, StoryScenes
from jobs.requesting.requests import AnimationOptions as Options
from schema.context import Context
from schema.ids import IdKind
from schema.live.progress import Subject
from schema.live.waiting import check_wait, wait_until_ended
from schema.scalars import JSON
from schema.types.enums import AnimationStyle, CameraMove, OnFailure
from statemachine.vocabulary import Step


@strawberry.input(description="The motion of a scene.")
class AnimationOptions:
    style: AnimationStyle = strawberry.field(
        default=AnimationStyle.WALK_FORWARD, description="The movement of the figure."
    )
    camera: CameraMove = strawberry.field(default=CameraMove.GENTLE_PAN, description="The movement of the camera.")
    duration_seconds: int = strawberry.field(
        default=6, description="The length in seconds: 6, or 10 for the `PAID` tier."
    )

    def options(self) -> Options:
        """Return the options as the use cases take them."""
        return Options(style=self.style.value, camera=self.camera.value, duration_s=self.duration_seconds)


@strawberry.input
class SceneInput:
    """The fields that all inputs with a scene share. Not in the SDL either."""

    theme: strawberry.ID = strawberry.field(description="The `key` of one of `themes`.")
    details: str | None = strawberry.field(
        default=None, description="What else the scene should show, at most 300 characters."
    )

    def scene_options(self) -> SceneOptions:
        """Return the content of the scene as the use cases take it."""
        return SceneOptions(theme=self.theme, details=self.details)


@strawberry.input(description="One scene of a story, and its videos.")
class StorySceneInput(SceneInput):
    animations: list[AnimationOptions] = strawberry.field(
        default_factory=lambda: [AnimationOptions()],
        description="The motions of its videos, one each; `[]` to stop at the scene.",
    )

    def story_scene(self) -> StoryScene:
        """Return the scene with its videos as the use cases take it."""
        return StoryScene(self.scene_options(), tuple(each.options() for each in self.animations))


@strawberry.input
class StoryInput:
    """The fields that all inputs for a story share: one scene in short, or a list. Not in the SDL either."""

    selfie_id: strawberry.ID = strawberry.field(description="The selfie, an asset that is `READY`.")
    theme: strawberry.ID | None = strawberry.field(
        default=None, description="The theme of its scene, the `key` of one of `themes`; null if you give `scenes`."
    )
    details: str | None = strawberry.field(
        default=None, description="What else its scene should show, at most 300 characters; null if you give `scenes`."
    )
    animation: AnimationOptions | None = strawberry.field(
        default_factory=AnimationOptions,
        description="The motion of the video of its scene; null to stop at the scene. Omit it if you give `scenes`.",
    )
    scenes: list[StorySceneInput] | None = strawberry.field(
        default=None,
        description="Instead of `theme`, `details` and `animation`: several scenes with the same avatar, each with its "
        f"videos. The avatar, the scenes and the videos are at most {STORY_JOBS_MAX} jobs.",
    )

    def content(self) -> StoryScenes:
        """Return the scenes as the use cases take them; raise Invalid for both forms at once, or neither."""
        if self.scenes is not None:
            if self.theme is not None or self.details is not None or self.animation != AnimationOptions():
                raise Invalid("Give either scenes, or theme, details and animation.", "input", "scenes")
            return StoryScenes(tuple(each.story_scene() for each in self.scenes))
        if self.theme is None:
            raise Invalid("Give theme, or scenes for several.", "input", "theme")
        scene = SceneOptions(theme=self.theme, details=self.details)
        return StoryScenes.of_one(scene, None if self.animation is None else self.animation.options())


METADATA = "A JSON object of at most 4096 bytes for your own use; `Job.metadata` returns it, and `JobFilter` finds it."


def metadata_of(given: JSON | None, *path: str) -> dict[str, object] | None:
    """Return the metadata of an input, None for an empty object too; raise Invalid unless it is an object."""
    if given is not None and not isinstance(given, dict):
        raise Invalid("metadata must be an object.", *path)
    return cast("dict[str, object] | None", given or None)


@strawberry.input
class BehalfInput:
    """The field of all inputs that make something. Not in the SDL, because GraphQL inputs do not inherit."""

    on_behalf_of: str | None = strawberry.field(
        default=None,
        description="With an API key, your own name for the end user it is for, 1 to 200 characters: it then belongs "
        "to that user, whose credits pay and whose sessions see it. Null for the account itself, or for a session.",
    )


@strawberry.input
class KeyedInput(BehalfInput):
    """The fields that all inputs for work share. Not in the SDL either."""

    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same input returns what it made before."
    )
    on_failure: OnFailure = strawberry.field(
        default=OnFailure.ROLL_BACK_PARENT, description="What is undone if a job fails."
    )
    priority: int = strawberry.field(
        default=0,
        description="-10 to 10, for a session at most 0; each step is a head start of a minute over the account's "
        "other jobs.",
    )


@strawberry.input
class RequestInput(KeyedInput):
    """The fields that all inputs for a single job or story share. Not in the SDL either."""

    metadata: JSON | None = strawberry.field(default=None, description=METADATA)
    wait_seconds: int = strawberry.field(
        default=0,
        description="0 to 55 seconds: respond when the work has ended, or after this time, whichever is first.",
    )

    def request_options(self) -> RequestOptions:
        """Return the options as the use cases take them; raise Invalid for a wrong wait or wrong metadata."""
        check_wait(self.wait_seconds)
        return RequestOptions(
            idempotency_key=self.idempotency_key,
            on_failure=self.on_failure,
            priority=self.priority,
            metadata=metadata_of(self.metadata, "input", "metadata"),
            on_behalf_of=self.on_behalf_of,
        )


async def accepted(context: Context, made: Made, kind: IdKind, wait_seconds: int) -> None:
    """Wake a worker for a new request, and wait for its end as long as the caller requested."""
    if not made.replayed:
        context.parts.hint(Step.SUBMIT, ())
    subject = Subject(kind, made.resource_id)
    await wait_until_ended(context.parts, context.scope, subject, wait_seconds)
