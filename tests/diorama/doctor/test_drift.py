"""The doctor reports drift by field; a worker logs it and works on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from diorama.doctor.drift import log_drift
from diorama.doctor.examination import examine
from diorama.settings import Settings, read_settings
from simulator.serve import Background
from simulator.settings import SimulatorSettings


def _settings(base_url: str, **more: Any) -> Settings:
    return read_settings(
        _env_file=None, replicate_base_url=base_url, replicate_api_token="r8_x", openai_api_key="sk-x", **more
    )


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Background]:
    """A provider whose Hailuo 2.3 no longer makes anything below 1080p."""
    catalogue = json.loads((files("simulator.models") / "minimax.json").read_text("utf-8"))
    catalogue["inputs"]["resolution_2"]["enum"] = ["1080p"]
    path = tmp_path / "minimax.json"
    path.write_text(json.dumps(catalogue), encoding="utf-8")
    with Background(SimulatorSettings(model_files=(str(path),))) as running:
        yield running


def test_drift_is_logged_by_field(renamed: Background) -> None:
    with capture_logs() as lines:
        log_drift(_settings(renamed.api_url))
    assert lines == [
        {
            "event": "model schema drift",
            "log_level": "warning",
            "model": "minimax/hailuo-2.3",
            "field": "resolution",
            "problem": "we send '768p', and the model takes '1080p'",
        }
    ]


def test_a_provider_that_cannot_be_reached_stops_nothing() -> None:
    with capture_logs() as lines:
        log_drift(_settings("http://127.0.0.1:9"))
    assert {line["event"] for line in lines} == {"model schema unknown"}
    assert all(line["problem"] == "the provider cannot be reached: ConnectError" for line in lines)


def test_the_doctor_reports_drift_by_field(
    renamed: Background, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLICATE_BASE_URL", renamed.api_url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_x")
    for name in ("DATABASE_URL", "S3_BUCKET", "OPENAI_API_KEY", "MODELS"):
        monkeypatch.delenv(name, raising=False)
    found = {finding.what: finding for finding in examine()}
    assert found["minimax/hailuo-2.3 resolution"].ok is False
    assert found["schema of minimax/video-01-live"].ok is True
    assert found["openai/gpt-image-1"].detail == "is skipped: its maker ended it on 2026-10-23"
    assert found["animation (paid) of 10 s"].detail == "minimax/hailuo-2.3"
    assert "animation (free) of 10 s" not in found
