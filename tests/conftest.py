"""Fixtures for all tests. The servers start when the first test asks for them, and serve the whole session."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, chdir
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres, EmbeddedS3
from storage import S3Store
from tests.support.database_pool import DatabasePool
from tests.support.databases import create_database, drop_database, unique_name

# By default tracebacks are drawn in boxes, which takes most of a second each.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A shell ignores Ctrl-C for what it starts in the background, and programs that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes depends on what else the machine does.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]

LONGEST = ("soak", "acceptance", "faults", "conformance", "isolation")
"""Folders whose files take longest: begun first, so that no worker is left alone with one in the end."""


MARKED = {
    "tests/truth": "truth",
    "tests/jobs/media": "media",
    "tests/simulator/studio": "media",
    "tests/conformance": "clients",
    "tests/schema/machine": "clients",
    "tests/soak": "system",
    "tests/diorama/embedded": "system",
}
"""Folders that a make target of their own runs, each with the marker it selects. Single tests carry the marker too."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the folders of `MARKED`, and put the files that take longest first; the rest stays in its order."""
    for item in items:
        folder = item.path.parent.relative_to(ROOT).as_posix()
        if folder in MARKED:
            item.add_marker(MARKED[folder])
    place = {folder: number for number, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.parent.name, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the collector of garbage what lasts for the session: thousands of tests, and all modules."""
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


@pytest.fixture(scope="session", autouse=True)
def _away_from_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run where there is no `.env`: the program reads one, and a developer's own would change what it does."""
    with chdir(tmp_path_factory.mktemp("working-directory")):
        yield


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One Postgres for the session; each test makes its own database on it."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=THROWAWAY_SETTINGS) as server:
        yield server


@pytest.fixture
def new_database(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[str | None], str]]:
    """A function that makes a database, as a copy of the template if one is named, and returns its URL.

    The databases are dropped after the test.
    """
    with ExitStack() as undo:

        def create(template: str | None = None) -> str:
            name = unique_name("test")
            undo.callback(drop_database, postgres_server.url, name)
            return create_database(postgres_server.url, name, template)

        yield create


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a migrated database that others are copied from."""
    name = unique_name("template")
    engine = connect(DatabaseSettings(create_database(postgres_server.url, name), pool_size=1), name="template")
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def migrated_databases(postgres_server: EmbeddedPostgres, migrated_template: str) -> DatabasePool:
    """Migrated databases, which the tests of the session use one after the other."""
    return DatabasePool(postgres_server.url, migrated_template)


@pytest.fixture
def database_url(migrated_databases: DatabasePool) -> Iterator[str]:
    """The address of a migrated database that only this test uses."""
    url = migrated_databases.borrow()
    yield url
    migrated_databases.give_back(url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a migrated database of the test's own."""
    engine = connect(DatabaseSettings(database_url, pool_size=30), name="test")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedS3]:
    """One object store for the session."""
    with EmbeddedS3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_store(s3_server: EmbeddedS3) -> S3Store:
    """The one bucket of the session. Tests use `store`: a bucket for each would take a fifth of a second."""
    return S3Store(s3_server.settings)


@pytest.fixture
def store(shared_store: S3Store) -> Iterator[S3Store]:
    """An object store that is empty before and after the test, whatever others have left in it."""
    _empty(shared_store)
    yield shared_store
    _empty(shared_store)


def _empty(store: S3Store) -> None:
    store.delete(found.key for found in store.list())
