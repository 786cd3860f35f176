"""The object store: anything that speaks S3, through boto3, and the keys under which objects live.

One implementation, which the tests run against a real server. Keys are repeatable: running a step twice writes the
same object. May import `statemachine` only.
"""

from storage.client import S3Settings
from storage.errors import ObjectMissing, ObjectTooLarge, StorageError, StorageMisconfigured, StorageUnavailable
from storage.objects import ObjectInfo, PresignedPost, StoredObject
from storage.s3 import S3Store

__all__ = [
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
