"""Requests for work: every field that a caller gives. The idempotency key of a request covers all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from jobs.errors import Invalid
from statemachine.vocabulary import OnFailure

DETAILS_LENGTH_MAX = 300
# All jobs of one story: its avatar, its scenes and their videos.
STORY_JOBS_MAX = 20


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """The fields that all requests share."""

    idempotency_key: str
    on_failure: OnFailure = OnFailure.ROLL_BACK_PARENT
    priority: int = 0
    metadata: dict[str, Any] | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """The content of a scene."""

    theme: str
    details: str | None = None

    def check(self) -> None:
        """Raise Invalid for what is out of bounds. Themes are the catalogue's to check."""
        if self.details is not None and len(self.details) > DETAILS_LENGTH_MAX:
            raise Invalid(f"details must have at most {DETAILS_LENGTH_MAX} characters.", "input", "details")


@dataclass(frozen=True, slots=True)
class AnimationOptions:
    """The motion of a scene. Ten seconds need the paid tier."""

    style: str = "walk_forward"
    camera: str = "gentle_pan"
    duration_s: int = 6


@dataclass(frozen=True, slots=True)
class StoryScene:
    """A scene of a story, and the videos of it."""

    scene: SceneOptions
    animations: tuple[AnimationOptions, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryScenes:
    """The scenes of a story. Where the caller gave a list (`is_list`), the paths of errors name places in it."""

    scenes: tuple[StoryScene, ...]
    is_list: bool = True

    @classmethod
    def of_one(cls, scene: SceneOptions, animation: AnimationOptions | None = None) -> StoryScenes:
        """Return a single scene and, unless `animation` is None, a video of it."""
        return cls((StoryScene(scene, () if animation is None else (animation,)),), is_list=False)

    @property
    def job_count(self) -> int:
        """Return the number of jobs of the story, its avatar included."""
        return 1 + sum(1 + len(each.animations) for each in self.scenes)

    def check(self) -> None:
        """Raise Invalid for too few or too many jobs."""
        if not self.scenes:
            raise Invalid("A story has at least one scene.", "input", "scenes")
        if self.job_count > STORY_JOBS_MAX:
            message = f"A story has at most {STORY_JOBS_MAX} jobs; this one has {self.job_count}: "
            raise Invalid(message + "an avatar, and one for each scene and each video.", "input", "scenes")

    def placed_scenes(self) -> Iterator[tuple[tuple[str, ...], SceneOptions]]:
        """Yield each scene after its path in the input."""
        for number, each in enumerate(self.scenes):
            yield self._path(number), each.scene

    def placed_animations(self) -> Iterator[tuple[tuple[str, ...], AnimationOptions]]:
        """Yield each animation after its path in the input."""
        for number, each in enumerate(self.scenes):
            for place, animation in enumerate(each.animations):
                within = ("animations", str(place)) if self.is_list else ("animation",)
                yield (*self._path(number), *within), animation

    def _path(self, number: int) -> tuple[str, ...]:
        return ("scenes", str(number)) if self.is_list else ()


@dataclass(frozen=True, slots=True)
class StoryRequest:
    """An avatar, scenes with it and videos of these."""

    options: RequestOptions
    selfie_id: UUID
    content: StoryScenes


@dataclass(frozen=True, slots=True)
class AvatarRequest:
    """An avatar of a selfie."""

    options: RequestOptions
    selfie_id: UUID


@dataclass(frozen=True, slots=True)
class SceneRequest:
    """A scene with an avatar, given as a finished asset or as the job that makes it."""

    options: RequestOptions
    scene: SceneOptions
    avatar_asset_id: UUID | None = None
    avatar_job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AnimationRequest:
    """A video of a scene, given as a finished asset or as the job that makes it."""

    options: RequestOptions
    scene_asset_id: UUID | None = None
    scene_job_id: UUID | None = None
    animation: AnimationOptions = field(default_factory=AnimationOptions)


@dataclass(frozen=True, slots=True)
class BatchStory:
    """One story of a batch, with its own metadata."""

    selfie_id: UUID
    content: StoryScenes
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BatchScene:
    """One scene of a batch: its avatar as a finished asset or as the job that makes it, and its own metadata."""

    scene: SceneOptions
    avatar_asset_id: UUID | None = None
    avatar_job_id: UUID | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BatchAnimation:
    """One animation of a batch: its scene as a finished asset or as the job that makes it, and its own metadata."""

    animation: AnimationOptions
    scene_asset_id: UUID | None = None
    scene_job_id: UUID | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Many items, accepted whole or not at all. The metadata of `options` is not used: each item has its own."""

    options: RequestOptions
    stories: tuple[BatchStory, ...] = ()
    scenes: tuple[BatchScene, ...] = ()
    animations: tuple[BatchAnimation, ...] = ()
