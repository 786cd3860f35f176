"""Log lines show no secrets, whichever code wrote them and in either format."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import logging, structlog
from diorama.logging import configure_logging
configure_logging("debug", "{log_format}", ("correct-horse-battery",))
structlog.get_logger("ours").warning("moved", detail="Bearer abc123def456", job_id="17")
logging.getLogger("theirs").error("the password is correct-horse-battery")
try:
    raise ValueError("rejected sk-proj-abcdef123456")
except ValueError:
    structlog.get_logger("ours").exception("step failed")
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_masked_in_words_values_and_tracebacks(log_format: str) -> None:
    program = [sys.executable, "-c", PROGRAM.format(log_format=log_format)]
    lines = subprocess.run(program, capture_output=True, text=True, check=True).stderr
    for secret in ("abc123def456", "correct-horse-battery", "abcdef123456"):
        assert secret not in lines
    for shown in ("moved", "job_id", "17", "Bearer ***", "the password is ***", "rejected sk-***"):
        assert shown in lines
    assert "ValueError" in lines
