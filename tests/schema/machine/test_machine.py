"""Every mutation, as every kind of caller, in any order, keeps what the API promises. `make soak` tries more of it."""

from __future__ import annotations

import io
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from PIL import Image

from storage import S3Store
from tests.schema.machine.machine import Machine, machine
from tests.schema.machine.world import world
from tests.support.database_pool import DatabasePool
from tests.support.plain_media import without_media_work


@pytest.fixture
def mutations(migrated_databases: DatabasePool, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    without_media_work(monkeypatch)
    file = io.BytesIO()
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG")
    return machine(partial(world, migrated_databases, store, file.getvalue()))


def run(mutations: type[Machine], runs: int, steps: int, *, same_each_time: bool) -> None:
    run_state_machine_as_test(
        mutations,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=same_each_time,
            database=None,
            # What fails is shown as it was drawn: to shorten it would take many minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(240)
def test_any_order_of_mutations_keeps_what_the_api_promises(mutations: type[Machine]) -> None:
    run(mutations, 6, 40, same_each_time=True)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_many_more_orders_keep_it_too(mutations: type[Machine]) -> None:
    run(mutations, 300, 80, same_each_time=False)
