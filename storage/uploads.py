"""Writing an object: in one request, or a large one in parts, and the removal of uploads that were never completed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig

from storage.objects import StoredObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MULTIPART_BYTES = 16 * 1024 * 1024
"""Larger objects are written in parts: what fails is then one part, which is repeated, and not the whole."""

_PART_BYTES = 8 * 1024 * 1024
# Parts go one after the other, on the caller's thread: one is in memory at a time, and workers have threads enough.
_IN_PARTS = TransferConfig(multipart_threshold=MULTIPART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False)


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """An upload in parts that was begun and neither completed nor aborted."""

    key: str
    upload_id: str
    began_at: datetime


def write(client: S3Client, bucket: str, key: str, body: IO[bytes], stored: StoredObject, **others: str) -> None:
    """Write a file from its beginning. Parts of an upload that fails are removed. Raises botocore's errors."""
    body.seek(0)
    arguments: Mapping[str, Any] = {
        "ContentType": stored.content_type,
        "Metadata": {"sha256": stored.sha256_hex},
        **others,
    }
    if stored.size_bytes > MULTIPART_BYTES:
        client.upload_fileobj(body, bucket, key, ExtraArgs=dict(arguments), Config=_IN_PARTS)
    else:
        client.put_object(Bucket=bucket, Key=key, Body=body, ContentLength=stored.size_bytes, **arguments)


def unfinished(client: S3Client, bucket: str, prefix: str) -> Iterator[UnfinishedUpload]:
    """Yield the uploads in parts that are under way or were abandoned. Raises botocore's errors."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Uploads", []):
            yield UnfinishedUpload(found["Key"], found["UploadId"], found["Initiated"])
