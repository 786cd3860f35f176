"""The first usable model of the configuration serves a request; an error gives the reason if none can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from jobs.providers.choice import ModelChoice, NoModel
from statemachine.vocabulary import Kind

KEY = frozenset({"openai_api_key"})


def on(day: str) -> Callable[[], date]:
    return lambda: date.fromisoformat(day)


def test_by_default_every_kind_can_be_made_today() -> None:
    choice = ModelChoice(keys=KEY)
    for tier in ("free", "paid"):
        assert choice.profile_for(Kind.AVATAR, tier, None).ends is None
        assert choice.profile_for(Kind.SCENE, tier, None).ends is None
        assert choice.profile_for(Kind.ANIMATION, tier, 6).model == "minimax/video-01-live"
    assert choice.profile_for(Kind.ANIMATION, "paid", 10).model == "minimax/hailuo-2.3"


def test_a_model_to_avoid_is_skipped_if_another_can_serve_the_request() -> None:
    choice, gone = ModelChoice(), {"minimax/video-01-live"}
    assert choice.profile_for(Kind.ANIMATION, "paid", 6, gone).model == "minimax/hailuo-2.3"
    both = gone | {"minimax/hailuo-2.3"}
    assert choice.profile_for(Kind.ANIMATION, "paid", 6, both).model == "minimax/video-01-live"
    assert choice.profile_for(Kind.ANIMATION, "paid", 10, both).model == "minimax/hailuo-2.3"


@pytest.mark.parametrize(
    ("day", "model"),
    [
        ("2026-10-22", "openai/gpt-image-1"),
        ("2026-10-23", "openai/gpt-image-1.5"),
        ("2026-11-30", "openai/gpt-image-1.5"),
        ("2026-12-01", "openai/gpt-image-2"),
    ],
)
def test_from_the_day_a_model_ends_the_next_one_is_used(day: str, model: str) -> None:
    models = ("openai/gpt-image-1", "openai/gpt-image-1.5", "openai/gpt-image-2")
    assert ModelChoice(models, KEY, on(day)).profile_for(Kind.AVATAR, "free", None).model == model


def test_a_model_without_its_key_is_skipped() -> None:
    models = ("openai/gpt-image-1", "openai/gpt-image-2")
    assert ModelChoice(models, today=on("2026-10-01")).profile_for(Kind.SCENE, "free", None).model == models[1]
    assert ModelChoice(models, KEY, on("2026-10-01")).profile_for(Kind.SCENE, "free", None).model == models[0]


def test_a_model_may_be_for_one_tier_only() -> None:
    choice = ModelChoice(("paid:openai/gpt-image-2.5-sunburst", "openai/gpt-image-2"))
    assert choice.profile_for(Kind.AVATAR, "paid", None).model == "openai/gpt-image-2.5-sunburst"
    assert choice.profile_for(Kind.AVATAR, "free", None).model == "openai/gpt-image-2"


def test_lengths_are_those_of_the_usable_models() -> None:
    assert ModelChoice(("minimax/video-01-live",)).durations_of(Kind.ANIMATION, "paid") == (6,)
    assert ModelChoice(("minimax/hailuo-02",)).durations_of(Kind.ANIMATION, "paid") == (6, 10)
    assert ModelChoice(("paid:minimax/hailuo-02",)).durations_of(Kind.ANIMATION, "free") == ()


def test_the_refusal_of_a_length_names_the_possible_lengths() -> None:
    with pytest.raises(NoModel) as refused:
        ModelChoice(("minimax/video-01-live",)).profile_for(Kind.ANIMATION, "paid", 10)
    assert refused.value.message == "No configured model makes an animation of 10 s; choose 6 s."


def test_operators_learn_why_models_were_skipped() -> None:
    models = ("openai/gpt-image-1", "openai/gpt-image-1-mini")
    with pytest.raises(NoModel) as refused:
        ModelChoice(models, today=on("2026-11-01")).profile_for(Kind.SCENE, "free", None)
    assert refused.value.message == "No configured model can make a scene at present."
    assert "openai/gpt-image-1 is skipped: its maker ended it on 2026-10-23." in refused.value.detail
    assert "openai/gpt-image-1-mini is skipped: it needs OPENAI_API_KEY." in refused.value.detail


@pytest.mark.parametrize("text", ["openai/gpt-image-9", "gold:openai/gpt-image-2", "openai/gpt-image-2:paid"])
def test_an_unknown_entry_is_refused(text: str) -> None:
    with pytest.raises(NoModel, match="unknown"):
        ModelChoice((text,))
