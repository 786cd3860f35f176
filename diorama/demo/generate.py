"""`diorama generate`: turns a photograph into an avatar, a scene, a video and its poster, with the public API only."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from diorama.demo import client as api
from diorama.demo.client import ApiClient, Refused
from jobs.media.signatures import picture_format
from jobs.requesting.uploads import UPLOAD_BYTES_MAX

_ACCEPTED = "JPEG, PNG, WebP, HEIC or AVIF"
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic", "AVIF": "image/avif"}
_KINDS = {"AVATAR": "avatar", "SCENE": "scene", "ANIMATION": "video"}


class BadInput(Exception):
    """The user's input cannot be used. The message is one line that says what is wrong and how to fix it."""


def picture_type(photo: Path) -> str:
    """Return the content type of a picture file, from its first bytes. Raises BadInput, also if it is too large."""
    try:
        if not photo.is_file():
            raise BadInput(f"{photo}: no such file; give a photograph ({_ACCEPTED}).")
        size_bytes = photo.stat().st_size
        with photo.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise BadInput(f"{photo}: this file cannot be read ({error.strerror}); give another photograph.") from None
    if size_bytes > UPLOAD_BYTES_MAX:
        most = f"the limit is {UPLOAD_BYTES_MAX // 2**20} MiB"
        raise BadInput(f"{photo}: this file is {size_bytes / 2**20:.1f} MiB; {most}, so give a smaller one.")
    kind = picture_format(head)
    if kind is None:
        raise BadInput(f"{photo}: this is not a picture; give a {_ACCEPTED} file.")
    return _TYPES[kind]


def check_target(target: Path) -> None:
    """Raise BadInput unless files can be written to the folder `target`, which need not exist yet."""
    try:
        there = next(place for place in (target, *target.parents) if place.exists())
    except OSError as error:
        raise BadInput(f"{target}: this folder cannot be used ({error.strerror}); give another.") from None
    if not there.is_dir():
        raise BadInput(f"{there}: this is not a folder; give a folder for the files, new or existing.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{there}: this folder is not writable; give another.")


def check_theme(theme: str, known: list[str]) -> None:
    """Raise BadInput for an unknown theme."""
    if theme not in known:
        raise BadInput(f"there is no theme {theme!r}; choose one of {', '.join(known)}.")


async def generate(photo: Path, theme: str, target: Path, *, api_url: str, secret: str, console: Console) -> Path:
    """Have a story made from `photo` and write its files to the folder `target`; return the video's path.

    Raises BadInput, or the client's Refused and Unreachable.
    """
    content_type = picture_type(photo)
    check_target(target)
    async with ApiClient(api_url, secret) as client:
        offered = (await client.ask(api.THEMES))["themes"]
        check_theme(theme, [each["key"] for each in offered])
        selfie_id = await _upload(client, photo, content_type)
        story_id = await client.create_story(selfie_id, theme)
        await _show(client.follow(story_id), console)
        story = (await client.ask(api.OUTPUTS, id=story_id))["story"]
        return await _save(client, story, target)


async def _upload(client: ApiClient, photo: Path, content_type: str) -> str:
    try:
        return await client.upload(photo, content_type)
    except Refused as refused:
        raise BadInput(f"{photo}: {refused} Give another photograph ({_ACCEPTED}).") from None


async def _show(steps: AsyncIterator[api.Progress], console: Console) -> None:
    """Draw one progress bar per job until the story's last event."""
    columns = (TextColumn("{task.description:<7}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TextColumn("{task.fields[state]:<13}"), TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {
            kind: bars.add_task(label, total=100, state="waiting", start=False) for kind, label in _KINDS.items()
        }
        async for step in steps:
            task = tasks[step.job["kind"]]
            if step.job["state"] != "WAITING":
                bars.start_task(task)
            bars.update(task, completed=step.job["percent"], state=step.job["state"].lower())
            if step.job["state"] in ("SUCCEEDED", "FAILED", "CANCELED"):
                bars.stop_task(task)


async def _save(client: ApiClient, story: dict[str, Any], target: Path) -> Path:
    jobs = [story[field] for field in ("avatar", "scene", "animation")]
    for job in jobs:
        if job["state"] != "SUCCEEDED":
            why = job["error"]["message"] if job["error"] else f"its job ended as {job['state'].lower()}"
            raise Refused(f"The {_KINDS[job['kind']]} was not made: {why}")
    try:
        await _download(client, jobs, target)
    except OSError as error:
        raise Refused(f"{target}: the files could not be written ({error.strerror}).") from None
    return target / "video.mp4"


async def _download(client: ApiClient, jobs: list[dict[str, Any]], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for job in jobs:
        output = job["output"]
        await client.download(output["url"], target / f"{_KINDS[job['kind']]}{_suffix(output)}")
        if output["poster"]:
            await client.download(output["poster"]["url"], target / f"poster{_suffix(output['poster'])}")


def _suffix(asset: dict[str, Any]) -> str:
    return {"image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg", "video/mp4": ".mp4"}[asset["contentType"]]
