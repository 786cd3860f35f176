"""Pictures and videos, and the time-limited addresses under which they are fetched."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry

from db.records.assets import Asset as AssetRecord
from db.records.renditions import Rendition
from jobs.media import RENDITION_WIDTHS_PX
from schema.context import Info
from schema.errors import BAD_USER_INPUT, ApiError
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.loaders import Loaders
from schema.scalars import URL, BigInt
from schema.types.enums import AssetKind, AssetState, PictureFormat
from schema.types.node import Node

_URL_SECONDS = range(60, 24 * 3600 + 1)
_FILENAME_MAX = 100
_WEBP = "image/webp"


def _is_a_name(filename: str) -> bool:
    return 1 <= len(filename.strip()) <= _FILENAME_MAX and filename.isprintable() and not set(filename) & set("/\\")


def _with_extension(filename: str, content_type: str) -> str:
    extension = "." + content_type.partition("/")[2].replace("jpeg", "jpg")
    return filename if filename.lower().endswith(extension) else filename + extension


def _check_address(expires_in_seconds: int, filename: str | None) -> None:
    if expires_in_seconds not in _URL_SECONDS:
        raise ApiError(BAD_USER_INPUT, "expiresInSeconds must be from 60 to 86400.")
    if filename is not None and not _is_a_name(filename):
        raise ApiError(BAD_USER_INPUT, "filename must have 1 to 100 characters and neither slashes nor controls.")


def _check_size(width: int | None, picture_format: PictureFormat | None) -> None:
    if width is not None and width not in RENDITION_WIDTHS_PX:
        raise ApiError(BAD_USER_INPUT, "width must be 320, 640 or 1280; omit it for the original.")
    if width is not None and picture_format is PictureFormat.ORIGINAL:
        raise ApiError(BAD_USER_INPUT, "The original has one size: omit width, or ask for WEBP.")


async def _webp(record: AssetRecord, loaders: Loaders, width: int | None) -> AssetRecord | Rendition | None:
    """Return the rendition of a picture, or of a video's poster, at a width or, for None, at its full size.

    The picture itself where it has no such rendition because it is a WebP, and None for a video without a poster.
    """
    picture = record
    if record.kind == AssetKind.VIDEO:
        poster = None if record.poster_id is None else await loaders.assets.load(record.poster_id)
        if poster is None or poster.state != AssetState.READY:
            return None
        picture = poster
    made = await loaders.renditions.load(picture.id) or []
    return next((each for each in made if width is not None and each.width_px >= width), _widest(picture, made))


def _widest(picture: AssetRecord, made: list[Rendition]) -> AssetRecord | Rendition:
    return made[-1] if made and picture.content_type != _WEBP else picture


@strawberry.type(description="A file in our own storage.")
class Asset(Node):
    record: strawberry.Private[AssetRecord]
    kind: AssetKind
    state: AssetState
    content_type: str
    width: int | None = strawberry.field(description="In pixels; null until the asset is ready.")
    height: int | None = strawberry.field(description="In pixels; null until the asset is ready.")
    duration_seconds: float | None = strawberry.field(description="Of a video.")
    frames_per_second: float | None = strawberry.field(description="Of a video.")
    size_bytes: BigInt | None
    sha256: str | None
    rejection: str | None = strawberry.field(description="The reason an upload was rejected.")
    expires_at: datetime | None = strawberry.field(description="When retention removes the file.")
    created_at: datetime

    @classmethod
    def of(cls, record: AssetRecord) -> Asset:
        """Return the asset of a record."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.ASSET, record.id)),
            record=record,
            kind=AssetKind(record.kind),
            state=AssetState(record.state),
            content_type=record.content_type,
            width=record.width_px,
            height=record.height_px,
            duration_seconds=record.duration_s,
            frames_per_second=record.frames_per_second,
            size_bytes=cast("BigInt | None", record.size_bytes),
            sha256=record.sha256,
            rejection=record.rejection,
            expires_at=record.expires_at,
            created_at=record.created_at,
        )

    @field(
        "A URL of the file, valid for 60 to 86400 seconds; null unless the asset is ready. With `width` (320, 640 or "
        "1280 pixels) it is of a smaller copy, a WebP that every browser shows; a narrower picture keeps its own "
        "width. `format: WEBP` alone gives a WebP of the full size. Of a video, both give its poster. A browser "
        "saves the file as `filename`, of at most 100 characters, by default its kind and the day on which it was "
        "made; the extension is added. It is signed for GET, so HEAD gets 403: ask for the range `bytes=0-0` instead."
    )
    async def url(
        self,
        info: Info,
        expires_in_seconds: int = 900,
        filename: str | None = None,
        width: int | None = None,
        format: PictureFormat | None = None,
    ) -> URL | None:
        _check_address(expires_in_seconds, filename)
        _check_size(width, format)
        if self.state is not AssetState.READY:
            return None
        original = width is None and format is not PictureFormat.WEBP
        file = self.record if original else await _webp(self.record, info.context.loaders, width)
        return self._address(info, file, expires_in_seconds, filename)

    @field(
        "A URL of a small copy of a video, for pages that show many: an MP4 of 854×480, at most a megabyte for ten "
        "seconds, with the sound of the video. Null for a picture, unless the asset is ready, and for a video whose "
        "preview could not be made: show the poster then. The arguments are those of `url`."
    )
    async def preview_url(self, info: Info, expires_in_seconds: int = 900, filename: str | None = None) -> URL | None:
        _check_address(expires_in_seconds, filename)
        if self.state is not AssetState.READY or self.record.kind != AssetKind.VIDEO:
            return None
        made = await info.context.loaders.renditions.load(self.record.id)
        return self._address(info, made[0] if made else None, expires_in_seconds, filename)

    def _address(
        self, info: Info, file: AssetRecord | Rendition | None, expires_s: int, filename: str | None
    ) -> URL | None:
        if file is None:
            return None
        name = _with_extension(filename or f"{self.kind}-{self.created_at:%Y-%m-%d}", file.content_type)
        return URL(info.context.parts.runtime.store.presigned_get(file.object_key, expires_s=expires_s, filename=name))

    @field("A still image of a video.")
    async def poster(self, info: Info) -> Asset | None:
        if self.record.poster_id is None:
            return None
        found = await info.context.loaders.assets.load(self.record.poster_id)
        return None if found is None else Asset.of(found)
