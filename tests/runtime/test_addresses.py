"""Only addresses of the whole internet are good; the emulator's mode adds the laptop's own and no more."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.runtime.addresses import StaticResolver, SystemResolver, is_allowed, is_global, read_address

GLOBAL = ["8.8.8.8", "213.230.106.112", "1.1.1.1", "2606:4700:4700::1111", "2a02:6b8::2:242"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "fd00::1",
]
NEVER = [
    "0.0.0.0",  # noqa: S104 - refused here, not listened on
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "::1%lo",
]


@pytest.mark.parametrize("text", GLOBAL)
def test_the_internet_is_good_in_both_modes(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert is_global(address)
    assert is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_the_neighbourhood_is_good_in_the_emulator_only(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("text", NEVER)
def test_everything_else_is_never_good(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)


@given(st.ip_addresses())
def test_the_private_mode_only_adds_private_addresses(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_allowed(address, allow_private=True) and not is_allowed(address, allow_private=False):
        assert address.is_loopback or address.is_private
    if is_global(address):
        assert not any((address.is_private, address.is_multicast, address.is_link_local, address.is_loopback))


def test_literal_addresses_are_told_from_names() -> None:
    assert read_address("[::1]") == ipaddress.ip_address("::1")
    assert read_address("10.0.0.1") == ipaddress.ip_address("10.0.0.1")
    assert read_address("example.uz") is None
    assert read_address("2130706433") is None


async def test_the_system_resolves_its_own_name() -> None:
    assert set(await SystemResolver().resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_a_static_resolver_knows_its_table_only() -> None:
    resolver = StaticResolver({"shop.uz": ["1.1.1.1"]})
    assert await resolver.resolve("shop.uz", 443) == ["1.1.1.1"]
    with pytest.raises(socket.gaierror):
        await resolver.resolve("other.uz", 443)
    assert resolver.asked == ["shop.uz", "other.uz"]
