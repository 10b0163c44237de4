"""Whose address is counted: the last one on the way that is no proxy of ours."""

from __future__ import annotations

import pytest

from ehr_sync.api.peers import peer_of
from ehr_sync.core.addresses import networks

PROXIES = "10.0.0.0/8, 127.0.0.1, fd00::/8"


def peer(direct: str, *, trusted: str = PROXIES, **headers: str) -> str:
    return peer_of(
        {"REMOTE_ADDR": direct, **{f"HTTP_{name}": value for name, value in headers.items()}}, networks(trusted)
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1, 10.1.1.1", "192.0.2.1"),
        (" 192.0.2.1 ,10.1.1.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "127.0.0.1"),
        (",,", "127.0.0.1"),
        ("nonsense", "127.0.0.1"),
        ("192.0.2.1, nonsense", "127.0.0.1"),
        ("192.0.2.1, nonsense, 10.1.1.1", "10.1.1.1"),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
    ],
)
def test_behind_our_proxies_the_last_other_hop_counts(said: str, expected: str) -> None:
    assert peer("127.0.0.1", X_FORWARDED_FOR=said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("for=192.0.2.1", "192.0.2.1"),
        ('For="[2001:db8:1:2::4]:4711";proto=https, for=10.1.1.1', "2001:db8:1:2::/64"),
        ("proto=https;for=192.0.2.1;by=10.1.1.1", "192.0.2.1"),
        ("for=192.0.2.9, for=192.0.2.1", "192.0.2.1"),
        ("for=_hidden", "127.0.0.1"),
        ("for=192.0.2.9, for=unknown", "127.0.0.1"),
    ],
)
def test_the_header_of_rfc_7239_is_read_alike(said: str, expected: str) -> None:
    assert peer("127.0.0.1", FORWARDED=said) == expected


def test_from_anybody_else_no_header_is_believed() -> None:
    said = {"X_FORWARDED_FOR": "10.0.0.1", "FORWARDED": "for=10.0.0.1"}
    assert peer("192.0.2.7", **said) == "192.0.2.7"
    assert peer("127.0.0.1", trusted="", **said) == "127.0.0.1"


def test_two_headers_that_disagree_are_not_believed() -> None:
    assert peer("127.0.0.1", X_FORWARDED_FOR="192.0.2.1", FORWARDED="for=192.0.2.2") == "127.0.0.1"
    assert peer("127.0.0.1", X_FORWARDED_FOR="192.0.2.1", FORWARDED="for=192.0.2.1") == "192.0.2.1"


def test_somebody_with_many_addresses_of_ipv6_is_one() -> None:
    assert peer("2001:db8:1:2::1") == peer("2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert peer("2001:db8:1:2::1") != peer("2001:db8:1:3::1")


def test_who_calls_by_a_file_of_the_machine_is_our_proxy() -> None:
    assert (peer(""), peer("", X_FORWARDED_FOR="198.51.100.9, 192.0.2.1", trusted="")) == ("", "192.0.2.1")
