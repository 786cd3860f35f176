"""Fixtures for tests of the program."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _logging_is_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run within this process must not send the lines of all later tests to where theirs went."""
    monkeypatch.setattr("diorama.cli.configure_logging", lambda *_: None)
