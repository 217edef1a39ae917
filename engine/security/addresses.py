"""May a call that a user made connect to this address? Decided by the address itself, never by its spelling.

Own tables rather than `ipaddress.is_global`: Python 3.11 takes multicast, NAT64 and 6to4 forms of private addresses for public ones.
Sources: IANA special-purpose address registries (RFC 6890 and its updates), RFC 6052, 3056, 5214, 6598; metadata addresses of clouds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address


class Reach(Enum):
    """Who stands behind an address."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Somebody's own network or machine: only where the operator says so."""
    NEVER = "never"
    """Nothing that a workflow has business with, or a machine's own credentials."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far an address reaches, and what it is, in words."""

    reach: Reach
    what: str


_PUBLIC = Verdict(Reach.PUBLIC, "a public address")
_METADATA = frozenset(map(IPv4Address, ("100.100.100.200", "168.63.129.16", "169.254.169.254", "192.0.0.192")))
_METADATA_6 = frozenset(map(IPv6Address, ("fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe")))
_FOUR: tuple[tuple[IPv4Network, Reach, str], ...] = tuple(
    (IPv4Network(net), reach, what)
    for net, reach, what in (
        ("127.0.0.0/8", Reach.PRIVATE, "this machine itself"),
        ("10.0.0.0/8", Reach.PRIVATE, "a private network"),
        ("172.16.0.0/12", Reach.PRIVATE, "a private network"),
        ("192.168.0.0/16", Reach.PRIVATE, "a private network"),
        ("100.64.0.0/10", Reach.PRIVATE, "a provider's inner network"),
        ("0.0.0.0/8", Reach.NEVER, "no address of anybody"),
        ("169.254.0.0/16", Reach.NEVER, "link-local, where clouds keep credentials"),
        ("192.0.0.0/24", Reach.NEVER, "reserved"),
        ("192.0.2.0/24", Reach.NEVER, "for documentation only"),
        ("192.31.196.0/24", Reach.NEVER, "reserved"),
        ("192.52.193.0/24", Reach.NEVER, "reserved"),
        ("192.88.99.0/24", Reach.NEVER, "reserved"),
        ("192.175.48.0/24", Reach.NEVER, "reserved"),
        ("198.18.0.0/15", Reach.NEVER, "for measurements only"),
        ("198.51.100.0/24", Reach.NEVER, "for documentation only"),
        ("203.0.113.0/24", Reach.NEVER, "for documentation only"),
        ("224.0.0.0/4", Reach.NEVER, "for many machines at once"),
        ("240.0.0.0/4", Reach.NEVER, "reserved"),
    )
)
_SIX: tuple[tuple[IPv6Network, Reach, str], ...] = tuple(
    (IPv6Network(net), reach, what)
    for net, reach, what in (
        ("::1/128", Reach.PRIVATE, "this machine itself"),
        ("fc00::/7", Reach.PRIVATE, "a private network"),
        ("::/128", Reach.NEVER, "no address of anybody"),
        ("fe80::/10", Reach.NEVER, "link-local"),
        ("fec0::/10", Reach.NEVER, "reserved"),
        ("ff00::/8", Reach.NEVER, "for many machines at once"),
        # Teredo, ORCHID, benchmarks: whatever is embedded in them, nobody serves there.
        ("2001::/23", Reach.NEVER, "reserved"),
        ("2001:db8::/32", Reach.NEVER, "for documentation only"),
        ("3fff::/20", Reach.NEVER, "for documentation only"),
        ("2620:4f:8000::/48", Reach.NEVER, "reserved"),
        ("64:ff9b:1::/48", Reach.NEVER, "reserved"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_LAST_32 = (_NAT64, IPv6Network("::ffff:0:0:0/96"), IPv6Network("::/96"))
"""NAT64, SIIT and IPv4-compatible: the IPv4 address is the last 32 bits."""
_6TO4 = IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)


def verdict_of(address: Address) -> Verdict:
    """How far the address reaches; what it carries within it counts as well."""
    if isinstance(address, IPv4Address):
        return _four(address)
    if address.scope_id is not None:
        return Verdict(Reach.NEVER, "link-local")
    if address in _MAPPED:
        return _four(_low(address))
    if address in _METADATA_6:
        return Verdict(Reach.NEVER, "where a cloud keeps credentials")
    for network, reach, what in _SIX:
        if address in network:
            return Verdict(reach, what)
    inner = _embedded(address)
    if inner is not None and (found := _four(inner)).reach is not Reach.PUBLIC:
        return Verdict(Reach.NEVER, f"another spelling of {inner}, {found.what}")
    if address not in _GLOBAL_UNICAST and address not in _NAT64:
        return Verdict(Reach.NEVER, "reserved")
    return _PUBLIC


def _four(address: IPv4Address) -> Verdict:
    if address in _METADATA:
        return Verdict(Reach.NEVER, "where a cloud keeps credentials")
    return next((Verdict(reach, what) for network, reach, what in _FOUR if address in network), _PUBLIC)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    value = int(address)
    if any(address in network for network in _LAST_32) or (value >> 32) & 0xFFFFFFFF in _ISATAP:
        return _low(address)
    return IPv4Address((value >> 80) & 0xFFFFFFFF) if address in _6TO4 else None


def _low(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)
