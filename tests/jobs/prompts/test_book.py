"""Each kind, theme and model family has its prompt."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from uuid import UUID, uuid5

import pytest

from jobs.catalogue.experiments import Experiment, Variant, experiments
from jobs.catalogue.themes import themes
from jobs.prompts import NoPrompt, Prompt, PromptBook
from jobs.prompts.templates import PLAIN, templates
from jobs.providers.profiles import profiles
from simulator.studio.scene import wants_scene
from simulator.studio.settings import setting_for
from statemachine.vocabulary import Kind
from tests.jobs.prompts.making import job_of

PICTURES = ("gpt-image-1", "gpt-image-2")
FILMS = ("minimax-live", "minimax-director")
STYLES = ("walk_forward", "wave", "look_around", "idle")
CAMERAS = ("gentle_pan", "static", "push_in", "pull_out")
BOOK = PromptBook(experiments=())


def prompt(kind: Kind, family: str, **given: object) -> Prompt:
    return BOOK.prompt_for(job_of(kind, **given), family)


def test_every_family_of_the_profiles_has_its_templates() -> None:
    for profile in profiles().values():
        for kind in profile.kinds:
            assert (kind, profile.prompt_family, PLAIN) in templates().by_name


def test_every_prompt_is_within_the_limit_of_its_models() -> None:
    longest = {"theme": max(themes(), key=lambda key: len(themes()[key].setting)), "details": "x" * 300}
    for profile in profiles().values():
        for kind in profile.kinds:
            assert len(prompt(kind, profile.prompt_family, **longest).text) <= profile.prompt_characters_max


@pytest.mark.parametrize("family", PICTURES)
@pytest.mark.parametrize("theme", themes())
def test_the_prompt_of_a_scene_describes_its_theme_and_leaves_no_placeholder(theme: str, family: str) -> None:
    text = prompt(Kind.SCENE, family, theme=theme, details="a cat").text
    for words in (themes()[theme].name, themes()[theme].setting, themes()[theme].palette, themes()[theme].light):
        assert words in text
    assert not re.search(r"[{}]", text)


@pytest.mark.parametrize("family", PICTURES)
def test_the_prompt_of_a_scene_places_the_avatar(family: str) -> None:
    text = prompt(Kind.SCENE, family).text
    for rule in (
        "full body visible, feet included",
        "in the centre third",
        "8 %",
        "contact shadow",
        "from the same direction",
        "free ground in front",
        "Image 1: the avatar",
        "no text, no watermark",
    ):
        assert rule in text, rule


def test_only_prompts_for_models_without_16_to_9_mention_a_crop() -> None:
    assert "cropped to 16:9" in prompt(Kind.SCENE, "gpt-image-1").text
    assert "cropped" not in prompt(Kind.SCENE, "gpt-image-2").text


@pytest.mark.parametrize("family", PICTURES)
def test_the_prompt_of_an_avatar_preserves_the_persons_identity(family: str) -> None:
    text = prompt(Kind.AVATAR, family, theme=None).text
    for rule in ("face shape, hair, skin tone", "full body visible from head to feet", "exactly one figure", "margin"):
        assert rule in text, rule
    assert text.index("Task:") < text.index("Image 1:") < text.index("Constraints:")


@pytest.mark.parametrize(("style", "camera", "theme"), list(product(STYLES, CAMERAS, (*themes(), None))))
def test_live_models_get_ten_to_thirty_words_and_no_brackets(style: str, camera: str, theme: str | None) -> None:
    text = prompt(Kind.ANIMATION, "minimax-live", style=style, camera=camera, theme=theme).text
    assert 10 <= len(text.split()) <= 30, text
    assert "[" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("camera", "command"),
    list(zip(CAMERAS, ("[Pan right]", "[Static shot]", "[Push in]", "[Pull out]"), strict=True)),
)
def test_directed_models_get_the_camera_in_brackets(camera: str, command: str) -> None:
    text = prompt(Kind.ANIMATION, "minimax-director", style="wave", camera=camera).text
    assert text.startswith(command)
    assert text.count("[") == 1
    assert "waves one hand" in text


def test_each_motion_and_camera_has_its_own_words() -> None:
    for family in FILMS:
        texts = {prompt(Kind.ANIMATION, family, style=s, camera=c).text for s, c in product(STYLES, CAMERAS)}
        assert len(texts) == len(STYLES) * len(CAMERAS)


def test_a_video_of_a_scene_without_a_theme_has_no_ambience() -> None:
    assert "Meanwhile" not in prompt(Kind.ANIMATION, "minimax-live", theme=None).text


def test_a_theme_that_is_no_longer_offered_has_no_prompt() -> None:
    with pytest.raises(NoPrompt, match="steam-city"):
        prompt(Kind.SCENE, "gpt-image-2", theme="steam-city")


def test_a_version_changes_with_the_words_and_only_with_them() -> None:
    version = prompt(Kind.SCENE, "gpt-image-2", details="a cat").version
    assert re.fullmatch(r"scene/gpt-image-2/plain@[0-9a-f]{8}", version)
    assert prompt(Kind.SCENE, "gpt-image-2", details="a dog").version == version
    assert prompt(Kind.SCENE, "gpt-image-2", theme="moon-base").version != version
    darker = replace(themes()["neon-city"], light="no light at all")
    book = replace(BOOK, themes=MappingProxyType({"neon-city": darker}))
    assert book.prompt_for(job_of(Kind.SCENE), "gpt-image-2").version != version


def test_a_version_changes_with_the_words_of_any_motion() -> None:
    version = prompt(Kind.ANIMATION, "minimax-live").version
    assert prompt(Kind.ANIMATION, "minimax-live", style="wave").version == version
    family = templates().families["minimax-live"]
    slower = replace(family, motions={**family.motions, "wave": "waves slowly"})
    book = replace(BOOK, templates=replace(templates(), families={**templates().families, "minimax-live": slower}))
    assert book.prompt_for(job_of(Kind.ANIMATION), "minimax-live").version != version


@pytest.mark.parametrize("kind", Kind)
def test_an_earlier_prompt_is_made_again_by_its_version_until_its_words_change(kind: Kind) -> None:
    family = "minimax-live" if kind is Kind.ANIMATION else "gpt-image-2"
    job = job_of(kind, details="a cat", style="wave")
    sent = BOOK.prompt_for(job, family)
    assert BOOK.prompt_sent(job, sent.version) == sent.text
    assert BOOK.prompt_sent(job, sent.version[:-1] + "x") is None
    assert BOOK.prompt_sent(job, f"{kind}/unknown/plain@00000000") is None
    darker = replace(themes()["neon-city"], light="no light at all", ambience="nothing")
    book = replace(BOOK, themes=MappingProxyType({"neon-city": darker}))
    assert book.prompt_sent(job, sent.version) is None


def test_the_simulator_understands_every_prompt() -> None:
    """The demo draws the requested theme."""
    for family, theme in product(PICTURES, themes()):
        text = prompt(Kind.SCENE, family, theme=theme).text
        assert wants_scene(text)
        assert setting_for(text) is setting_for(themes()[theme].name)
        assert not wants_scene(prompt(Kind.AVATAR, family, theme=None).text)


EXPERIMENT = Experiment("try", "", Kind.ANIMATION, "minimax-live", (Variant("plain", 3), Variant("short", 1)))
SESSIONS = [uuid5(UUID(int=0), str(number)) for number in range(4000)]


def test_every_running_experiment_chooses_between_templates_that_exist() -> None:
    for experiment in experiments():
        assert len(experiment.variants) > 1
        for variant in experiment.variants:
            assert variant.weight > 0
            assert (experiment.kind, experiment.family, variant.name) in templates().by_name
    places = Counter((experiment.kind, experiment.family) for experiment in experiments())
    assert set(places.values()) <= {1}


def test_sessions_get_variants_as_often_as_their_weights_say() -> None:
    counts = Counter(EXPERIMENT.variant_for(session) for session in SESSIONS)
    assert counts["plain"] / len(SESSIONS) == pytest.approx(0.75, abs=0.03)


def test_another_experiment_draws_independently() -> None:
    other = replace(EXPERIMENT, key="another")
    same = sum(EXPERIMENT.variant_for(session) == other.variant_for(session) for session in SESSIONS)
    assert same / len(SESSIONS) == pytest.approx(0.75**2 + 0.25**2, abs=0.03)


def test_a_session_keeps_its_variant_for_every_job() -> None:
    book = replace(BOOK, experiments=(EXPERIMENT,))
    for session in SESSIONS[:50]:
        jobs = [job_of(Kind.ANIMATION, id=uuid5(session, str(n)), session_id=session) for n in range(3)]
        (variant,) = {book.prompt_for(job, "minimax-live").variant for job in jobs}
        assert variant == EXPERIMENT.variant_for(session)


def test_the_prompt_is_made_from_the_variant() -> None:
    book = replace(BOOK, experiments=(EXPERIMENT,))
    for session in SESSIONS[:50]:
        made = book.prompt_for(job_of(Kind.ANIMATION, session_id=session), "minimax-live")
        assert made.version.startswith(f"animation/minimax-live/{made.variant}@")
        assert ("Meanwhile" in made.text) == (made.variant == "plain")


def test_a_family_without_an_experiment_takes_part_in_none() -> None:
    book = replace(BOOK, experiments=(EXPERIMENT,))
    made = book.prompt_for(job_of(Kind.ANIMATION), "minimax-director")
    assert (made.experiment, made.variant) == (None, None)
