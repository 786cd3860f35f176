"""Only unicast addresses of the public internet are reached, in whatever form they are written."""

from __future__ import annotations

import pytest

from jobs.reach.addresses import is_public
from jobs.reach.connecting import resolve

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.128.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]
REFUSED = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    # An IPv4 address inside: mapped, compatible, NAT64 (both prefixes), 6to4, Teredo.
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::a00:1", "2002:7f00:1::", "2002:808:808::1", "2001:0:7f00:1::1", "2606:4700:4700::1111%eth0"),
    *("", "localhost", "127.1", "2130706433"),
]
# The forms that a resolver takes for 127.0.0.1, 10.0.0.1 or 169.254.169.254.
FORMS = ["2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "127.0.1", "0", "167772161", "0xa9fea9fe"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_any_other_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("form", FORMS)
def test_a_number_in_another_form_is_resolved_before_it_is_judged(form: str) -> None:
    found = resolve(form, 80)
    assert found
    assert not any(is_public(address) for address in found)
