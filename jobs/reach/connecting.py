"""Connections to public addresses only: the address that was checked is the one that is connected to.

A name is resolved once for each connection, and the connection is opened to the numbers: another response to a second
question (DNS rebinding) has no effect. The URL's host stays in the request, in SNI and in the check of the certificate.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import httpcore

from jobs.providers.deadline import Backend
from jobs.reach.addresses import Network, is_public, is_within

Resolver = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host. Raises OSError."""

# A host with more addresses than this is not tried to the end.
_TRIED_MAX = 4


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host by the system's resolver, which also reads decimal and octal forms."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


@dataclass(frozen=True, slots=True)
class Reach:
    """Limits the addresses that are connected to: public ones, on these ports.

    `also` adds networks. For pictures, no setting changes it: only a test that serves them itself has a reason to.
    `ports` is None for any port.
    """

    ports: frozenset[int] | None = frozenset({80, 443})
    also: tuple[Network, ...] = ()
    resolver: Resolver = field(default=resolve, repr=False)

    def allows(self, address: str) -> bool:
        """Return True if a connection to an IP address may be opened."""
        return is_public(address) or (bool(self.also) and is_within(ip_address(address), self.also))

    def allows_port(self, port: int) -> bool:
        """Return True if a connection to a port may be opened."""
        return self.ports is None or port in self.ports

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host to try, in their order. Raises httpcore.ConnectError if there is none."""
        if not self.allows_port(port):
            raise httpcore.ConnectError("the port is not allowed")
        try:
            found = self.resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(type(error).__name__) from None
        allowed = [address for address in found if self.allows(address)][:_TRIED_MAX]
        if not allowed:
            raise httpcore.ConnectError("the host has no allowed address")
        return allowed


class PublicBackend(Backend):
    """Opens connections within a reach, obeying the deadline."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that is allowed and responds. Raises httpcore.ConnectError."""
        failed: Exception | None = None
        for address in self._reach.addresses(host, port):
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("the host has no allowed address")
