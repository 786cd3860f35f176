"""The object store: one bucket and the operations on its objects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from storage.bucket import make_bucket
from storage.client import S3Settings, s3_client
from storage.disposition import inline_as
from storage.errors import ObjectAltered, ObjectTooLarge, StorageError, error_code, is_missing, of_key, translated
from storage.objects import Content, ObjectInfo, PresignedPost, StoredObject
from storage.steady import lifetime_of, make_steady
from storage.uploads import unfinished, write

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# The content of a key never changes, so clients may cache the response of a signed URL.
IMMUTABLE = "private, max-age=31536000, immutable"

_SPOOL_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_PART_BYTES = 4 * 1024 * 1024
_DELETE_MAX = 1000


class S3Store:
    """One bucket. Every method may be called from any thread and raises `StorageError`.

    Callers give and get keys without the prefix of the settings, so rows stay valid when objects move to another one.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._prefix = settings.key_prefix
        self._client = s3_client(settings, settings.endpoint_url)
        # Signatures cover the host, so public URLs must be signed for the public host.
        public = settings.public_endpoint_url
        self._signer = s3_client(settings, public) if public else self._client

    def ensure_bucket(self) -> None:
        """Create the bucket if it does not exist, and let browsers read and post if it has no CORS rules."""
        with translated(f"making the bucket {self._bucket}"):
            make_bucket(self._client, self._bucket, self._settings.region)

    def check(self) -> None:
        """Raise StorageError unless an object can be written, listed and deleted. Leaves no object behind."""
        key = f"check/{uuid4()}"
        self.put_stream(key, [b"check"], content_type="text/plain", max_bytes=5)
        try:
            found = [each.key for each in self.list(key)]
        finally:
            self.delete([key])
        if found != [key]:
            raise StorageError(f"checking the bucket {self._bucket}: it does not list an object that was just written")

    def put_stream(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str,
        max_bytes: int,
        cache_control: str = IMMUTABLE,
    ) -> StoredObject:
        """Write an object from chunks. Write nothing if they fail or exceed `max_bytes` (ObjectTooLarge)."""
        digest = hashlib.sha256()
        size_bytes = 0
        with SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise ObjectTooLarge(f"writing {key}: more than the {max_bytes} bytes that are allowed")
                digest.update(chunk)
                spool.write(chunk)
            stored = StoredObject(key, size_bytes, digest.hexdigest(), content_type)
            self._upload(spool, stored, cache_control)
        return stored

    def put_file(self, key: str, path: Path, *, content_type: str, cache_control: str = IMMUTABLE) -> StoredObject:
        """Write a file as an object."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            stored = StoredObject(key, file.tell(), digest.hexdigest(), content_type)
            self._upload(file, stored, cache_control)
        return stored

    def download(self, key: str, path: Path, *, max_bytes: int, content: Content | None = None) -> StoredObject:
        """Read an object into a file. Raises ObjectMissing, or ObjectTooLarge before reading the body.

        Raises ObjectAltered if its bytes are not `content`. Leaves no file at `path` after an error.
        """
        try:
            with path.open("wb") as file:
                return self._read(key, file, max_bytes, content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def read_in_parts(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes, each part by a call of its own, so that nothing stays open between them.

        Raises ObjectMissing, also at a later part if the object is deleted meanwhile.
        """
        start, total = 0, 1
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Key": self._prefix + key}
        while start < total:
            wanted["Range"] = f"bytes={start}-{start + _PART_BYTES - 1}"
            with translated(f"reading {key}"):
                response = self._client.get_object(**wanted)
                part = response["Body"].read()
            total = int(response["ContentRange"].rpartition("/")[2])
            start += len(part)
            yield part

    def verify(self, key: str, content: Content) -> None:
        """Read an object and raise ObjectAltered unless its bytes are `content`, or ObjectMissing."""
        self._read(key, None, content.size_bytes, content)

    def head(self, key: str) -> ObjectInfo | None:
        """Return an object's size and time, or None if it does not exist."""
        with translated(f"looking at {key}"):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if error_code(error) == "404":  # a response to HEAD has no body, so the status is the only code
                    return None
                raise
        return ObjectInfo(key, found["ContentLength"], found["LastModified"])

    def delete(self, keys: Iterable[str]) -> int:
        """Delete objects and return the number of keys given. Missing objects are not an error."""
        remaining = iter(keys)
        count = 0
        while batch := list(islice(remaining, _DELETE_MAX)):
            self._delete_batch(batch)
            count += len(batch)
        return count

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix` and sorts after `after`, in key order."""
        with translated(f"listing {prefix or 'everything'}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix, StartAfter=self._prefix + after if after else ""
            )
            for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(self._prefix)
                    yield ObjectInfo(key, found["Size"], found["LastModified"])

    def abort_uploads(self, began_before: datetime, is_ours: Callable[[str], bool]) -> int:
        """Remove the parts of uploads in parts whose writers died; return how many uploads there were."""
        with translated("removing unfinished uploads"):
            abandoned = [
                each
                for each in unfinished(self._client, self._bucket, self._prefix)
                if each.began_at <= began_before and is_ours(each.key.removeprefix(self._prefix))
            ]
            for each in abandoned:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=each.key, UploadId=each.upload_id)
        return len(abandoned)

    def presigned_get(self, key: str, *, expires_s: int, filename: str | None = None) -> str:
        """Return a URL that reads an object until it expires. `filename` is the name for saving it in a browser."""
        parameters = self._reading(key, filename)
        with translated(f"signing an address of {key}"):
            return self._signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s)

    def steady_get(self, key: str, *, expires_s: int, filename: str | None = None) -> str:
        """Return a URL as `presigned_get` does that stays the same for some minutes and lasts `expires_s` at least."""
        parameters = self._reading(key, filename)
        with translated(f"signing an address of {key}"):
            return self._steady_signer.generate_presigned_url(
                "get_object", Params=parameters, ExpiresIn=lifetime_of(expires_s)
            )

    def _reading(self, key: str, filename: str | None) -> dict[str, str]:
        parameters: dict[str, str] = {"Bucket": self._bucket, "Key": self._prefix + key}
        if filename is not None:
            parameters["ResponseContentDisposition"] = inline_as(filename)
        return parameters

    @cached_property
    def _steady_signer(self) -> S3Client:
        return make_steady(s3_client(self._settings, self._settings.public_endpoint_url or self._settings.endpoint_url))

    def presigned_post(self, key: str, *, content_type: str, max_bytes: int, expires_s: int) -> PresignedPost:
        """Return a form that can write only this key, with this type and 1 to `max_bytes` bytes."""
        fields = {"Content-Type": content_type, **self._settings.encryption.form_fields}
        with translated(f"signing an upload to {key}"):
            made = self._signer.generate_presigned_post(
                self._bucket,
                self._prefix + key,
                Fields=dict(fields),
                Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", 1, max_bytes]],
                ExpiresIn=expires_s,
            )
        return PresignedPost(made["url"], made["fields"])

    def _read(self, key: str, file: IO[bytes] | None, max_bytes: int, content: Content | None) -> StoredObject:
        digest = hashlib.sha256()
        with translated(f"reading {key}"):
            response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            size_bytes = response["ContentLength"]
            with closing(response["Body"]) as body:
                _refuse_another_size(content, key, size_bytes)
                _refuse_more_than(max_bytes, key, size_bytes)
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    digest.update(chunk)
                    if file is not None:
                        file.write(chunk)
        if content is not None and digest.hexdigest() != content.sha256_hex:
            raise ObjectAltered(f"reading {key}: its digest is {digest.hexdigest()}, not {content.sha256_hex}")
        return StoredObject(key, size_bytes, digest.hexdigest(), response["ContentType"])

    def _upload(self, body: IO[bytes], stored: StoredObject, cache_control: str) -> None:
        others = {"CacheControl": cache_control, **self._settings.encryption.arguments}
        with translated(f"writing {stored.key}"):
            write(self._client, self._bucket, self._prefix + stored.key, body, stored, **others)

    def _delete_batch(self, keys: Sequence[str]) -> None:
        what = f"deleting {len(keys)} objects"
        with translated(what):
            response: Any = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": self._prefix + key} for key in keys], "Quiet": True}
            )
        refused = [each for each in response.get("Errors", []) if not is_missing(str(each.get("Code")))]
        for each in refused:
            raise of_key(f"{what}, {len(refused)} refused, at {each.get('Key')}", str(each.get("Code")))


def _refuse_another_size(content: Content | None, key: str, size_bytes: int) -> None:
    if content is not None and size_bytes != content.size_bytes:
        raise ObjectAltered(f"reading {key}: {size_bytes} bytes, not {content.size_bytes}")


def _refuse_more_than(max_bytes: int, key: str, size_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise ObjectTooLarge(f"reading {key}: {size_bytes} bytes, {max_bytes} are allowed")
