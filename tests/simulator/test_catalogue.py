"""The catalogue: its models, their prices and durations, and how to add to it."""

from __future__ import annotations

import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest

from simulator.models import Model, load
from tests.simulator.clients import Api
from tests.simulator.conftest import Start

CATALOGUE = load()
EXPECTED = {
    "openai/gpt-image-1",
    "openai/gpt-image-1-mini",
    "openai/gpt-image-1.5",
    "openai/gpt-image-2",
    "openai/gpt-image-2.5-flare",
    "openai/gpt-image-2.5-sunburst",
    "minimax/video-01",
    "minimax/video-01-live",
    "minimax/video-01-director",
    "minimax/hailuo-02",
    "minimax/hailuo-2.3",
    "replicate/hello-world",
}


def test_catalogue_has_the_models_it_promises() -> None:
    assert set(CATALOGUE.by_path) == EXPECTED


@pytest.mark.parametrize(
    ("path", "given", "usd"),
    [
        ("openai/gpt-image-1", {"quality": "low"}, 0.012),
        ("openai/gpt-image-1", {"quality": "high", "aspect_ratio": "3:2"}, 0.251),
        ("openai/gpt-image-1.5", {}, 0.136),
        ("openai/gpt-image-2", {"quality": "medium", "number_of_images": 3}, 0.141),
        ("openai/gpt-image-2.5-sunburst", {}, 0.25),
        ("openai/gpt-image-2.5-flare", {"quality": "max"}, 0.5),
        ("minimax/video-01-live", {}, 0.5),
        ("minimax/hailuo-2.3", {}, 0.28),
        ("minimax/hailuo-2.3", {"duration": 10}, 0.56),
        ("minimax/hailuo-02", {"resolution": "768p", "duration": 10}, 0.45),
    ],
)
def test_price_depends_on_the_input_and_its_defaults(path: str, given: dict[str, Any], usd: float) -> None:
    assert CATALOGUE.by_path[path].price_usd(given) == pytest.approx(usd)


@pytest.mark.parametrize("model", list(CATALOGUE), ids=lambda model: model.path)
def test_durations_vary_around_the_median_within_limits(model: Model) -> None:
    rng = random.Random(1)
    runs = [model.draw_run_s(rng) for _ in range(500)]
    wanted = model.timing["run_s"]
    assert wanted["min"] <= min(runs) < max(runs) <= wanted["max"]
    assert statistics.median(runs) == pytest.approx(wanted["median"], rel=0.1)


@pytest.mark.parametrize("model", list(CATALOGUE), ids=lambda model: model.path)
def test_every_choice_has_its_default_and_size(model: Model) -> None:
    for described in model.properties.values():
        if "enum" in described:
            assert described.get("default") in described["enum"]
    if model.kind == "images":
        assert set(model.properties["aspect_ratio"]["enum"]) == set(model.output["sizes_px"])
    assert set(model.required) <= set(model.properties)


def test_more_models_are_added_by_file(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(
        json.dumps(
            {
                "owner": "me",
                "official": True,
                "inputs": {"n": {"type": "number", "minimum": 0}},
                "outputs": {},
                "models": [
                    {
                        "name": "echo",
                        "description": "Says a number.",
                        "inputs": {"n": "n"},
                        "required": ["n"],
                        "output": {"kind": "text", "template": "n is {n}"},
                        "price": {"per": "run", "rows": [{"when": {}, "usd": 1}]},
                        "timing": {"queue_s": [0, 0], "run_s": {"median": 1, "spread": 0, "min": 1, "max": 1}},
                        "logs": {"start": "", "end": ""},
                    }
                ],
            }
        )
    )
    api: Api = start(model_files=(str(file),))
    assert api.finished("me/echo", {"n": 2.5})["output"] == "n is 2.5"
    assert api.create("me/echo", {"n": -1}).status_code == 422
    assert api.bill()["total_usd"] == 1
