"""Guard against SSRF: webhooks may call public internet addresses only."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from certledger.verifier.errors import CertledgerError
from certledger.verifier.name_resolver import NameResolver

MAX_URL_CHARACTERS = 2_048
MAX_LOOKUPS = 64
"""Host names of webhooks that are looked up at the same time."""
MAX_LOOKUPS_EACH = 8
"""Host names of one caller's webhooks that are looked up at the same time."""
LOOKUP_SECONDS = 10.0
"""Timeout of looking up a host name."""
_PLAIN = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
Resolver = NameResolver[Sequence[str]]
"""Resolves a host name to its addresses; raises OSError if it has none."""


class TargetForbiddenError(CertledgerError):
    """The URL of a webhook leads to an address that the service does not call."""

    code = "hook.target"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A resolved webhook URL: `url` has the IP address, `host` and `name` the host name."""

    url: str
    host: str
    name: str


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the current addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


RESOLVER: Resolver = NameResolver(resolve, total=MAX_LOOKUPS, each=MAX_LOOKUPS_EACH)


async def check_target(
    url: str,
    *,
    private: bool,
    caller: str,
    resolver: Resolver = RESOLVER,
    seconds: float = LOOKUP_SECONDS,
) -> Target:
    """Check a webhook's URL and resolve it once, so that DNS cannot change between check and call.

    Raises:
        TargetForbiddenError: not https, or a private address, unless `private` allows it; or no
            address was found within `seconds`.
    """
    parts, host, port = _split(url, private=private)
    try:
        async with asyncio.timeout(seconds):
            addresses = await asyncio.wrap_future(resolver.begin(host, port, caller))
    except TimeoutError as error:
        raise TargetForbiddenError(f"{host} has no address within {seconds:g} seconds") from error
    except (OSError, UnicodeError) as error:
        raise TargetForbiddenError(f"{host} has no address") from error
    return _target(parts, host, port, addresses, private=private)


def _split(url: str, *, private: bool) -> tuple[SplitResult, str, int]:
    """Return the parts of a URL, its host and its port; raises as `check_target`."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise TargetForbiddenError("the address cannot be read") from error
    schemes = ("https", "http") if private else ("https",)
    if len(url) > MAX_URL_CHARACTERS or parts.scheme not in schemes or not parts.hostname:
        raise TargetForbiddenError(f"an address starts with {' or '.join(schemes)} and has a host")
    if "@" in parts.netloc or parts.fragment or not _PLAIN.fullmatch(url):
        raise TargetForbiddenError("an address has no user, no fragment, no space and no backslash")
    return parts, parts.hostname, port


def _target(
    parts: SplitResult, host: str, port: int, addresses: Sequence[str], *, private: bool
) -> Target:
    for address in addresses:
        if not (private or _public(address)):
            raise TargetForbiddenError(f"{host} is not on the public internet")
    if not addresses:
        raise TargetForbiddenError(f"{host} has no address")
    numbered = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    where = urlunsplit((parts.scheme, f"{numbered}:{port}", parts.path or "/", parts.query, ""))
    return Target(url=where, host=parts.netloc, name=host)


# IPv6 networks with IPv4 inside: NAT64 (RFC 6052) has it in the last four bytes.  Never public:
# site NAT64 (RFC 8215), IPv4-compatible (RFC 4291, 2.5.5.1) and site-local (RFC 3879).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INNER = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "::/96", "fec0::/10")))


def _public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not found.is_multicast
    if any(found in network for network in _INNER):
        return False
    inner = found.ipv4_mapped or found.sixtofour
    if found in _NAT64:
        inner = ipaddress.IPv4Address(found.packed[-4:])
    if inner is not None and not inner.is_global:
        return False
    return found.is_global and not found.is_multicast
