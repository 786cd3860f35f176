"""Fixtures for tests of the program."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _logging_is_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep commands that run in this process from redirecting the log lines of all later tests."""
    monkeypatch.setattr("diorama.cli.configure_logging", lambda *_: None)
