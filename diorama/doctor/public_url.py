"""Whether the provider can tell of what it has finished: PUBLIC_URL, and the key that webhooks are signed with.

Nothing depends on webhooks, so what is wrong here shows nowhere else: jobs are only slower and cost more calls.
"""

from __future__ import annotations

import socket
from base64 import b64decode
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import httpx

from diorama.doctor.findings import Finding
from diorama.settings import Settings
from diorama.wiring import build_provider
from jobs.providers.provider import ProviderError

_WHAT, _KEY = "PUBLIC_URL", "webhook key"
_PATH = "/webhooks/replicate"
# The provider waits for an answer for a few seconds only.
_ANSWER_WITHIN_S = 5.0
Resolve = Callable[[str], tuple[str, ...]]


def resolved(host: str) -> tuple[str, ...]:
    """Return the addresses of a name; none where it has none."""
    try:
        return tuple(str(found[4][0]) for found in socket.getaddrinfo(host, None))
    except OSError:
        return ()


def examine_webhooks(settings: Settings, resolve: Resolve = resolved) -> Iterator[Finding]:
    """Look at the address that webhooks are sent to, and at what they are verified with."""
    if settings.public_url is None:
        yield Finding(_WHAT, None, "is not set: the provider tells of nothing, and workers look by themselves")
        return
    wrong = misplaced(settings, resolve)
    yield Finding(_WHAT, False, wrong) if wrong else _asked(str(settings.public_url).rstrip("/"))
    yield _key(settings)


def misplaced(settings: Settings, resolve: Resolve = resolved) -> str | None:
    """Return why the provider could not reach PUBLIC_URL from where it is, or None. Nothing is sent."""
    url, provider = settings.public_url, settings.replicate_base_url
    if url is None or is_near(provider.host or "", resolve):
        return None
    host = url.host or ""
    if url.scheme != "https":
        return f"{url} is no https address, and {provider.host} sends webhooks to no other; it should begin with https"
    addresses = resolve(host.strip("[]"))
    if not addresses:
        return f"{host} has no address; it should be a name that the public DNS knows"
    if not any(ip_address(address).is_global for address in addresses):
        return (
            f"{host} is {addresses[0]}, which {provider.host} can not reach; it should be a public address of the API"
        )
    return None


def is_near(host: str, resolve: Resolve) -> bool:
    """Whether a host is this machine or in a network of ours. What can not be resolved is far away."""
    addresses = resolve(host.strip("[]"))
    return bool(addresses) and not any(ip_address(address).is_global for address in addresses)


def _asked(public_url: str) -> Finding:
    """Send an unsigned message to where webhooks go. Only the API, and one that takes webhooks, refuses it so."""
    address = public_url + _PATH
    try:
        answer = httpx.post(address, content=b"{}", timeout=_ANSWER_WITHIN_S, follow_redirects=False)
    except httpx.HTTPError as error:
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        return Finding(_WHAT, False, f"{address} does not answer from here ({why}); the API should listen there")
    return Finding(_WHAT, answer.status_code == 401, f"{address} {_told(answer)}")


def _told(answer: httpx.Response) -> str:
    match answer.status_code:
        case 401:
            return "takes webhooks, and refuses what is not signed"
        case 503:
            return "answers HTTP 503: the API there has no key to verify webhooks with, see below"
        case 404:
            return "answers HTTP 404: the API there should be started with PUBLIC_URL, too, or it is another program"
        case status if 300 <= status < 400:
            target = answer.headers.get("location", "nowhere")
            return (
                f"answers with a redirect to {target}, and webhooks follow none; PUBLIC_URL should be the last address"
            )
        case status:
            return f"answers HTTP {status}; what stands before the API should let webhooks through"


def _key(settings: Settings) -> Finding:
    """Compare the key that is set, if any, with the one that the provider tells."""
    given = settings.replicate_webhook_secret.get_secret_value()
    if given and not _is_key(given):
        return Finding(_KEY, False, "REPLICATE_WEBHOOK_SECRET is no key; it should be whsec_ and base64, or not be set")
    try:
        fetched = build_provider(settings).webhook_key()
    except ProviderError as error:
        # The status or the kind of error; the words behind it are the provider's page.
        why = (error.failure.detail or "no answer").split(":")[0]
        if given:
            return Finding(_KEY, None, f"is set, and can not be compared with the provider's: {why}")
        return Finding(_KEY, False, f"can not be fetched ({why}); REPLICATE_WEBHOOK_SECRET should be set")
    if given and given != fetched:
        return Finding(_KEY, False, "REPLICATE_WEBHOOK_SECRET is not this account's; it should be removed, or renewed")
    return Finding(_KEY, True, "is the account's" if given else "can be fetched from the provider")


def _is_key(text: str) -> bool:
    prefix, _, encoded = text.partition("_")
    try:
        return prefix == "whsec" and bool(b64decode(encoded, validate=True))
    except ValueError:
        return False
