"""Whose address counts: forwarded headers are believed from trusted proxies only, read from the right."""

import pytest
from vantage_common.http.address import AddressReader, bucket_name
from vantage_common.settings import SettingsError


def read(peer: str | None, forwarded: list[str], trusted: list[str]) -> str:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    client = None if peer is None else (peer, 1)
    return str(AddressReader(trusted)({"type": "http", "headers": headers, "client": client}))


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("9.9.9.9", ["1.2.3.4"], [], "9.9.9.9"),
        ("9.9.9.9", ["1.2.3.4"], ["10.0.0.1"], "9.9.9.9"),
        ("10.0.0.1", ["1.2.3.4"], ["10.0.0.1"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], ["10.0.0.1"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.2"], ["10.0.0.0/24"], "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4", "10.0.0.2"], ["10.0.0.0/24"], "1.2.3.4"),
        ("10.0.0.1", [], ["10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, not an address"], ["10.0.0.1"], "10.0.0.1"),
        ("::ffff:9.9.9.9", [], [], "9.9.9.9"),
        (None, ["1.2.3.4"], ["10.0.0.1"], "None"),
    ],
)
def test_the_nearest_untrusted_address_is_the_client(
    peer: str | None, forwarded: list[str], trusted: list[str], expected: str
) -> None:
    assert read(peer, forwarded, trusted) == expected


def test_an_ipv6_client_is_its_whole_64() -> None:
    reader = AddressReader([])
    names = {
        bucket_name(reader({"headers": [], "client": (peer, 1)}))
        for peer in ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1")
    }
    assert names == {"2001:db8:0:1::/64", "2001:db8:0:2::/64"}


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="VANTAGE_TRUSTED_PROXIES='proxy'"):
        AddressReader(["proxy"])
