"""A theme has a picture that a page can show, and that is served as what it is."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import httpx
from PIL import Image

from jobs.catalogue.theme_pictures import name_of_picture, theme_pictures
from jobs.catalogue.themes import themes
from tests.support.partners import Partner

THEMES = "{ themes { key previewUrl } }"


def test_every_built_in_theme_has_a_small_picture_of_its_own(acme: Partner) -> None:
    found = {theme["key"]: theme["previewUrl"] for theme in acme.user().ask(THEMES)["themes"]}
    assert list(found) == list(themes())
    contents = [httpx.get(url).raise_for_status() for url in found.values()]
    assert len({each.content for each in contents}) == len(themes())
    for each in contents:
        assert each.headers["content-type"] == "image/webp"
        assert "immutable" in each.headers["cache-control"]
        assert len(each.content) <= 40_000
        with Image.open(BytesIO(each.content)) as image:
            assert (image.format, image.size) == ("WEBP", (480, 270))


def test_another_name_is_not_found(acme: Partner) -> None:
    name = next(iter(theme_pictures()))
    for other in ("neon-city.webp", name[:-6] + "0.webp", "..%2fthemes.json", "%00"):
        assert httpx.get(f"{acme.server.url}/themes/{other}").status_code == 404


def test_a_theme_of_the_operator_has_no_picture_even_if_it_replaces_a_built_in_one() -> None:
    built_in = themes()["neon-city"]
    assert name_of_picture(built_in) in theme_pictures()
    assert name_of_picture(replace(built_in, name="Another")) is None
    assert name_of_picture(replace(built_in, key="steam-city")) is None
