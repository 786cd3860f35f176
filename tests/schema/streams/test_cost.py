"""Readers that wait read nothing; what comes is read once for all of them."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from schema.database import Database
from schema.transport.app import ApiSettings
from tests.schema.documents import make_avatar
from tests.schema.live.subscribers import NEVER
from tests.schema.streams.reading import following, seqs
from tests.support.databases import unique_name
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import serving

READERS = 5


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return the reads of the API by their functions, as they are counted."""
    counted: Counter[str] = Counter()
    read = Database.read

    async def counting(self: Database, function: Any, *args: Any, **kwargs: Any) -> Any:
        counted[function.__name__] += 1
        return await read(self, function, *args, **kwargs)

    monkeypatch.setattr(Database, "read", counting)
    return counted


def test_what_comes_to_a_job_is_read_once_for_all_its_readers(api_database: str, reads: Counter[str]) -> None:
    with serving(api_database, ApiSettings(poll_every=NEVER, check_keys_every=NEVER)) as server, ExitStack() as open_:
        acme: Partner = partner(server, unique_name("cost"))
        job_id = make_avatar(acme, acme.asset())
        readers = [open_.enter_context(following(acme, f"jobs/{job_id}", "-1")) for _ in range(READERS)]
        for each in readers:
            each.batch()
        # The first event comes when all of them follow.
        move(server.engine, job_id, TO_SUCCESS[0])
        for each in readers:
            assert seqs(each.batch()[0]) == [2]
        before = reads.copy()
        for number, one_move in enumerate(TO_SUCCESS[1:], 3):
            move(server.engine, job_id, one_move)
            for each in readers:
                assert seqs(each.batch()[0]) == [number]
        assert (reads - before).keys() == {"events_since"}
        assert (reads - before)["events_since"] < READERS * len(TO_SUCCESS[1:])
