"""Every mutation, as every kind of caller, in any order, keeps what the API promises. `make soak` tries more of it."""

from __future__ import annotations

import io
from functools import partial

import pytest
from hypothesis import Phase
from PIL import Image

from storage import S3Store
from tests.schema.machine.machine import Machine, machine
from tests.schema.machine.world import world
from tests.support.database_pool import DatabasePool
from tests.support.plain_media import without_media_work
from tests.support.state_machines import run_machine

# What fails is shown as it was drawn: to shorten it would take many minutes.
_AS_DRAWN = [Phase.generate]


@pytest.fixture
def mutations(migrated_databases: DatabasePool, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    without_media_work(monkeypatch)
    file = io.BytesIO()
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG")
    return machine(partial(world, migrated_databases, store, file.getvalue()))


@pytest.mark.timeout(240)
def test_any_order_of_mutations_keeps_what_the_api_promises(mutations: type[Machine]) -> None:
    run_machine(mutations, runs=6, steps=40, same_each_time=True, phases=_AS_DRAWN)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_many_more_orders_keep_it_too(mutations: type[Machine]) -> None:
    run_machine(mutations, runs=300, steps=80, same_each_time=False, phases=_AS_DRAWN)
