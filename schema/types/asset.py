"""Pictures and videos, and the time-limited addresses under which they are fetched."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from db.records.assets import Asset as AssetRecord
from db.records.renditions import Rendition
from jobs.media import RENDITION_WIDTHS_PX
from schema.context import Info
from schema.disclosure import of_people
from schema.errors import BAD_USER_INPUT, ApiError
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.loaders import Loaders
from schema.scalars import URL, BigInt
from schema.types.enums import AssetKind, AssetState, PictureFormat
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.job import Job

_URL_SECONDS = range(60, 24 * 3600 + 1)
_FILENAME_MAX = 100
_WEBP = "image/webp"

ExpiresInSeconds = Annotated[
    int, strawberry.argument(description="How long the URL works at least, in seconds: 60 to 86400.")
]
Filename = Annotated[
    str | None,
    strawberry.argument(
        description="The name under which a browser saves the file, 1 to 100 characters without slashes; the extension "
        "is added. Null for the kind of the file and the day on which it was made."
    ),
]
_WIDTH = strawberry.argument(
    description="The width of a smaller copy: 320, 640 or 1280 pixels; null for the full size."
)
_FORMAT = strawberry.argument(description="Null for `WEBP` with a width, and for `ORIGINAL` without one.")


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
    kind: AssetKind = strawberry.field(description="The content of the file.")
    state: AssetState = strawberry.field(description="Only a `READY` asset can be fetched and used.")
    content_type: str = strawberry.field(
        description="The media type, such as `image/png` or `video/mp4`; until an upload is complete, the declared one."
    )
    width: int | None = strawberry.field(description="In pixels; null until the asset is ready.")
    height: int | None = strawberry.field(description="In pixels; null until the asset is ready.")
    duration_seconds: float | None = strawberry.field(
        description="The length of a video in seconds; null for a picture, and until the asset is ready."
    )
    frames_per_second: float | None = strawberry.field(
        description="The frame rate of a video; null for a picture, and until the asset is ready."
    )
    size_bytes: BigInt | None = strawberry.field(
        description="The size of the file in bytes; null until the asset is ready."
    )
    sha256: str | None = strawberry.field(
        description="The SHA-256 of the file in hexadecimal; null until the asset is ready."
    )
    rejection: str | None = strawberry.field(
        description="Why an upload was rejected, or a picture was taken down by support, for the end user; null for "
        "any other asset."
    )
    expires_at: datetime | None = strawberry.field(
        description="When retention removes the file; null if it is kept without a limit."
    )
    created_at: datetime = strawberry.field(description="When the asset was reserved or made.")

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
        "A URL of the file, valid for at least `expiresInSeconds`; null unless the asset is ready, and for viewers. It "
        "stays the same for up to ten minutes, so that browsers find the file in their cache. With `width` it is of a "
        "smaller copy, a WebP that every browser shows; a narrower picture keeps its own width. `format: WEBP` "
        "alone gives a WebP of the full size. Of a video, both give its poster. It is signed for GET, so HEAD gets "
        "403: ask for the range `bytes=0-0` instead."
    )
    async def url(
        self,
        info: Info,
        expires_in_seconds: ExpiresInSeconds = 900,
        filename: Filename = None,
        width: Annotated[int | None, _WIDTH] = None,
        format: Annotated[PictureFormat | None, _FORMAT] = None,
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
        "seconds, with the sound of the video. Null for a picture, unless the asset is ready, for viewers, and for a "
        "video whose preview could not be made: show the poster then."
    )
    async def preview_url(
        self, info: Info, expires_in_seconds: ExpiresInSeconds = 900, filename: Filename = None
    ) -> URL | None:
        _check_address(expires_in_seconds, filename)
        if self.state is not AssetState.READY or self.record.kind != AssetKind.VIDEO:
            return None
        made = await info.context.loaders.renditions.load(self.record.id)
        return self._address(info, made[0] if made else None, expires_in_seconds, filename)

    def _address(
        self, info: Info, file: AssetRecord | Rendition | None, expires_s: int, filename: str | None
    ) -> URL | None:
        # An address opens the file to everyone who has it, so none is signed for a viewer.
        if file is None or of_people(info.context.principal, file) is None:
            return None
        name = _with_extension(filename or f"{self.kind}-{self.created_at:%Y-%m-%d}", file.content_type)
        return URL(info.context.parts.runtime.store.steady_get(file.object_key, expires_s=expires_s, filename=name))

    @field("The job that made it; null for a selfie and a poster.")
    async def job(self, info: Info) -> Annotated[Job, strawberry.lazy("schema.types.job")] | None:
        from schema.types.job import Job

        found = await info.context.loaders.makers.load(self.record.id)
        return None if found is None else Job.of(found)

    @field("A still image of a video; null for a picture.")
    async def poster(self, info: Info) -> Asset | None:
        if self.record.poster_id is None:
            return None
        found = await info.context.loaders.assets.load(self.record.poster_id)
        return None if found is None else Asset.of(found)
