"""Each known failure of engines names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.engine_failures import FAILURES

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("test", sorted({test for each in FAILURES for test in each.tests}))
def test_every_test_of_the_list_exists(test: str) -> None:
    path, _, name = test.partition("::")
    assert (TESTS / path).is_file(), path
    assert re.search(rf"^def {name}\(", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE), name


def test_every_failure_has_tests_and_says_why_not_here() -> None:
    assert all(each.tests and each.why_not_here and each.seen_in for each in FAILURES)
    assert len({each.failure for each in FAILURES}) == len(FAILURES)
