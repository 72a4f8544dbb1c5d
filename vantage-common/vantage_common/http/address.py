"""Which address a request comes from, believing forwarded headers only from proxies we were told to trust."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from vantage_common.http.asgi import Scope
from vantage_common.settings import SettingsError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class AddressReader:
    """`trusted` are addresses or networks of proxies. Raises SettingsError for one that is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = tuple(_network(text) for text in trusted)

    def __call__(self, scope: Scope) -> Address | None:
        """The nearest address that is no trusted proxy; None for a transport without addresses.

        X-Forwarded-For is read from the right, where our own proxies write: what stands left of the first address
        they do not vouch for is the client's own claim.
        """
        client = scope.get("client")
        nearest = _parse(client[0]) if client else None
        for claim in reversed(_forwarded(scope)):
            if nearest is None or not self._trusts(nearest):
                break
            before = _parse(claim)
            if before is None:
                break
            nearest = before
        return nearest

    def _trusts(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)


def bucket_name(address: Address | None) -> str:
    """What one client can call its own: a whole IPv4 address, but the /64 of an IPv6 one."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address)


def _forwarded(scope: Scope) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return [part.strip() for line in lines for part in line.split(",")]


def _parse(text: str) -> Address | None:
    """An address; IPv4 written as IPv6 is IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise SettingsError(f"VANTAGE_TRUSTED_PROXIES={text!r} cannot be used: {error}") from None
