"""Bucket creation and its CORS rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from storage.errors import error_code

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CORSConfigurationTypeDef

# Amazon's first region rejects its own name as a location constraint; all others require theirs.
_UNNAMED_REGION = "us-east-1"

# Signatures decide who may read or write; these rules only let browsers make the requests.
_CORS: CORSConfigurationTypeDef = {
    "CORSRules": [
        {
            "AllowedMethods": ["GET", "HEAD", "POST"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": 3600,
        }
    ]
}


def make_bucket(client: S3Client, bucket: str, region: str) -> None:
    """Create the bucket if it does not exist, and set CORS rules if it has none.

    Raises botocore's errors.
    """
    if not exists(client, bucket):
        _create(client, bucket, region)
    if not _has_cors(client, bucket):
        _set_cors(client, bucket)


def exists(client: S3Client, bucket: str) -> bool:
    """Return True if the bucket exists."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error_code(error) == "404":
            return False
        raise
    return True


def _create(client: S3Client, bucket: str, region: str) -> None:
    try:
        if region == _UNNAMED_REGION:
            client.create_bucket(Bucket=bucket)
        else:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item] # any region there will be
    except ClientError as error:
        if error_code(error) != "BucketAlreadyOwnedByYou":  # another process has just created it
            raise


def _has_cors(client: S3Client, bucket: str) -> bool:
    try:
        client.get_bucket_cors(Bucket=bucket)
    except ClientError as error:
        if error_code(error) in ("NoSuchCORSConfiguration", "NotImplemented"):
            return False
        raise
    return True


def _set_cors(client: S3Client, bucket: str) -> None:
    try:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration=_CORS)
    except ClientError as error:
        if error_code(error) != "NotImplemented":  # such stores have one rule for all buckets, set by their operator
            raise
