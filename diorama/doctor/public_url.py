"""Checks that webhooks can arrive: PUBLIC_URL, and the key that they are signed with.

Nothing depends on webhooks, so a mistake here shows nowhere else: jobs are only slower and need more calls.
"""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import httpx

from diorama.doctor.findings import Finding
from diorama.providers import build_provider
from diorama.settings import Settings
from jobs.providers.provider import ProviderError

_WHAT, _KEY = "PUBLIC_URL", "webhook key"
_PATH = "/webhooks/replicate"
# The provider waits only a few seconds for a response.
_RESPONSE_WITHIN_S = 5.0
Resolve = Callable[[str], tuple[str, ...]]


def resolved(host: str) -> tuple[str, ...]:
    """Return the addresses of a host name, or an empty tuple if it has none."""
    try:
        return tuple(str(found[4][0]) for found in socket.getaddrinfo(host, None))
    except OSError:
        return ()


def examine_webhooks(settings: Settings, resolve: Resolve = resolved) -> Iterator[Finding]:
    """Check the URL that webhooks are sent to and the key that verifies them."""
    if settings.public_url is None:
        yield Finding(_WHAT, None, "is not set: the provider sends no webhooks, and workers poll")
        return
    wrong = misplaced(settings, resolve)
    yield Finding(_WHAT, False, wrong) if wrong else _probed(str(settings.public_url).rstrip("/"))
    yield _key(settings)


def misplaced(settings: Settings, resolve: Resolve = resolved) -> str | None:
    """Return the reason why the provider cannot reach PUBLIC_URL, or None. Nothing is sent."""
    url, provider = settings.public_url, settings.replicate_base_url
    if url is None or is_near(provider.host or "", resolve):
        return None
    host = url.host or ""
    if url.scheme != "https":
        return f"{url} is not an https URL, and {provider.host} sends webhooks to no other; it must begin with https"
    addresses = resolve(host.strip("[]"))
    if not addresses:
        return f"{host} has no address; it must be a name in the public DNS"
    if not any(ip_address(address).is_global for address in addresses):
        return f"{host} is {addresses[0]}, which {provider.host} cannot reach; it must be a public address of the API"
    return None


def is_near(host: str, resolve: Resolve) -> bool:
    """Return whether a host is this machine or in a private network. A name that does not resolve is not."""
    addresses = resolve(host.strip("[]"))
    return bool(addresses) and not any(ip_address(address).is_global for address in addresses)


def _probed(public_url: str) -> Finding:
    """Send an unsigned message to the webhook URL. Only an API that accepts webhooks rejects it with 401."""
    address = public_url + _PATH
    try:
        response = httpx.post(address, content=b"{}", timeout=_RESPONSE_WITHIN_S, follow_redirects=False)
    except httpx.HTTPError as error:
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        return Finding(_WHAT, False, f"{address} does not respond from here ({why}); the API should listen there")
    return Finding(_WHAT, response.status_code == 401, f"{address} {_described(response)}")


def _described(response: httpx.Response) -> str:
    match response.status_code:
        case 401:
            return "accepts webhooks, and rejects unsigned ones"
        case 503:
            return "returns HTTP 503: the API there has no key to verify webhooks with, see below"
        case 404:
            return "returns HTTP 404: start the API there with PUBLIC_URL too, or it is another program"
        case status if 300 <= status < 400:
            target = response.headers.get("location", "nowhere")
            return f"redirects to {target}, and webhooks follow no redirects; set PUBLIC_URL to the final address"
        case status:
            return f"returns HTTP {status}; the proxy in front of the API must pass webhooks on"


def _key(settings: Settings) -> Finding:
    """Compare the key that is set, if any, with the provider's."""
    given = settings.replicate_webhook_secret.get_secret_value()
    if given and not _is_key(given):
        return Finding(_KEY, False, "REPLICATE_WEBHOOK_SECRET is not a key; it must be whsec_ and base64, or unset")
    try:
        fetched = build_provider(settings).webhook_key()
    except ProviderError as error:
        # The status or the kind of error; what follows it is the text of the provider's page.
        why = (error.failure.detail or "no response").split(":")[0]
        if given:
            return Finding(_KEY, None, f"is set, but cannot be compared with the provider's: {why}")
        return Finding(_KEY, False, f"cannot be fetched ({why}); set REPLICATE_WEBHOOK_SECRET")
    if given and given != fetched:
        return Finding(_KEY, False, "REPLICATE_WEBHOOK_SECRET is not this account's; remove or renew it")
    return Finding(_KEY, True, "is the account's" if given else "can be fetched from the provider")


def _is_key(text: str) -> bool:
    prefix, _, encoded = text.partition("_")
    try:
        return prefix == "whsec" and bool(b64decode(encoded, validate=True))
    except ValueError:
        return False
