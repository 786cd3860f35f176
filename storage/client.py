"""The object store's settings and its boto3 client."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader

from storage.errors import translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# One try and two retries, after pauses of up to one and two seconds. The caller waits out longer failures.
_ATTEMPTS_MAX = 3
_CONNECTIONS_MAX = 50
# The description of S3: reading it takes five times as long as making a client. Nothing changes it.
_DESCRIPTION = create_loader()


@dataclass(frozen=True, slots=True)
class Encryption:
    """Encryption by the store of what we write: `AES256`, `aws:kms` with a key's id or the account's own key, or as the
    bucket is set.
    """

    algorithm: str = ""
    kms_key_id: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """Return the arguments of a write."""
        named = {"ServerSideEncryption": self.algorithm, "SSEKMSKeyId": self.kms_key_id}
        return {name: value for name, value in named.items() if value}

    @property
    def form_fields(self) -> dict[str, str]:
        """Return the fields of a form that a browser posts."""
        header = "x-amz-server-side-encryption"
        named = {header: self.algorithm, f"{header}-aws-kms-key-id": self.kms_key_id}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Settings of the store. `public_endpoint_url` is its address for browsers and the provider, where that differs.

    The default `endpoint_url` is Amazon's. `path_style` puts the bucket into the path instead of the host name, which
    would need a wildcard DNS entry; None means everywhere except at Amazon. Every key in the bucket begins with
    `key_prefix`.
    """

    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    region: str = "us-east-1"
    path_style: bool | None = None
    key_prefix: str = ""
    encryption: Encryption = field(default_factory=lambda: Encryption())
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0


def s3_client(settings: S3Settings, endpoint_url: str | None) -> S3Client:
    """Return a client for one address of the store without connecting to it. Raises `StorageMisconfigured`."""
    with translated("reading the object store's settings"):
        client: S3Client = _session().client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=_config(settings, endpoint_url),
        )
    return client


def _session() -> boto3.session.Session:
    """Return a session of its own, because sessions cannot be shared by threads, on the description that all share."""
    core = botocore.session.get_session()
    session = boto3.session.Session(botocore_session=core)
    # Only now: the session has added a path to the loader it began with.
    core.register_component("data_loader", _DESCRIPTION)
    return session


def _config(settings: S3Settings, endpoint_url: str | None) -> Config:
    path_style = endpoint_url is not None if settings.path_style is None else settings.path_style
    return Config(
        signature_version="s3v4",
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS_MAX},
        max_pool_connections=_CONNECTIONS_MAX,
        s3={
            "addressing_style": "path" if path_style else _in_host_name(settings.bucket),
            # The signature then covers the SHA-256 of each request's body, and the store refuses other bytes.
            "payload_signing_enabled": True,
        },
        # Stores that implement an older S3 reject the newer checksum trailers; we keep our own SHA-256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # None reads them from the environment. A proxy configured there cannot reach this machine's loopback address.
        proxies={} if endpoint_url and _is_loopback(endpoint_url) else None,
    )


def _in_host_name(bucket: str) -> Literal["auto", "virtual"]:
    """Return the style that puts a bucket into the host name, unless its dots would break the certificate's wildcard.

    With "auto" botocore signs Amazon's global address, which redirects to other regions under another signature.
    """
    return "auto" if "." in bucket else "virtual"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
