"""The addresses that webhooks may be sent to: https on the public internet, and the networks that the operator adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from jobs.reach.connecting import Reach
from jobs.reach.urls import WEB, allowed_url

_PUBLIC = (
    "url must be a public https address on port 443, of at most 2048 characters and without a login; an address of a "
    "private network is never connected to."
)
_OWN_NETWORKS = "url must be an http or https address of at most 2048 characters and without a login."


@dataclass(frozen=True, slots=True)
class WebhookReach:
    """Decides which URLs are accepted and, at every connection, which addresses; plain http only with own networks."""

    reach: Reach = field(default_factory=lambda: Reach(ports=frozenset({443})))
    schemes: frozenset[str] = frozenset({"https"})

    @classmethod
    def of(cls, networks: Sequence[str]) -> WebhookReach:
        """Return the reach with the operator's own networks. Raises ValueError for one that is none."""
        if not networks:
            return cls()
        return cls(Reach(ports=None, also=tuple(ip_network(each) for each in networks)), WEB)

    def accepts(self, url: str) -> bool:
        """Return True for a URL that an endpoint may have. Its host's addresses are checked at each connection."""
        parsed = allowed_url(url, self.reach, self.schemes)
        return parsed is not None and not self._is_refused_address(parsed.raw_host.decode("ascii"))

    def _is_refused_address(self, host: str) -> bool:
        try:
            ip_address(host)
        except ValueError:
            return False
        return not self.reach.allows(host)

    @property
    def complaint(self) -> str:
        """Return what to say of a URL that is not accepted."""
        return _OWN_NETWORKS if self.schemes == WEB else _PUBLIC
