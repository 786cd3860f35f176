"""An account whose files are purged, and a purge that dies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from storage import S3Store
from tests.retention.account_files import AccountFiles
from tests.support.factories import make_world


@pytest.fixture
def files(engine: Engine, store: S3Store) -> AccountFiles:
    with engine.begin() as conn:
        world = make_world(conn)
        # The world's own selfie has no object.
        conn.execute(text("UPDATE assets SET state = 'deleted'"))
    return AccountFiles(engine, store, world)


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that makes the next pass die when it calls a function of `jobs.upkeep.retention`."""

    def die(name: str) -> None:
        def stop(*_: object, **__: object) -> None:
            monkeypatch.undo()
            raise KeyboardInterrupt

        monkeypatch.setattr(f"jobs.upkeep.retention.{name}", stop)

    return die
