"""The places outside the table of steps that a new step belongs to."""

from __future__ import annotations

import re

from db.statements import source_of
from statemachine.steps import STEP_SPECS
from tests.faults.points import POINTS
from tests.truth.packages import ROOT


def test_every_step_that_calls_the_provider_or_writes_objects_is_killed_in_the_tests() -> None:
    acting = {spec.step for spec in STEP_SPECS if spec.call is not None or spec.writes_objects}
    assert acting - {point.step for point in POINTS} == set()


def test_the_statements_and_the_index_of_two_lanes_have_the_states_of_all_steps_with_two_lanes() -> None:
    states = {each.state for spec in STEP_SPECS if spec.long_share for each in spec.serves}
    (index,) = re.findall(r"CREATE INDEX jobs_in_turn .*ARRAY\[(.*?)\]", (ROOT / "db" / "schema.sql").read_text())
    listed = [index]
    for name in ("accounts_in_turn", "claim_in_turn", "account_shares"):
        found = re.findall(r"state IN \(('storing'.*?)\)", source_of(name))
        assert found, name
        listed += found
    assert [set(re.findall(r"'(\w+)'", words)) for words in listed] == [states] * len(listed)
