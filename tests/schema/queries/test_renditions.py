"""Smaller copies of a picture have addresses of their own, as WebP; of a video they are those of its poster."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.row_changes import write_row_changes
from db.records.renditions import Rendition
from schema.ids import IdKind, decode_id
from storage.keys import rendition_key
from tests.support.partners import Partner

URL = """
query ($id: ID!, $width: Int, $format: PictureFormat, $name: String) {
  asset(id: $id) { url(width: $width, format: $format, filename: $name) }
}
"""
WIDTHS = (320, 640, 1024)


def add_renditions(engine: Engine, asset: str, widths: tuple[int, ...] = WIDTHS) -> None:
    asset_id = decode_id(asset, IdKind.ASSET)
    with engine.begin() as conn:
        made = [_rendition(asset_id, width, f"assets/{asset_id}.png") for width in widths]
        write_row_changes(conn, made)


def _rendition(asset_id: UUID, width: int, of: str) -> Rendition:
    return Rendition(asset_id, width, width, rendition_key(of, width, "webp"), "image/webp", 1, "00")


def name_at(caller: Partner, asset: str, **given: object) -> str | None:
    """Return the last part of the address that a caller gets."""
    url = caller.ask(URL, id=asset, **given)["asset"]["url"]
    return None if url is None else urlsplit(url).path.rpartition("/")[2]


@pytest.fixture
def picture(acme: Partner) -> str:
    asset = acme.asset("avatar")
    add_renditions(acme.server.engine, asset)
    return asset


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ({}, ".png"),
        ({"format": "ORIGINAL"}, ".png"),
        ({"width": 320}, "-320.webp"),
        ({"width": 640, "format": "WEBP"}, "-640.webp"),
        ({"width": 1280}, "-1024.webp"),
        ({"format": "WEBP"}, "-1024.webp"),
    ],
)
def test_a_picture_comes_in_the_requested_size(acme: Partner, picture: str, given: dict[str, object], end: str) -> None:
    assert (name_at(acme, picture, **given) or "").endswith(end)


def test_a_working_copy_has_no_address(acme: Partner, picture: str) -> None:
    """A request without a width gets the widest copy, and the working copy is as wide as the picture."""
    asset_id = decode_id(picture, IdKind.ASSET)
    key = f"assets/{asset_id}-unlabelled.png"
    with acme.server.engine.begin() as conn:
        write_row_changes(conn, [Rendition(asset_id, 1024, 1024, key, "image/png", 1, "00", is_working_copy=True)])
    asked: tuple[dict[str, object], ...] = ({}, {"format": "ORIGINAL"}, {"format": "WEBP"}, {"width": 1280})
    assert [(name_at(acme, picture, **given) or "").rpartition("-")[2] for given in asked] == [
        *[f"{asset_id}.png".rpartition("-")[2]] * 2,
        *["1024.webp"] * 2,
    ]


def test_a_saved_copy_is_named_as_a_webp(acme: Partner, picture: str) -> None:
    url = acme.ask(URL, id=picture, width=320, name="cat")["asset"]["url"]
    assert "filename*=UTF-8''cat.webp" in unquote(url)


@pytest.mark.parametrize("width", [-1, 0, 321, 1920])
def test_another_width_is_refused(acme: Partner, picture: str, width: int) -> None:
    error = acme.fail(URL, id=picture, width=width)
    assert (error["extensions"]["code"], "320, 640 or 1280" in error["message"]) == ("BAD_USER_INPUT", True)


def test_the_original_has_no_other_width(acme: Partner, picture: str) -> None:
    assert acme.fail(URL, id=picture, width=320, format="ORIGINAL")["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_video_is_shown_by_its_poster(acme: Partner) -> None:
    video, poster = acme.asset("video"), acme.asset("poster")
    assert name_at(acme, video, width=320) is None
    add_renditions(acme.server.engine, poster, (320, 640, 1280))
    ids = {"video": decode_id(video, IdKind.ASSET), "poster": decode_id(poster, IdKind.ASSET)}
    with acme.server.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET poster_id = :poster WHERE id = :video"), ids)
        conn.execute(text("UPDATE assets SET content_type = 'image/webp' WHERE id = :poster"), ids)
    assert name_at(acme, video, width=640) == f"{ids['poster']}-640.webp"
    # The poster is a WebP itself.
    assert name_at(acme, video, format="WEBP") == f"{ids['poster']}.png"
    assert name_at(acme, video) == f"{ids['video']}.png"


PREVIEW = "query ($id: ID!, $name: String) { asset(id: $id) { previewUrl(filename: $name) } }"


def preview_of(caller: Partner, asset: str, **given: object) -> str | None:
    address: str | None = caller.ask(PREVIEW, id=asset, **given)["asset"]["previewUrl"]
    return address


def test_a_video_has_the_address_of_its_preview(acme: Partner) -> None:
    video = acme.asset("video")
    assert preview_of(acme, video) is None
    asset_id = decode_id(video, IdKind.ASSET)
    key = rendition_key(f"assets/{asset_id}.mp4", 854, "mp4")
    with acme.server.engine.begin() as conn:
        write_row_changes(conn, [Rendition(asset_id, 854, 480, key, "video/mp4", 1, "00")])
    assert urlsplit(preview_of(acme, video) or "").path.endswith(f"/{asset_id}-854.mp4")
    assert "filename*=UTF-8''cat.mp4" in unquote(preview_of(acme, video, name="cat") or "")
    assert acme.fail(PREVIEW, id=video, name="a/b")["extensions"]["code"] == "BAD_USER_INPUT"
    # A preview stands for the moving video only; a picture of it is its poster, which it has not.
    assert name_at(acme, video, width=640) is None
    with acme.server.engine.begin() as conn:
        conn.execute(text("UPDATE assets SET state = 'deleted' WHERE id = :id"), {"id": asset_id})
    assert preview_of(acme, video) is None


def test_a_picture_has_no_preview(acme: Partner, picture: str) -> None:
    assert preview_of(acme, picture) is None


def test_a_picture_without_renditions_is_given_itself(acme: Partner) -> None:
    assert (name_at(acme, acme.asset("avatar"), width=320) or "").endswith(".png")


def test_a_deleted_picture_has_no_copies(acme: Partner, picture: str) -> None:
    with acme.server.engine.begin() as conn:
        conn.execute(
            text("UPDATE assets SET state = 'deleted' WHERE id = :id"), {"id": decode_id(picture, IdKind.ASSET)}
        )
    assert name_at(acme, picture, width=320) is None
