"""The profiles of the models agree with the models of the simulator."""

from __future__ import annotations

import pytest

from jobs.providers.profiles import Profile, profiles
from simulator.models import catalogue
from statemachine.vocabulary import Kind

MODELS = {
    *(f"openai/gpt-image-{version}" for version in ("1", "1.5", "1-mini", "2", "2.5-flare", "2.5-sunburst")),
    *(f"minimax/{name}" for name in ("video-01-live", "video-01", "video-01-director", "hailuo-02", "hailuo-2.3")),
}
STAND_INS = {model.path: model for model in catalogue.load()}
CASES = [
    pytest.param(profile, kind, duration_s, id=f"{profile.model}-{kind}-{duration_s or 'picture'}")
    for profile in profiles().values()
    for kind in profile.kinds
    for duration_s in profile.durations_s or (None,)
]


def test_every_model_of_the_pipeline_has_a_profile() -> None:
    assert set(profiles()) == MODELS


@pytest.mark.parametrize(("profile", "kind", "duration_s"), CASES)
def test_the_model_accepts_every_input_that_is_sent(profile: Profile, kind: Kind, duration_s: int | None) -> None:
    """Names, choices and required inputs agree; the prompt, the picture and the keys come with each job."""
    stand_in = STAND_INS[profile.model]
    sent = profile.constants(kind, duration_s)
    by_job = {name for what, name in profile.inputs.items() if what != "secret" or profile.secret}
    assert set(sent) | by_job <= set(stand_in.properties)
    assert set(stand_in.required) <= set(sent) | by_job
    for name, value in sent.items():
        assert value in stand_in.properties[name].get("enum", [value]), name


@pytest.mark.parametrize(("profile", "kind", "duration_s"), CASES)
def test_the_price_is_that_of_the_inputs_sent(profile: Profile, kind: Kind, duration_s: int | None) -> None:
    sent = profile.constants(kind, duration_s)
    assert profile.price(kind, duration_s) == round(STAND_INS[profile.model].price_usd(sent) * 1_000_000)


@pytest.mark.parametrize("profile", [p for p in profiles().values() if not p.durations_s], ids=lambda p: p.model)
def test_a_picture_is_never_ordered_without_its_quality(profile: Profile) -> None:
    """Without it, the model uses `auto`, which is billed as the most expensive."""
    assert profile.fixed["quality"] in ("low", "medium", "high")


@pytest.mark.parametrize("profile", [p for p in profiles().values() if not p.durations_s], ids=lambda p: p.model)
def test_the_sizes_of_pictures_are_those_of_the_model(profile: Profile) -> None:
    output = STAND_INS[profile.model].output
    for kind, size in profile.output.sizes_px.items():
        assert tuple(output["sizes_px"][profile.constants(kind, None)["aspect_ratio"]]) == size


def test_scenes_are_ordered_in_16_to_9_if_the_model_supports_it() -> None:
    for profile in profiles().values():
        if profile.prompt_family == "gpt-image-2":
            assert profile.constants(Kind.SCENE, None)["aspect_ratio"] == "2048x1152"


def test_ten_seconds_are_ordered_at_768p() -> None:
    for name in ("minimax/hailuo-02", "minimax/hailuo-2.3"):
        sent = profiles()[name].constants(Kind.ANIMATION, 10)
        assert (sent["duration"], sent["resolution"]) == (10, "768p")


def test_only_models_billed_elsewhere_need_a_key() -> None:
    needing = {profile.model for profile in profiles().values() if profile.secret}
    assert needing == {"openai/gpt-image-1", "openai/gpt-image-1-mini"}


def test_a_profile_describes_the_output_of_its_model() -> None:
    for profile in profiles().values():
        assert profile.output.shape == ("list" if STAND_INS[profile.model].kind == "images" else "one")
        assert set(profile.output.sizes_px) == set(profile.kinds)
