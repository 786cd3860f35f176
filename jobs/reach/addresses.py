"""The IP addresses that may be connected to for a partner: those of the public internet.

IPv6 addresses that contain an IPv4 address (mapped, NAT64, 6to4, Teredo) are refused as a whole: they would reach it by
a detour. Sources: the IANA registries of special-purpose addresses, and the clouds' metadata services.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        # This network, private ones, shared address space (CGNAT), loopback, link-local with the metadata services.
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        # Protocol assignments, documentation, relays, private, benchmarks, multicast, reserved and broadcast.
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # The metadata service of Azure has a public address.
        "168.63.129.16/32",
        # Within the global unicast range of IPv6: protocol assignments with Teredo, documentation, AS112, 6to4.
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
# Everything else is no unicast address of the internet: loopback, mapped, NAT64, private, link-local, multicast.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Return True for an IP address of the public internet; False for any other, and for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_unicast(parsed) and not is_within(parsed, _REFUSED)


def _is_unicast(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv4Address) or (address.scope_id is None and address in _GLOBAL_UNICAST)


def is_within(address: IPv4Address | IPv6Address, networks: Iterable[Network]) -> bool:
    """Return True if an address is in one of the networks."""
    return any(address in network for network in networks)
