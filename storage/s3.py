"""The object store, through boto3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

from storage.errors import ObjectTooLarge, translated

# Keys name one content for ever, so whoever holds a signed address may keep what it returns.
IMMUTABLE = "private, max-age=31536000, immutable"

_SPOOL_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_DELETE_MAX = 1000


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the store is. `public_endpoint_url` is its address for browsers and the provider, where that differs."""

    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    region: str = "us-east-1"
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was written or read, with the digest of its bytes."""

    key: str
    size_bytes: int
    sha256_hex: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells of an object."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class PresignedPost:
    """A form that a browser posts, the fields first and the file last."""

    url: str
    fields: dict[str, str]


class S3Store:
    """One bucket. Every method may be called from any thread and raises `StorageError`."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._client = _client(settings, settings.endpoint_url)
        # Signatures cover the host, so addresses for others must be signed for the host that they use.
        public = settings.public_endpoint_url
        self._signer = _client(settings, public) if public else self._client

    def ensure_bucket(self) -> None:
        """Make the bucket unless it is there, and let browsers read from it and post to it."""
        with translated(f"making the bucket {self._bucket}"):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError:
                self._client.create_bucket(Bucket=self._bucket)
            self._client.put_bucket_cors(Bucket=self._bucket, CORSConfiguration=_CORS)

    def check(self) -> None:
        """Raise StorageError unless the bucket can be reached with these credentials."""
        with translated(f"looking at the bucket {self._bucket}"):
            self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

    def put_stream(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str,
        max_bytes: int,
        cache_control: str = IMMUTABLE,
    ) -> StoredObject:
        """Write an object from chunks. Nothing is written where they fail or exceed `max_bytes` (ObjectTooLarge)."""
        digest = hashlib.sha256()
        size_bytes = 0
        with SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise ObjectTooLarge(f"writing {key}: more than {max_bytes} bytes")
                digest.update(chunk)
                spool.write(chunk)
            spool.seek(0)
            stored = StoredObject(key, size_bytes, digest.hexdigest(), content_type)
            self._upload(spool, stored, cache_control)
        return stored

    def put_file(self, key: str, path: Path, *, content_type: str, cache_control: str = IMMUTABLE) -> StoredObject:
        """Write a file as an object."""
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            return self.put_stream(
                key,
                iter(lambda: file.read(_CHUNK_BYTES), b""),
                content_type=content_type,
                max_bytes=size_bytes,
                cache_control=cache_control,
            )

    def download(self, key: str, path: Path, *, max_bytes: int) -> StoredObject:
        """Read an object into a file. Raises ObjectMissing, or ObjectTooLarge before anything is read."""
        digest = hashlib.sha256()
        with translated(f"reading {key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if answer["ContentLength"] > max_bytes:
                answer["Body"].close()
                raise ObjectTooLarge(f"reading {key}: {answer['ContentLength']} bytes, {max_bytes} are allowed")
            with path.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
        return StoredObject(key, answer["ContentLength"], digest.hexdigest(), answer["ContentType"])

    def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, or None when there is none."""
        with translated(f"looking at {key}"):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
                    return None
                raise
        return ObjectInfo(key, found["ContentLength"], found["LastModified"])

    def delete(self, keys: Iterable[str]) -> int:
        """Delete objects and return how many were named. A missing one is fine."""
        remaining = iter(keys)
        count = 0
        while batch := list(islice(remaining, _DELETE_MAX)):
            with translated(f"deleting {len(batch)} objects"):
                self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            count += len(batch)
        return count

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix`, in the order of keys."""
        with translated(f"listing {prefix or 'everything'}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", []):
                    yield ObjectInfo(found["Key"], found["Size"], found["LastModified"])

    def presigned_get(self, key: str, *, expires_s: int, filename: str | None = None) -> str:
        """Return an address that reads an object until it expires. `filename` is what a browser would save it as."""
        parameters: dict[str, str] = {"Bucket": self._bucket, "Key": key}
        if filename is not None:
            parameters["ResponseContentDisposition"] = f'inline; filename="{filename}"'
        with translated(f"signing an address of {key}"):
            return str(self._signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s))

    def presigned_post(self, key: str, *, content_type: str, max_bytes: int, expires_s: int) -> PresignedPost:
        """Return a form with which exactly this key can be written: of this type, of 1 to `max_bytes` bytes."""
        with translated(f"signing an upload to {key}"):
            made = self._signer.generate_presigned_post(
                self._bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
                ExpiresIn=expires_s,
            )
        return PresignedPost(made["url"], made["fields"])

    def _upload(self, body: IO[bytes], stored: StoredObject, cache_control: str) -> None:
        with translated(f"writing {stored.key}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=stored.key,
                Body=body,
                ContentLength=stored.size_bytes,
                ContentType=stored.content_type,
                CacheControl=cache_control,
                Metadata={"sha256": stored.sha256_hex},
            )


_CORS: Any = {
    "CORSRules": [
        {
            "AllowedMethods": ["GET", "HEAD", "POST"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": 3600,
        }
    ]
}


def _client(settings: S3Settings, endpoint_url: str | None) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        config=Config(
            signature_version="s3v4",
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=50,
            # Bucket names in host names need a wildcard DNS entry, which self-hosted stores seldom have.
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            # Newer checksum trailers are refused by stores that speak an older S3; we keep a SHA-256 of our own.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
