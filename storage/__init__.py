"""The object store: any S3-compatible service, through boto3, and the layout of its keys.

There is one implementation, which the tests run against real servers. Each lease writes keys of its own, so no two
workers write the same object. This package may import `statemachine` only.
"""

from storage.client import Encryption, S3Settings
from storage.errors import (
    ClockSkewed,
    ObjectAltered,
    ObjectMissing,
    ObjectTooLarge,
    StorageError,
    StorageMisconfigured,
    StorageUnavailable,
)
from storage.objects import Content, ObjectInfo, PresignedPost, StoredObject
from storage.s3 import S3Store

__all__ = [
    "ClockSkewed",
    "Content",
    "Encryption",
    "ObjectAltered",
    "ObjectInfo",
    "ObjectMissing",
    "ObjectTooLarge",
    "PresignedPost",
    "S3Settings",
    "S3Store",
    "StorageError",
    "StorageMisconfigured",
    "StorageUnavailable",
    "StoredObject",
]
