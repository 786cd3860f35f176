"""A live schema that differs from a profile is reported field by field."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.providers.drift import Drift, SchemaUnknown, drift_of, live_schema
from jobs.providers.profiles import profiles
from simulator.serve import Background
from simulator.settings import SimulatorSettings

Catalogues = dict[str, dict[str, Any]]


def catalogues() -> Catalogues:
    folder = files("simulator.models")
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("minimax", "openai")}


def schemas_of(tmp_path: Path, changed: Catalogues) -> Iterator[httpx.Client]:
    """Serve altered catalogues in place of the built-in ones."""
    paths = []
    for name, catalogue in changed.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(catalogue), encoding="utf-8")
        paths.append(str(path))
    with (
        Background(SimulatorSettings(model_files=tuple(paths))) as simulator,
        httpx.Client(base_url=simulator.api_url, headers={"Authorization": "Bearer r8_x"}) as client,
    ):
        yield client


@pytest.fixture
def unchanged(tmp_path: Path) -> Iterator[httpx.Client]:
    yield from schemas_of(tmp_path, {})


@pytest.fixture
def drifted(tmp_path: Path) -> Iterator[httpx.Client]:
    """Yield a provider that renamed, dropped, required and forbade inputs, and returns another shape."""
    changed = catalogues()
    pool = changed["openai"]["inputs"]
    pool["aspect_ratio_18"] = {**pool["aspect_ratio_18"], "enum": ["1:1", "16:9"]}
    for model in changed["openai"]["models"]:
        if model["name"] == "gpt-image-2":
            del model["inputs"]["user_id"]
            model["required"].append("openai_api_key")
    for model in changed["minimax"]["models"]:
        if model["name"] == "video-01-live":
            model["output"] = copy.deepcopy(changed["openai"]["outputs"]["pictures_3"])
            del model["inputs"]["prompt_optimizer"]
    yield from schemas_of(tmp_path, changed)


def test_no_profile_differs_from_the_schemas_it_was_made_from(unchanged: httpx.Client) -> None:
    for profile in profiles().values():
        assert drift_of(profile, live_schema(unchanged, profile.model)) == []


def test_drift_is_reported_by_field(drifted: httpx.Client) -> None:
    picture, video = profiles()["openai/gpt-image-2"], profiles()["minimax/video-01-live"]
    assert drift_of(picture, live_schema(drifted, picture.model)) == [
        Drift(picture.model, "user_id", "we send it, and the model no longer takes it"),
        Drift(picture.model, "aspect_ratio", "we send '2048x1152', and the model takes '1:1', '16:9'"),
        Drift(picture.model, "openai_api_key", "the model needs it, and we do not send it"),
    ]
    assert drift_of(video, live_schema(drifted, video.model)) == [
        Drift(video.model, "prompt_optimizer", "we send it, and the model no longer takes it"),
        Drift(video.model, "output", "the model returns list, and we expect one"),
    ]


def test_a_model_that_is_gone_has_no_schema(unchanged: httpx.Client) -> None:
    with pytest.raises(SchemaUnknown, match="no such model"):
        live_schema(unchanged, "openai/gpt-image-0")


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (httpx.Response(503, text="<html>"), "HTTP 503"),
        (httpx.Response(200, text="<html>"), "does not publish"),
        (httpx.Response(200, json={"latest_version": None}), "does not publish"),
        (httpx.Response(200, json={"latest_version": {"openapi_schema": None}}), "does not publish"),
        (httpx.Response(200, json=[]), "does not publish"),
    ],
)
def test_a_response_without_a_schema_raises(response: httpx.Response, why: str) -> None:
    client = httpx.Client(base_url="http://provider", transport=httpx.MockTransport(lambda _: response))
    with pytest.raises(SchemaUnknown, match=why):
        live_schema(client, "openai/gpt-image-2")


def test_choices_are_found_wherever_the_schema_keeps_them() -> None:
    profile = profiles()["minimax/hailuo-02"]
    document = {
        "components": {
            "schemas": {
                "Input": {
                    "properties": {
                        "prompt": {},
                        "first_frame_image": {},
                        "prompt_optimizer": {},
                        "duration": {"enum": [6]},
                        "resolution": {"anyOf": [{"$ref": "#/components/schemas/resolution"}, {"type": "null"}]},
                    }
                },
                "resolution": {"enum": ["1080p"]},
            }
        }
    }
    assert [drift.field for drift in drift_of(profile, document)] == ["resolution", "duration"]
