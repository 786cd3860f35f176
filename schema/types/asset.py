"""Pictures and videos, and the time-limited addresses under which they are fetched."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry

from db.records.assets import Asset as AssetRecord
from schema.context import Info
from schema.errors import BAD_USER_INPUT, ApiError
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.scalars import URL, BigInt
from schema.types.enums import AssetKind, AssetState
from schema.types.node import Node

_URL_SECONDS = range(60, 24 * 3600 + 1)
_FILENAME_MAX = 100


def _is_a_name(filename: str) -> bool:
    return 1 <= len(filename.strip()) <= _FILENAME_MAX and filename.isprintable() and not set(filename) & set("/\\")


def _with_extension(filename: str, content_type: str) -> str:
    extension = "." + content_type.partition("/")[2].replace("jpeg", "jpg")
    return filename if filename.lower().endswith(extension) else filename + extension


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
        "A URL of the file, valid for 60 to 86400 seconds; null unless the asset is ready. A browser saves the file as "
        "`filename`, of at most 100 characters, by default its kind and the day on which it was made; the extension is "
        "added."
    )
    def url(self, info: Info, expires_in_seconds: int = 900, filename: str | None = None) -> URL | None:
        if expires_in_seconds not in _URL_SECONDS:
            raise ApiError(BAD_USER_INPUT, "expiresInSeconds must be from 60 to 86400.")
        if filename is not None and not _is_a_name(filename):
            raise ApiError(BAD_USER_INPUT, "filename must have 1 to 100 characters and neither slashes nor controls.")
        if self.state is not AssetState.READY:
            return None
        store = info.context.parts.runtime.store
        name = _with_extension(filename or f"{self.kind}-{self.created_at:%Y-%m-%d}", self.content_type)
        return URL(store.presigned_get(self.record.object_key, expires_s=expires_in_seconds, filename=name))

    @field("A still image of a video.")
    async def poster(self, info: Info) -> Asset | None:
        if self.record.poster_id is None:
            return None
        found = await info.context.loaders.assets.load(self.record.poster_id)
        return None if found is None else Asset.of(found)
