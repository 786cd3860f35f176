"""A whole system in this process: a real worker over Postgres, object store and simulator, with short waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from db.connection import DatabaseSettings, connect, connect_worker, normalised_url
from db.ids import new_id
from db.tables import assets
from diorama.embedded import EmbeddedPostgres, EmbeddedS3
from diorama.settings import Settings, read_settings
from diorama.wiring import build_periodic_tasks, build_runtime
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.requesting.creation import create_animation, create_scene
from jobs.requesting.requests import AnimationOptions, AnimationRequest, RequestOptions, SceneRequest
from jobs.steps.runtime import Runtime
from jobs.worker.process import Engines, WorkerProcess
from simulator.serve import Background
from simulator.settings import RateLimits, SimulatorSettings
from statemachine.backoff import JobPolicy
from storage import S3Store
from storage.keys import asset_key
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.eventually import eventually
from tests.support.system import SAMPLE, System, running_system
from tests.support.tuned import QUICK as TUNED

PREFERRED, NEXT = "openai/gpt-image-2.5-sunburst", "openai/gpt-image-2.5-flare"
# As many retries as always, without the waits.
QUICK = JobPolicy(delays_s=(0.1, 0.1, 0.1), wait_s=0.2, operator_wait_s=0.3)
# Nobody listens there: every webhook is lost.
NOWHERE = "http://127.0.0.1:9"
_THREADS = 8

# A step is not to be taken over while this process is busy with many at once.
PATIENT = replace(TUNED, lease=timedelta(seconds=30))


@dataclass
class StockedSystem:
    """A system with a finished avatar and a finished scene, from which single pictures and videos can be asked for."""

    system: System
    avatar_id: UUID
    scene_id: UUID

    def fault(self, action: str, **rule: Any) -> None:
        """Have the provider misbehave."""
        self.system.fault(action, **rule)

    def ask_for_scene(self, words: str) -> UUID:
        """Ask for a scene with words of the user, by which faults know it again, and return the job's id."""
        with self.system.engine.begin() as conn:
            made = create_scene(
                conn,
                self.system.caller,
                SceneRequest(RequestOptions(words), "neon-city", avatar_asset_id=self.avatar_id, details=words),
            )
        return made.resource_id

    def ask_for_video(self, style: str) -> UUID:
        """Ask for a video of six seconds and return the job's id."""
        options = AnimationOptions(style=style)
        with self.system.engine.begin() as conn:
            made = create_animation(
                conn,
                self.system.caller,
                AnimationRequest(RequestOptions(style), scene_asset_id=self.scene_id, animation=options),
            )
        return made.resource_id

    def wait_for(self, job_id: UUID, state: str = "succeeded", within_s: float = 40.0) -> Any:
        """Wait until a job has come to this end."""
        return self.system.wait_for(job_id, state, within_s=within_s)

    def attempts(self, job_id: UUID) -> list[Any]:
        """Return the rows of a job's paid calls, first to last."""
        found = text("SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt")
        with self.system.engine.connect() as conn:
            return list(conn.execute(found, {"id": job_id}).all())

    def events(self, job_id: UUID) -> list[Any]:
        """Return the rows of a job's history, first to last."""
        found = text("SELECT * FROM job_events WHERE job_id = :id ORDER BY seq")
        with self.system.engine.connect() as conn:
            return list(conn.execute(found, {"id": job_id}).all())

    def creates(self, job_id: UUID) -> int:
        """Return how many paid calls of a job the provider has accepted, by its own bill."""
        tokens = self.bill()["by_token"]
        return sum(tokens.get(str(row.token), {"creates": 0})["creates"] for row in self.attempts(job_id))

    def bill(self) -> dict[str, Any]:
        """Return the provider's bill."""
        bill: dict[str, Any] = self.ask("bill")
        return bill

    def ask(self, page: str) -> Any:
        """Return one of the simulator's own pages."""
        return httpx.get(f"{self.system.simulator.api_url}/_simulator/{page}").raise_for_status().json()

    def let_pass(self, seconds: float) -> None:
        """Let time pass at the provider."""
        url = f"{self.system.simulator.api_url}/_simulator/clock"
        httpx.post(url, json={"advance_s": seconds}).raise_for_status()

    @contextmanager
    def working(
        self, policy: JobPolicy = QUICK, public_url: str | None = NOWHERE, inputs: str = "url"
    ) -> Iterator[None]:
        """Run a worker for the length of the block, which asks for webhooks at `public_url`, if at all.

        `inputs` is how the provider gets pictures, as `PROVIDER_INPUTS` has it.
        """
        settings = _settings(self.system).model_copy(update={"provider_inputs": inputs})
        database = DatabaseSettings(settings.database_url, pool_size=_THREADS + 8)
        engine = connect_worker(database, name="stocked")
        listen_url = normalised_url(settings.database_url).set(drivername="postgresql")
        engines = Engines(engine, listen_url.render_as_string(hide_password=False))

        def runtime(recorder: Recorder, renewer: Renewer) -> Runtime:
            return replace(
                build_runtime(settings, engine, recorder, renewer, PATIENT), policy=policy, public_url=public_url
            )

        tasks = partial(build_periodic_tasks, tuning=PATIENT)
        with WorkerProcess(engines, runtime, name="stocked", threads=_THREADS, periodic_tasks_of=tasks):
            yield
        engine.dispose()


@dataclass(frozen=True)
class Servers:
    """The session's servers, on which houses are built."""

    postgres: EmbeddedPostgres
    template: str
    s3: EmbeddedS3
    store: S3Store

    @contextmanager
    def stocked(self, directory: Path, **simulated: Any) -> Iterator[StockedSystem]:
        """Yield a stocked system of its own: database, provider, account and pictures."""
        name = unique_name("stocked")
        url = create_database(self.postgres.url, name, self.template)
        engine = connect(DatabaseSettings(url, pool_size=10), name="test")
        settings = SimulatorSettings(speed=200, canned=True, seed=1, rate_limits=RateLimits(enabled=False), **simulated)
        try:
            with (
                Background(settings) as provider,
                running_system(engine, url, self.s3, self.store, provider, directory) as system,
            ):
                yield StockedSystem(system, _picture(system, "avatar"), _picture(system, "scene"))
        finally:
            engine.dispose()
            drop_database(self.postgres.url, name)


def wait_for_all(stocked: StockedSystem, job_ids: list[UUID], within_s: float) -> None:
    """Wait until none of these jobs has anything to do."""
    count = text("SELECT count(*) FROM jobs WHERE id = ANY(:ids) AND finished_at IS NULL")
    with stocked.system.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        eventually(lambda: conn.scalar(count, {"ids": job_ids}) == 0, within_s=within_s, every_s=0.1)


def _settings(system: System) -> Settings:
    own = {name.lower(): value for name, value in system.environment.items()}
    given = {name: own[name] for name in Settings.model_fields if name in own}
    models = f"{PREFERRED},{NEXT},minimax/video-01-live"
    return read_settings(_env_file=None, **{**given, "models": models})


def _picture(system: System, kind: str) -> UUID:
    asset_id = new_id()
    key = asset_key(system.caller.account_id, asset_id, "00", "jpg")
    stored = system.store.put_file(key, SAMPLE, content_type="image/jpeg")
    with system.engine.begin() as conn:
        conn.execute(
            assets.insert().values(
                id=asset_id,
                account_id=system.caller.account_id,
                kind=kind,
                state="ready",
                object_key=key,
                content_type="image/jpeg",
                width_px=1024,
                height_px=1024,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256_hex,
            )
        )
    return asset_id
