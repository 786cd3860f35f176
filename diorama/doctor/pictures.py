"""Whether the provider can read the pictures that it is given by an address in our storage.

One that it can not read fails only at the provider, after the submission was taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from diorama.doctor.findings import Finding
from diorama.doctor.public_url import Resolve, is_near, resolved
from diorama.settings import Settings

_WHAT = "PROVIDER_INPUTS"


def examine_pictures(settings: Settings, resolve: Resolve = resolved) -> Iterator[Finding]:
    """Look at where pictures are read from; what is uploaded to the provider can be read there."""
    if settings.provider_inputs != "url":
        return
    url = settings.s3_public_endpoint_url or settings.s3_endpoint_url
    provider = settings.replicate_base_url.host or ""
    if url is None or is_near(provider, resolve) or not is_near(url.host or "", resolve):
        yield Finding(_WHAT, True, "pictures are read by their addresses in the object store")
        return
    yield Finding(_WHAT, False, f"is url, but {provider} can not reach the object store at {url}; it should be upload")
