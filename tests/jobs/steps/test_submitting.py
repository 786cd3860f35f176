"""A fault found before the paid call ends the job without the call."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

from jobs.prompts import Prompt
from jobs.providers.profiles import profiles
from jobs.steps.models import Models
from jobs.steps.prepare import PrepareParts, prepare
from statemachine.outcomes import Rejected, RetryPolicy
from statemachine.vocabulary import ErrorCode, Kind
from tests.support.factories import World, claimed, make_job

LIVE = profiles()["minimax/video-01-live"]


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_prompt_too_long_for_its_model_is_refused_before_the_paid_call(
    engine: Engine, world: World, beyond: int
) -> None:
    """The words of a theme file have no length limit."""
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world, kind=Kind.ANIMATION, duration_s=6))
    prompt = Prompt("x" * (LIVE.prompt_characters_max + beyond), "test")
    prompts: Any = SimpleNamespace(prompt_for=lambda job, family: prompt)
    parts = PrepareParts(engine, Models(engine), prompts)
    # A prompt that fits is refused next, for its missing picture.
    refused = prepare(replace(job, input_key=None), parts)
    assert isinstance(refused, Rejected)
    assert refused.failure.retry_policy is RetryPolicy.NEVER
    wanted = ErrorCode.INPUT_INVALID if beyond else ErrorCode.INPUT_EXPIRED
    assert refused.failure.code is wanted
