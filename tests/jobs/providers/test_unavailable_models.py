"""Operators are notified of a model that is gone, but not for every job that requests it."""

from __future__ import annotations

from structlog.testing import capture_logs

from jobs.providers.unavailable_models import UnavailableModels


def test_each_model_that_is_gone_is_reported_at_once_and_then_once_an_hour() -> None:
    now = [0.0]
    gone = UnavailableModels(lambda: now[0])
    with capture_logs() as lines:
        for at_s, model in ((0, "a"), (1, "a"), (2, "b"), (3599, "a"), (3600, "a"), (3601, "a")):
            now[0] = at_s
            gone.add(model, "HTTP 404")
    assert [(line["log_level"], line["model"], line["why"]) for line in lines] == [
        ("critical", model, "HTTP 404") for model in ("a", "b", "a")
    ]
