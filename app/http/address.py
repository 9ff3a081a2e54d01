"""Owns the address of the client behind trusted proxies, and the address block for rate limits."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

Network = IPv4Network | IPv6Network

# A client with one IPv6 address has a network of 2^64. Source: RFC 6177, section 2.
IPV6_BLOCK_BITS: Final = 64
KEPT_ADDRESSES: Final = 4096
MAXIMUM_ADDRESS_CHARACTERS: Final = 45


def client_address(peer: str | None, forwarded_for: str | None, trusted: Collection[Network]) -> str | None:
    """The address of the client; None if no trusted proxy says it.

    A client can write anything into X-Forwarded-For; proxies append to its right. So the header is read from the right, as far as
    trusted proxies have written it.

    Args:
        peer: the address of the connection; None at a Unix socket, which only a proxy of this host can open.
        forwarded_for: the header X-Forwarded-For. Several are joined by commas.
        trusted: the networks of trusted proxies. The Unix socket is always trusted.

    Source: RFC 7239, section 8.1; Werkzeug's documentation, "Tell Flask it is Behind a Proxy".
    """
    if peer is not None and not (trusted and _is_trusted(_parsed(peer), trusted)):
        return peer
    for written in reversed((forwarded_for or "").split(",")):
        address = _parsed(written)
        if address is None:  # entries further left are not trusted
            return peer
        if not _is_trusted(address, trusted):
            return str(address)
    return peer


def address_block(address: str | None) -> str:
    """The block that counts as one client: an IPv4 address, or a 64-bit network of IPv6; "unknown" for anything else."""
    parsed = _parsed(address or "")
    if parsed is None:
        return "unknown"
    return str(parsed) if isinstance(parsed, IPv4Address) else str(IPv6Network((int(parsed), IPV6_BLOCK_BITS), strict=False))


def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    written = written.strip()
    # With a zone after a percent sign, one address has very many spellings.
    return _read(written) if len(written) <= MAXIMUM_ADDRESS_CHARACTERS and "%" not in written else None


@lru_cache(KEPT_ADDRESSES)
def _read(written: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(written)
    except ValueError:
        return None
    # An IPv4 client at an IPv6 socket is the same client.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Collection[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
