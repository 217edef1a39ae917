"""Where a call may go: hosts and ports as users, operators and secrets name them, and the addresses behind a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from engine.errors import EgressBlocked
from engine.security.addresses import Address, Reach, verdict_of

PORTS = {"http": 80, "https": 443}
ALLOW = "SIGNALBOX_EGRESS_ALLOW"
MOST_HOSTS = 50
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A scheme, a host and a port; the host in lower case, without the dot at its end."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def name(self) -> str:
        """As messages and the Host header name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class HostPattern:
    """`api.example.com`, `*.example.com` or either with a port; without one the usual ports are meant."""

    host: str
    port: int | None = None

    def matches(self, place: Destination) -> bool:
        """Whether the destination is one that was meant."""
        if place.port != (self.port or PORTS[place.scheme]):
            return False
        if self.host.startswith("*."):
            return place.host.endswith(self.host[1:]) and len(place.host) > len(self.host) - 1
        return place.host == self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def destination(scheme: str, host: str, port: int | None) -> Destination:
    """The destination that the parts of an address name. EgressBlocked where they name none that can be called."""
    if scheme not in ("http", "https"):
        raise EgressBlocked(f"`{scheme[:20]}` addresses are not called; only http and https are.", hint="Start the address with https://.")
    name = _plain_host(host)
    if name is None:
        message = f"`{host[:80]}` is not the name of a host." if host else "The address names no host."
        raise EgressBlocked(message, hint="Write the address as https://name/path; an IP address in its usual form.")
    wanted = port or PORTS[scheme]
    return Destination(scheme, name, wanted)


def _plain_host(host: str) -> str | None:
    """The host in its one spelling: a name of labels, or an IP address as everybody writes it."""
    name = host.lower()
    name = name[:-1] if name.endswith(".") else name
    try:
        # A zone (`fe80::1%eth0`) is no part of an address that is asked for.
        return str(ip_address(name)) if "%" not in name else None
    except ValueError:
        labels = name.split(".")
        # `0x7f.1`, `2130706433`, `0177.0.0.1`: libraries disagree about what these mean.
        is_number = _NUMBER.fullmatch(labels[-1]) is not None
        return name if not is_number and len(name) <= 253 and all(_LABEL.fullmatch(label) for label in labels) else None


def pattern(text: str, *, has_star: bool = True) -> HostPattern:
    """The pattern that a text means. ValueError says what is wrong with it."""
    given = text.strip().lower()
    host, port = given, None
    if given.startswith("["):
        host, _, rest = given[1:].partition("]")
        port = rest.removeprefix(":") or None
    elif given.count(":") == 1:
        host, _, port = given.partition(":")
    star = "*." if has_star and host.startswith("*.") else ""
    plain = _plain_host(_ascii(host.removeprefix(star)))
    if plain is None or (star and "." not in plain) or "/" in given:
        raise ValueError(f"“{text.strip()[:80]}” is not a host, such as api.example.com")
    if port is not None and not (_PORT.fullmatch(port) and 1 <= int(port) <= 65535):
        raise ValueError(f"“{text.strip()[:80]}” has a port that does not exist")
    return HostPattern(star + plain, None if port is None else int(port))


def _ascii(host: str) -> str:
    """A name in other letters as the network spells it."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""


def patterns(texts: Iterable[str]) -> tuple[HostPattern, ...]:
    """The patterns of texts that were checked when they were entered."""
    return tuple(map(pattern, texts))


def open_port(place: Destination, allowed: Sequence[HostPattern]) -> None:
    """EgressBlocked unless the port is the usual one, or the operator allows this host and port."""
    if place.port in PORTS.values() or is_allowed(place, allowed):
        return
    message = f"{place.name} was not called: only the ports 80 and 443 are open."
    raise EgressBlocked(message, hint=f"The operator can allow it: {ALLOW}={place.name}.")


def is_allowed(place: Destination, allowed: Sequence[HostPattern]) -> bool:
    """Whether the operator allows this host and port although it may be private."""
    return any(entry.matches(place) for entry in allowed)


def checked(place: Destination, addresses: Sequence[Address], allowed: Sequence[HostPattern]) -> None:
    """EgressBlocked unless every address of the host may be connected to: one that may not tells of a trap."""
    may_be_private = is_allowed(place, allowed)
    for address in addresses:
        found = verdict_of(address)
        if found.reach is Reach.PUBLIC or (found.reach is Reach.PRIVATE and may_be_private):
            continue
        own = "" if str(address) == place.host else f"it leads to {address}, "
        hint = "Call a host on the public internet."
        if found.reach is Reach.PRIVATE:
            hint = f"If workflows are meant to call it, the operator can allow it: {ALLOW}={_with_port(place)}."
        raise EgressBlocked(f"{place.name} was not called: {own}{found.what}.", hint=hint)


def _with_port(place: Destination) -> str:
    return str(HostPattern(place.host, place.port))
