"""Limits on an upload, for clients that check a picture before they send it."""

from __future__ import annotations

import strawberry

from jobs.media import SELFIE_LIMITS
from jobs.requesting.uploads import UPLOAD_BYTES_MAX, UPLOAD_TYPES


@strawberry.type(description="What a selfie may be. A file beyond these limits is refused.")
class UploadLimits:
    content_types: list[str] = strawberry.field(
        description="The accepted media types. The file's own bytes decide, not its name."
    )
    max_bytes: int = strawberry.field(description="The largest size of the file in bytes.")
    min_side_pixels: int = strawberry.field(description="The least length of the shorter side in pixels.")
    max_pixels: int = strawberry.field(description="The largest product of width and height.")
    max_aspect_ratio: float = strawberry.field(description="The largest ratio of the longer to the shorter side.")

    @classmethod
    def current(cls) -> UploadLimits:
        """Return the limits by which uploads are checked."""
        return cls(
            content_types=list(UPLOAD_TYPES),
            max_bytes=UPLOAD_BYTES_MAX,
            min_side_pixels=SELFIE_LIMITS.min_side_px,
            max_pixels=SELFIE_LIMITS.max_pixels,
            max_aspect_ratio=SELFIE_LIMITS.max_aspect_ratio,
        )
