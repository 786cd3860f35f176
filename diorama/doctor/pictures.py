"""Checks that the provider can read pictures that it gets as URLs of our object store.

A picture that it cannot read makes the job fail only at the provider, after it has accepted the submission.
"""

from __future__ import annotations

from collections.abc import Iterator

from diorama.doctor.findings import Finding
from diorama.doctor.public_url import Resolve, is_near, resolved
from diorama.settings import Settings

_WHAT = "PROVIDER_INPUTS"


def examine_pictures(settings: Settings, resolve: Resolve = resolved) -> Iterator[Finding]:
    """Check the URLs that pictures are read from; pictures that are uploaded to the provider need no check."""
    if settings.provider_inputs != "url":
        return
    url = settings.s3_public_endpoint_url or settings.s3_endpoint_url
    provider = settings.replicate_base_url.host or ""
    if url is None or is_near(provider, resolve) or not is_near(url.host or "", resolve):
        yield Finding(_WHAT, True, "the provider reads pictures by their URLs in the object store")
        return
    yield Finding(_WHAT, False, f"is url, but {provider} cannot reach the object store at {url}; set it to upload")
