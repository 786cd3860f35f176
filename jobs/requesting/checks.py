"""Checks of what a caller requests, before anything is read or written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.catalogue.catalogue import Catalogue
from jobs.errors import Invalid, UseCaseError
from jobs.identity import Principal
from jobs.requesting.requests import (
    AnimationOptions,
    AnimationRequest,
    AvatarRequest,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
)
from statemachine.backoff import HIGHEST_PRIORITY, LOWEST_PRIORITY

METADATA_BYTES_MAX = 4096
DURATIONS_S = (6, 10)


def check_story(catalogue: Catalogue, caller: Principal, request: StoryRequest) -> None:
    """Raise Invalid, NotFound or TierRequired for options that no story of this caller can have."""
    _check_options(caller, request.options)
    request.content.check()
    for path, scene in request.content.placed_scenes():
        with placed(*path):
            _check_scene(catalogue, scene)
    for path, animation in request.content.placed_animations():
        _check_motion(catalogue, caller, animation, *path)


@contextmanager
def placed(*place: str) -> Iterator[None]:
    """Put the place of an item into the path of an error that its check raises."""
    try:
        yield
    except UseCaseError as error:
        error.path = ("input", *place, *error.path[1:])
        raise


def check_avatar(catalogue: Catalogue, caller: Principal, request: AvatarRequest) -> None:
    """Raise Invalid for options that no avatar of this caller can have."""
    _check_options(caller, request.options)


def check_scene(catalogue: Catalogue, caller: Principal, request: SceneRequest) -> None:
    """Raise Invalid or NotFound for options that no scene of this caller can have."""
    _check_options(caller, request.options)
    _check_scene(catalogue, request.scene)


def check_animation(catalogue: Catalogue, caller: Principal, request: AnimationRequest) -> None:
    """Raise Invalid or TierRequired for options that no animation of this caller can have."""
    _check_options(caller, request.options)
    _check_motion(catalogue, caller, request.animation, "options")


def _check_options(caller: Principal, options: RequestOptions) -> None:
    if not LOWEST_PRIORITY <= options.priority <= HIGHEST_PRIORITY:
        raise Invalid(f"priority must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}.", "input", "priority")
    # An end user could otherwise pass all others of the same account.
    if caller.session is not None and options.priority > 0:
        message = f"A priority above 0 needs an API key; a session may use {LOWEST_PRIORITY} to 0."
        raise Invalid(message, "input", "priority")
    if options.metadata is not None and len(json.dumps(options.metadata).encode()) > METADATA_BYTES_MAX:
        raise Invalid(f"metadata must be at most {METADATA_BYTES_MAX} bytes of JSON.", "input", "metadata")


def _check_scene(catalogue: Catalogue, scene: SceneOptions) -> None:
    catalogue.check_theme(scene.theme)
    scene.check()


def _check_motion(catalogue: Catalogue, caller: Principal, options: AnimationOptions, *argument: str) -> None:
    path = ("input", *argument, "durationSeconds")
    if options.duration_s not in DURATIONS_S:
        raise Invalid("durationSeconds must be 6 or 10.", *path)
    catalogue.check_duration(caller.tier, options.duration_s, *path)
