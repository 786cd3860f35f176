"""Give the provider access to a picture: uploaded to it, or by a signed URL in our storage.

Either way the URL belongs to one attempt, and a prediction shows its inputs: a submission whose response was lost is
found again by it, even if the model has no other input that could carry a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from jobs.media import make_model_input
from jobs.providers.provider import Provider
from storage import Content, S3Store

# Larger objects are no pictures of ours.
_PICTURE_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PictureInputs:
    """Makes URLs that the provider can read.

    `uploads_to` is a provider that stores the pictures itself, for a day. Without one, it reads them from our storage,
    by signed URLs whose file names carry the attempt's token.
    """

    store: S3Store
    uploads_to: Provider | None = None

    def address(self, object_key: str, content: Content, token: UUID, *, expires_s: int) -> str:
        """Return an `https:` or `http:` URL of the picture, whose bytes have been compared with `content`.

        Raises StorageError (ObjectMissing and ObjectAltered are final) and ProviderError.
        """
        if self.uploads_to is None:
            self.store.verify(object_key, content)
            return self.store.presigned_get(object_key, expires_s=expires_s, filename=f"{token}.{object_key[-3:]}")
        with TemporaryDirectory(prefix="diorama-input-") as folder:
            picture = Path(folder) / "picture"
            self.store.download(object_key, picture, max_bytes=_PICTURE_BYTES_MAX, content=content)
            return self.uploads_to.upload(f"{token}.jpg", _as_jpeg(picture), token)


def _as_jpeg(picture: Path) -> bytes:
    """Return one of our pictures as a JPEG on white, below a megabyte: a fifth of the size of a PNG.

    A selfie is one already. Others are converted in a child process: the bytes were a stranger's once.
    """
    with picture.open("rb") as file:
        is_jpeg = file.read(3) == b"\xff\xd8\xff"
    if not is_jpeg:
        converted = picture.with_name("converted.jpg")
        make_model_input(picture, converted)
        picture = converted
    return picture.read_bytes()
