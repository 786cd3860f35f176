"""The whole system around one account: Postgres, object store and simulator, and the workers and APIs on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from db.connection import DatabaseSettings, connect
from db.records.accounts import account_named, insert_account
from diorama.embedded import EmbeddedPostgres, EmbeddedS3, ServerProcess
from diorama.settings import Settings, read_settings
from diorama.tuning import Tuning
from diorama.wiring import build_periodic_tasks, build_runtime
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.identity import Principal
from jobs.requesting.creation import create_animation, create_avatar, create_scene, create_story
from jobs.requesting.credits import grant_to_account
from jobs.requesting.requests import (
    AnimationOptions,
    AnimationRequest,
    AvatarRequest,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
    StoryScenes,
)
from jobs.steps.runtime import Runtime
from simulator.serve import Background
from simulator.settings import RateLimits, SimulatorSettings
from statemachine.backoff import JobPolicy
from storage import S3Store
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.job_reads import JobReads
from tests.support.pictures import add_picture, objects_of
from tests.support.processes import Processes
from tests.support.simulator_control import SimulatorControl
from tests.support.tuned import QUICK
from tests.support.workers import running_worker

PREFERRED, NEXT = "openai/gpt-image-2.5-sunburst", "openai/gpt-image-2.5-flare"
MODELS = f"{PREFERRED},{NEXT},minimax/video-01-live"
# As many retries as always, without the waits.
WITHOUT_WAITS = JobPolicy(delays_s=(0.1, 0.1, 0.1), wait_s=0.2, operator_wait_s=0.3)
# The lease is long, because this process is busy with many jobs at once.
PATIENT = replace(QUICK, lease=timedelta(seconds=30))
# Nothing listens there: every webhook is lost.
NOWHERE = "http://127.0.0.1:9"


@dataclass
class System(JobReads):
    """A database, an object store and a simulator, the processes on them, and one account with a selfie.

    `control` makes the simulator misbehave and reads its bill; `processes` has the real workers and APIs.
    """

    engine: Engine
    store: S3Store
    simulator: Background
    processes: Processes
    caller: Principal
    selfie_id: UUID

    @property
    def url(self) -> str:
        """Return the address of the database."""
        return self.processes.environment["DATABASE_URL"]

    @cached_property
    def control(self) -> SimulatorControl:
        """Return the control of the simulator."""
        return SimulatorControl(self.simulator.api_url)

    @cached_property
    def avatar_id(self) -> UUID:
        """Return a finished avatar, made at first use, from which scenes can be requested."""
        return add_picture(self.engine, self.store, self.caller.account_id, "avatar")

    @cached_property
    def scene_id(self) -> UUID:
        """Return a finished scene, made at first use, from which videos can be requested."""
        return add_picture(self.engine, self.store, self.caller.account_id, "scene")

    def start_worker(
        self, tuning: Tuning | None = None, within_s: float | None = None, /, **environment: str
    ) -> ServerProcess:
        """Start a worker process and wait until it works."""
        return self.processes.start_worker(tuning, within_s, **environment)

    @contextmanager
    def working(
        self, policy: JobPolicy = WITHOUT_WAITS, public_url: str | None = NOWHERE, inputs: str = "url"
    ) -> Iterator[None]:
        """Run a worker in this process for the length of the block; it requests webhooks at `public_url`, if at all.

        `inputs` is how the provider gets pictures, as `PROVIDER_INPUTS` has it.
        """
        settings = self._settings(inputs)

        def runtime(engine: Engine, recorder: Recorder, renewer: Renewer) -> Runtime:
            built = build_runtime(settings, engine, recorder, renewer, PATIENT)
            return replace(built, policy=policy, public_url=public_url)

        tasks = partial(build_periodic_tasks, tuning=PATIENT)
        with running_worker(self.url, runtime, name="in-process", periodic_tasks_of=tasks):
            yield

    def fault(self, action: str, **rule: Any) -> None:
        """Make the simulator misbehave."""
        self.control.fault(action, **rule)

    def creates(self) -> int:
        """Return how many paid calls the simulator has accepted, by its own bill."""
        return self.control.creates()

    def creates_of(self, job_id: UUID) -> int:
        """Return how many paid calls of one job the simulator has accepted, by its own bill."""
        tokens = self.control.bill()["by_token"]
        return sum(tokens.get(str(row.token), {"creates": 0})["creates"] for row in self.attempts(job_id))

    def ask_for_avatar(self, key: str = "avatar") -> UUID:
        """Request an avatar and return the job's id."""
        request = AvatarRequest(RequestOptions(key), self.selfie_id)
        with self.engine.begin() as conn:
            return create_avatar(conn, self.caller, request).resource_id

    def ask_for_scene(self, words: str) -> UUID:
        """Request a scene with words of the user, by which faults recognize it, and return the job's id."""
        options, avatar_id = RequestOptions(words), self.avatar_id
        request = SceneRequest(options, SceneOptions("neon-city", words), avatar_asset_id=avatar_id)
        with self.engine.begin() as conn:
            return create_scene(conn, self.caller, request).resource_id

    def ask_for_video(self, style: str) -> UUID:
        """Request a video of six seconds and return the job's id."""
        options, scene_id = RequestOptions(style), self.scene_id
        request = AnimationRequest(options, scene_asset_id=scene_id, animation=AnimationOptions(style=style))
        with self.engine.begin() as conn:
            return create_animation(conn, self.caller, request).resource_id

    def ask_for_story(self, key: str, *, video: bool) -> UUID:
        """Request a story, with or without its video, and return its id."""
        animation = AnimationOptions() if video else None
        request = StoryRequest(
            RequestOptions(key), self.selfie_id, StoryScenes.of_one(SceneOptions("neon-city"), animation)
        )
        with self.engine.begin() as conn:
            return create_story(conn, self.caller, request).resource_id

    def is_left_in(self, job_id: UUID, state: str) -> bool:
        """Return True if a worker that no longer runs had claimed the job in this state when it stopped."""
        row = self.row(job_id)
        return row.state == state and row.claimed_by is not None

    def objects(self, job_id: UUID) -> list[str]:
        """Return the names of the objects that a job has left."""
        return objects_of(self.store, job_id)

    def _settings(self, inputs: str) -> Settings:
        own = {name.lower(): value for name, value in self.processes.environment.items()}
        given = {name: own[name] for name in Settings.model_fields if name in own}
        return read_settings(_env_file=None, **{**given, "models": MODELS}).model_copy(
            update={"provider_inputs": inputs}
        )


@contextmanager
def running_system(
    engine: Engine, url: str, s3: EmbeddedS3, store: S3Store, simulator: Background, directory: Path
) -> Iterator[System]:
    """Yield a system without workers; those that are started are ended with it."""
    account_id = _account(engine)
    selfie_id = add_picture(engine, store, account_id, "selfie")
    processes = Processes(_environment(url, s3, simulator), directory)
    try:
        yield System(engine, store, simulator, processes, Principal(account_id, "partner", "acme"), selfie_id)
    finally:
        processes.kill_all()


@dataclass(frozen=True)
class Servers:
    """The session's servers, on which systems are built."""

    postgres: EmbeddedPostgres
    template: str
    s3: EmbeddedS3
    store: S3Store

    @contextmanager
    def system(self, directory: Path, **simulated: Any) -> Iterator[System]:
        """Yield a system with a database and a simulator of its own, which limits no rates."""
        name = unique_name("system")
        url = create_database(self.postgres.url, name, self.template)
        engine = connect(DatabaseSettings(url, pool_size=10), name="test")
        settings = SimulatorSettings(speed=200, canned=True, seed=1, rate_limits=RateLimits(enabled=False), **simulated)
        try:
            with (
                Background(settings) as simulator,
                running_system(engine, url, self.s3, self.store, simulator, directory) as system,
            ):
                yield system
        finally:
            engine.dispose()
            drop_database(self.postgres.url, name)


def _environment(url: str, s3: EmbeddedS3, simulator: Background) -> dict[str, str]:
    """Return the settings of the program's processes."""
    return {
        **os.environ,
        "DATABASE_URL": url,
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_BUCKET": s3.bucket,
        "S3_ACCESS_KEY_ID": s3.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        "REPLICATE_BASE_URL": simulator.api_url,
        "REPLICATE_DELIVERY_HOSTS": simulator.delivery_url.removeprefix("http://"),
        "REPLICATE_API_TOKEN": "r8_test",
        "OPENAI_API_KEY": "sk-test",
        "PROVIDER_TIMEOUT_S": "1",
        # The simulator is much faster than what it stands for; so are its budgets.
        "PROVIDER_CREATES_PER_MIN": "60000",
        "PROVIDER_READS_PER_MIN": "100000",
    }


def _account(engine: Engine) -> UUID:
    with engine.begin() as conn:
        account_id = account_named(conn, "acme") or insert_account(conn, "acme")
        grant_to_account(conn, account_id, 10_000, actor="test")
        return account_id
