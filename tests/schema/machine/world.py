"""A database, a server, an object store, a provider and a worker, for one run of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from db.connection import DatabaseSettings, connect_worker
from db.engine.activity import sequence
from jobs.deleting.carrying_out import carry_out_deletions
from jobs.importing.fetching import PictureFetcher
from jobs.providers.pair import ProviderPair
from jobs.support.redrives import continue_redrives
from storage import S3Store
from tests.support.clock import make_due
from tests.support.database_pool import DatabasePool
from tests.support.fakes import FakeProvider
from tests.support.picture_host import picture, picture_host
from tests.support.serving import Server, serving
from tests.support.stepped_worker import SteppedWorker


@dataclass
class World:
    """All parts of a run. Only the provider is a fake, and only media work is left out."""

    server: Server
    store: S3Store
    provider: FakeProvider
    worker: SteppedWorker
    address: str

    @property
    def engine(self) -> Engine:
        """Return the engine of the server."""
        return self.server.engine

    def work(self, steps: int) -> None:
        """Let the worker do a few steps, each when it is due."""
        for _ in range(steps):
            make_due(self.engine)
            if not self.worker.work_once():
                break
        self.periodic_tasks()

    def periodic_tasks(self) -> None:
        """Carry out what has been recorded for later, and number what happened."""
        continue_redrives(self.engine)
        carry_out_deletions(self.engine, self.store, ProviderPair(self.provider))
        with self.engine.begin() as conn:
            sequence(conn)


@contextmanager
def world(databases: DatabasePool, store: S3Store, content: bytes) -> Iterator[World]:
    """Yield the parts, on a database that is empty before and after the block."""
    url = databases.borrow()
    try:
        with (
            picture_host(picture(content)) as host,
            _worker(url, store) as (worker, provider),
            serving(url, store=store, fetcher=PictureFetcher(host.reach("127.0.0.1/32"))) as server,
        ):
            yield World(server, store, provider, worker, host.url())
    finally:
        databases.give_back(url)


@contextmanager
def _worker(url: str, store: S3Store) -> Iterator[tuple[SteppedWorker, FakeProvider]]:
    engine, provider = connect_worker(DatabaseSettings(url, pool_size=4), name="machine"), FakeProvider()
    worker = SteppedWorker.on(engine, provider=provider, store=store)
    try:
        yield worker, provider
    finally:
        worker.close()
        engine.dispose()
