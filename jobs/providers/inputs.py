"""How the provider gets a picture: from a signed address in our storage, or inside the request."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from PIL import Image

from storage import S3Store

# Objects larger than this are no pictures of ours.
_PICTURE_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PictureInputs:
    """Makes addresses that the provider can read.

    `inline` puts the picture into the request, for a store that the provider can not reach. Otherwise the address
    is a signed one whose file name carries the attempt's token, by which a lost submission is found again.
    """

    store: S3Store
    inline: bool

    def address(self, object_key: str, token: UUID, *, expires_s: int) -> str:
        """Return an address of the picture: `https:`, `http:` or `data:`. Raises StorageError."""
        if not self.inline:
            return self.store.presigned_get(object_key, expires_s=expires_s, filename=f"{token}.{object_key[-3:]}")
        with TemporaryDirectory(prefix="diorama-input-") as folder:
            picture = Path(folder) / "picture"
            self.store.download(object_key, picture, max_bytes=_PICTURE_BYTES_MAX)
            return "data:image/jpeg;base64," + base64.b64encode(_as_jpeg(picture)).decode()


def _as_jpeg(picture: Path) -> bytes:
    """Return one of our own pictures as a JPEG: a fifth of the size of a PNG, below a megabyte."""
    buffer = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
