"""Filters of lists, checked and converted to those of the reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

import strawberry

from db.records.assets import AssetFilter as WantedAssets
from db.records.jobs import JobFilter as Wanted
from db.records.stories import StoryFilter as WantedStories
from schema.errors import BAD_USER_INPUT, ApiError
from schema.ids import IdKind, decode_id
from schema.scalars import JSON, BigInt
from schema.types.enums import AssetKind, AssetState, GenerationKind, JobErrorCode, JobState

T = TypeVar("T")
R = TypeVar("R")

_VALUES_MAX = 100


@strawberry.input(description="A condition on the metadata of a job.")
class MetadataMatch:
    contains: JSON = strawberry.field(description="An object whose members the job's metadata must contain.")


@strawberry.input(
    description="All given conditions must hold. `...After` bounds are inclusive, `...Before` bounds exclusive."
)
class JobFilter:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Jobs with one of these ids, at most 100."
    )
    kinds: list[GenerationKind] | None = strawberry.field(default=None, description="Jobs of one of these kinds.")
    states: list[JobState] | None = strawberry.field(default=None, description="Jobs in one of these states.")
    error_codes: list[JobErrorCode] | None = strawberry.field(
        default=None, description="Jobs with an error of one of these codes, also while they are tried again after it."
    )
    themes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Scenes in one of these themes, by `Theme.key`, at most 100."
    )
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Jobs of this account; for support, who must give it together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Jobs of this end user.")
    session_id: strawberry.ID | None = strawberry.field(default=None, description="Jobs that this session requested.")
    story_id: strawberry.ID | None = strawberry.field(default=None, description="Jobs of this story.")
    batch_id: strawberry.ID | None = strawberry.field(default=None, description="Jobs of this batch.")
    metadata: MetadataMatch | None = strawberry.field(
        default=None, description="Jobs whose metadata meets this condition."
    )
    created_after: datetime | None = strawberry.field(default=None, description="Jobs requested at this time or later.")
    created_before: datetime | None = strawberry.field(default=None, description="Jobs requested before this time.")
    finished_after: datetime | None = strawberry.field(
        default=None, description="Jobs that ended at this time or later."
    )
    finished_before: datetime | None = strawberry.field(default=None, description="Jobs that ended before this time.")
    provider_prediction_id: str | None = strawberry.field(
        default=None,
        description="Jobs with a submission of this provider's id: `ProviderAttempt.predictionId`. Not for sessions.",
    )
    request_id: str | None = strawberry.field(
        default=None, description="Jobs that were accepted under this `X-Request-Id`."
    )

    models: list[str] | None = strawberry.field(
        default=None,
        description="Jobs whose last submission went to one of these models, by `ProviderAttempt.model`, at most 100. "
        "Not for sessions.",
    )
    cost_micros_min: BigInt | None = strawberry.field(
        default=None, description="Jobs that cost at least this at the provider, in micro-dollars. Not for sessions."
    )
    cost_micros_max: BigInt | None = strawberry.field(
        default=None, description="Jobs that cost at most this at the provider, in micro-dollars. Not for sessions."
    )
    is_test: bool | None = strawberry.field(
        default=None,
        description="Jobs of test keys, or live ones, for support; others see only those of the mode of their key.",
    )

    def wanted(self) -> Wanted:
        """Return the filter as the reads take it; raise ApiError or MalformedId for a value that makes no sense."""
        return Wanted(
            ids=each_of("ids", self.ids, lambda each: decode_id(each, IdKind.JOB)),
            kinds=each_of("kinds", self.kinds, str),
            states=each_of("states", self.states, str),
            error_codes=each_of("errorCodes", self.error_codes, str),
            themes=each_of("themes", self.themes, str),
            user_ref=self.user_ref,
            session_id=_id(self.session_id, IdKind.SESSION),
            story_id=_id(self.story_id, IdKind.STORY),
            batch_id=_id(self.batch_id, IdKind.BATCH),
            metadata=None if self.metadata is None else _object(self.metadata.contains),
            created_after=self.created_after,
            created_before=self.created_before,
            finished_after=self.finished_after,
            finished_before=self.finished_before,
            prediction_id=self.provider_prediction_id,
            request_id=self.request_id,
            models=each_of("models", self.models, str),
            cost_micros_min=self.cost_micros_min,
            cost_micros_max=self.cost_micros_max,
            is_test=self.is_test,
        )


@strawberry.input(
    description="All given conditions must hold. `createdAfter` is inclusive, `createdBefore` is exclusive."
)
class StoryFilter:
    states: list[JobState] | None = strawberry.field(
        default=None, description="Stories in one of these states, as `Story.state` has it."
    )
    themes: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Stories in one of these themes, by `Theme.key`, at most 100."
    )
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Stories of this account; for support, who must give it together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Stories of this end user.")
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="Stories that this session requested."
    )
    batch_id: strawberry.ID | None = strawberry.field(default=None, description="Stories of this batch.")
    metadata: MetadataMatch | None = strawberry.field(
        default=None, description="Stories whose metadata meets this condition."
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Stories requested at this time or later."
    )
    created_before: datetime | None = strawberry.field(default=None, description="Stories requested before this time.")

    def wanted(self) -> WantedStories:
        """Return the filter as the reads take it; raise ApiError or MalformedId for a value that makes no sense."""
        return WantedStories(
            states=each_of("states", self.states, str),
            themes=each_of("themes", self.themes, str),
            user_ref=self.user_ref,
            session_id=_id(self.session_id, IdKind.SESSION),
            batch_id=_id(self.batch_id, IdKind.BATCH),
            metadata=None if self.metadata is None else _object(self.metadata.contains),
            created_after=self.created_after,
            created_before=self.created_before,
        )


@strawberry.input(description="All given conditions must hold.")
class AssetFilter:
    kinds: list[AssetKind] | None = strawberry.field(default=None, description="Assets of one of these kinds.")
    states: list[AssetState] | None = strawberry.field(
        default=None, description="Assets in one of these states; a gallery shows `READY` ones."
    )
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Assets of this account; for support, who must give it together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Assets of this end user.")
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="Assets uploaded or requested in this session."
    )

    def wanted(self) -> WantedAssets:
        """Return the filter as the reads take it; raise ApiError or MalformedId for a value that makes no sense."""
        return WantedAssets(
            kinds=each_of("kinds", self.kinds, str),
            states=each_of("states", self.states, str),
            user_ref=self.user_ref,
            session_id=_id(self.session_id, IdKind.SESSION),
        )


def _id(text: str | None, kind: IdKind) -> UUID | None:
    return None if text is None else decode_id(text, kind)


def each_of(name: str, values: Sequence[T] | None, convert: Callable[[T], R]) -> list[R]:
    """Return the values converted; an empty list would match nothing, so it is refused as the mistake it is."""
    if values is not None and not 1 <= len(values) <= _VALUES_MAX:
        raise ApiError(BAD_USER_INPUT, f"filter.{name} takes 1 to {_VALUES_MAX} values; omit it to match everything.")
    return [convert(value) for value in values or ()]


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ApiError(BAD_USER_INPUT, "filter.metadata.contains must be an object.")
    return cast("dict[str, object]", value)
