"""Where web hooks may go: addresses that anybody on the internet could call, and no others."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from verifier.errors import Refused

LONGEST = 2_048
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; raises OSError where it has none."""


class TargetForbidden(Refused):
    """A web hook would call an address that the service does not call."""

    code = "hook.target"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An address to call: `url` names the machine by number, `host` by name."""

    url: str
    host: str
    name: str


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that a host has now."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


def check_target(url: str, *, private: bool, resolving: Resolve = resolve) -> Target:
    """Return where to call, resolved once, so that the name cannot come to mean another machine.

    Raises:
        TargetForbidden: not https, or a private address, unless `private` ones are allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise TargetForbidden("the address cannot be read") from error
    schemes = ("https", "http") if private else ("https",)
    if len(url) > LONGEST or parts.scheme not in schemes or not parts.hostname:
        raise TargetForbidden(f"an address starts with {' or '.join(schemes)} and has a host")
    if "@" in parts.netloc or parts.fragment or not url.isascii() or not url.isprintable():
        raise TargetForbidden("an address has no user, no fragment and only printable ASCII")
    try:
        addresses = resolving(parts.hostname, port)
    except (OSError, UnicodeError) as error:
        raise TargetForbidden(f"{parts.hostname} has no address") from error
    for address in addresses:
        if not (private or _public(address)):
            raise TargetForbidden(f"{parts.hostname} is not on the public internet")
    if not addresses:
        raise TargetForbidden(f"{parts.hostname} has no address")
    numbered = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    where = urlunsplit((parts.scheme, f"{numbered}:{port}", parts.path or "/", parts.query, ""))
    return Target(url=where, host=parts.netloc, name=parts.hostname)


def _public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    inner = mapped is None or mapped.is_global
    return found.is_global and not found.is_multicast and inner
