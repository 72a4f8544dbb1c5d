"""Which addresses a message may go to: public ones, and those of the networks that the configuration allows.

What is checked is the address, after the name was resolved, and the connection is made to that very address: a name
that answers differently the second time (DNS rebinding) gains nothing. Ranges: the IANA special-purpose registries.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host and port to addresses as text. Raises OSError."""

_KINDS: Final[dict[str, Sequence[str]]] = {
    "a loopback": ["127.0.0.0/8", "::1/128"],
    "an unspecified": ["0.0.0.0/8", "::/128"],
    "a private": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"],
    "a link-local": ["169.254.0.0/16", "fe80::/10"],
    "a cloud platform's own": ["168.63.129.16/32"],
    "a multicast": ["224.0.0.0/4", "ff00::/8"],
    "a tunnelled": ["192.88.99.0/24", "2001::/32", "2002::/16", "64:ff9b:1::/48"],
    "a reserved": [
        *("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    ],
}
_NETWORKS: Final = tuple((ip_network(text), kind) for kind, texts in _KINDS.items() for text in texts)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class TargetRefused(Exception):
    """The message says which kind of address it is and what would allow it; never the address of a name."""


def refusal(address: Address, allowed: Sequence[Network]) -> str | None:
    """What kind of address it is when nothing may be sent there, else None."""
    reached = _reached(address)
    if any(candidate in network for network in allowed for candidate in (address, reached)):
        return None
    for network, kind in _NETWORKS:
        if reached in network:
            return kind
    if isinstance(reached, IPv6Address) and reached not in _GLOBAL_UNICAST:
        return "a reserved"
    return None


async def addresses_of(host: str, port: int, resolve: Resolver, allowed: Sequence[Network]) -> list[Address]:
    """What the name resolves to, once. Raises TargetRefused if a single one of them is refused, OSError without any."""
    try:
        found = [ip_address(text) for text in await resolve(host, port)]
    except ValueError:
        raise OSError("the host is no name that can be resolved") from None
    if not found:
        raise OSError("the host has no address")
    for address in found:
        if (kind := refusal(address, allowed)) is not None:
            raise TargetRefused(explained(kind))
    return list(dict.fromkeys(found))


def explained(kind: str) -> str:
    return f"the host has {kind} address; VANTAGE_ALERTS_ALLOWED_NETWORKS may allow its network"


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The machine's own. A host that cannot be a name raises ValueError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


def _reached(address: Address) -> Address:
    """The IPv4 address behind one that is mapped into IPv6, or that NAT64 leads to."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
