"""The object store: anything that speaks S3, through boto3, and the keys under which objects live.

One implementation, with a real server behind it in every test. Keys are repeatable: running a step twice writes the
same object. May import `statemachine` only.
"""

from storage.errors import ObjectMissing, ObjectTooLarge, StorageError, StorageMisconfigured, StorageUnavailable
from storage.s3 import ObjectInfo, PresignedPost, S3Settings, S3Store, StoredObject

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
