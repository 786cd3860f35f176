"""Fairness: how much longer one account's single job takes beside the many jobs of another, in the whole product.

One worker process of 8 threads, the API that takes the webhooks, the object store, the encoder and the simulator are
real; only predictions are faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from db.records.accounts import insert_account
from diorama.embedded import EmbeddedPostgres, EmbeddedS3
from jobs.identity import Principal
from jobs.requesting.batches import create_batch
from jobs.requesting.creation import create_animation
from jobs.requesting.credits import grant_to_account
from jobs.requesting.requests import AnimationRequest, BatchRequest, BatchScene, RequestOptions, SceneOptions
from storage import S3Store
from tests.support.databases import create_database, unique_name
from tests.support.eventually import eventually
from tests.support.pictures import add_picture
from tests.support.system import Servers, System
from tests.support.tuned import QUICK

_ALONE = 5
_VIDEOS = 10
_SCENES = 6
_BATCH = 200
_AVATARS = 5
_CREDITS = 1_000_000


@dataclass(frozen=True)
class FairnessFigure:
    """Seconds from the request of a job to its success: the median alone, and each beside another account's jobs."""

    job: str
    beside: str
    alone_s: float
    beside_s: list[float]


def measure_fairness(server: EmbeddedPostgres, *, queued: int) -> list[FairnessFigure]:
    """Measure scenes beside ten videos, and avatars beside `queued` scenes, each of another account."""
    with _servers(server) as servers:
        return [_beside_videos(servers), _beside_queued(servers, queued)]


def _beside_videos(servers: Servers) -> FairnessFigure:
    with _working(servers) as system:
        alone_s = median(_all_timed(system, system.ask_for_scene, "alone", _ALONE))
        with _as_another(system):
            for number in range(_VIDEOS):
                _ask_for_video(system, f"video-{number}")
        eventually(
            lambda: system.scalar("SELECT count(*) FROM jobs WHERE state = 'transcoding' AND kind = 'animation'")
        )
        beside_s = _all_timed(system, system.ask_for_scene, "beside", _SCENES)
        left = system.scalar("SELECT count(*) FROM jobs WHERE kind = 'animation' AND finished_at IS NULL")
        return FairnessFigure("scene", f"{_VIDEOS} videos ({left} left at the end)", alone_s, beside_s)


def _beside_queued(servers: Servers, queued: int) -> FairnessFigure:
    with _working(servers) as system:
        alone_s = median(_all_timed(system, system.ask_for_avatar, "alone", _ALONE))
        with _as_another(system):
            for number in range(queued // _BATCH):
                _ask_for_scenes(system, f"batch-{number}")
        beside_s = _all_timed(system, system.ask_for_avatar, "beside", _AVATARS)
        left = system.scalar("SELECT count(*) FROM jobs WHERE kind = 'scene' AND finished_at IS NULL")
        return FairnessFigure("avatar", f"{queued:,} scenes ({left:,} left at the end)", alone_s, beside_s)


def _ask_for_scenes(system: System, key: str) -> None:
    scenes = (BatchScene(SceneOptions("neon-city"), avatar_asset_id=system.avatar_id),) * _BATCH
    with system.engine.begin() as conn:
        create_batch(conn, system.caller, BatchRequest(RequestOptions(key), scenes=scenes))


def _ask_for_video(system: System, key: str) -> None:
    with system.engine.begin() as conn:
        create_animation(conn, system.caller, AnimationRequest(RequestOptions(key), scene_asset_id=system.scene_id))


def _all_timed(system: System, ask: Callable[[str], UUID], key: str, jobs: int) -> list[float]:
    return [_timed(system, ask, f"{key}-{number}") for number in range(jobs)]


def _timed(system: System, ask: Callable[[str], UUID], key: str) -> float:
    began = time.monotonic()
    job_id = ask(key)
    eventually(lambda: system.row(job_id).state == "succeeded", within_s=300, every_s=0.02)
    return time.monotonic() - began


@contextmanager
def _as_another(system: System) -> Iterator[None]:
    """Let requests come from a second account, with pictures of its own, for the length of the block."""
    first = system.caller, system.selfie_id
    with system.engine.begin() as conn:
        account_id = insert_account(conn, unique_name("other"))
        grant_to_account(conn, account_id, _CREDITS, actor="bench")
    system.caller = Principal(account_id, "partner", "other")
    pictures = {name: system.__dict__.pop(name, None) for name in ("avatar_id", "scene_id")}
    try:
        yield
    finally:
        system.caller, system.selfie_id = first
        system.__dict__.update({name: known for name, known in pictures.items() if known})


@contextmanager
def _working(servers: Servers) -> Iterator[System]:
    with TemporaryDirectory(prefix="diorama-bench-") as folder, servers.system(Path(folder)) as system:
        with system.engine.begin() as conn:
            grant_to_account(conn, system.caller.account_id, _CREDITS, actor="bench")
        system.selfie_id = add_picture(system.engine, system.store, system.caller.account_id, "selfie")
        system.processes.environment |= {"PUBLIC_URL": "http://127.0.0.1"}
        system.processes.environment["PUBLIC_URL"] = system.processes.start_api()
        system.start_worker(replace(QUICK, lease=QUICK.lease * 60))
        yield system


@contextmanager
def _servers(server: EmbeddedPostgres) -> Iterator[Servers]:
    template = unique_name("template")
    engine = connect(DatabaseSettings(create_database(server.url, template), pool_size=1), name="template")
    migrate(engine)
    engine.dispose()
    with TemporaryDirectory(prefix="diorama-bench-") as folder, EmbeddedS3(Path(folder)) as s3:
        yield Servers(server, template, s3, S3Store(s3.settings))
