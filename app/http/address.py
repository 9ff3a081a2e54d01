"""Owns from where a request came: the client's address behind the proxies that are believed, and the block of addresses it is in."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

Network = IPv4Network | IPv6Network

# Whoever has one address of IPv6 has a whole network of 2^64. Source: RFC 6177, section 2.
IPV6_BLOCK_BITS: Final = 64
KEPT_ADDRESSES: Final = 4096
MAXIMUM_ADDRESS_CHARACTERS: Final = 45


def client_address(peer: str | None, forwarded_for: str | None, trusted: Collection[Network]) -> str | None:
    """The address that the request came from; None when nobody who is believed says it.

    What a client writes into X-Forwarded-For stands left of what the proxies append. So the header is read from its right end, and
    only as far as those who wrote it are proxies that are believed.

    Args:
        peer: who is at the other end of the connection; None at a Unix socket, which only a proxy of this host may open.
        forwarded_for: the header X-Forwarded-For, several of them joined by commas.
        trusted: from where the header is believed, beside the Unix socket.

    Source: RFC 7239, section 8.1; Werkzeug's documentation, "Tell Flask it is Behind a Proxy".
    """
    if peer is not None and not (trusted and _is_trusted(_parsed(peer), trusted)):
        return peer
    for written in reversed((forwarded_for or "").split(",")):
        address = _parsed(written)
        if address is None:  # what stands further left, nobody vouches for
            return peer
        if not _is_trusted(address, trusted):
            return str(address)
    return peer


def address_block(address: str | None) -> str:
    """Whose addresses count as one: a single one of IPv4, a network of 64 bits of IPv6; "unknown" for what is no address."""
    parsed = _parsed(address or "")
    if parsed is None:
        return "unknown"
    return str(parsed) if isinstance(parsed, IPv4Address) else str(IPv6Network((int(parsed), IPV6_BLOCK_BITS), strict=False))


def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    written = written.strip()
    # With a zone after a percent sign, one address could be written in very many ways.
    return _read(written) if len(written) <= MAXIMUM_ADDRESS_CHARACTERS and "%" not in written else None


@lru_cache(KEPT_ADDRESSES)
def _read(written: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(written)
    except ValueError:
        return None
    # An IPv4 client at a socket of IPv6 is the same client.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Collection[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
