"""The short link that certificates print: number and access code in a URL's fragment (SPEC 4.9).

Browsers do not send fragments to servers, so neither number nor code gets into a log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.record import normal_code, normal_number

MAX_LINK_CHARACTERS = 120
MAX_PASTED_CHARACTERS = 2_048
"""Characters of a link as it is read: software on the way may have escaped each of them."""
_PAGE = "/v#"
_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LINK = re.compile(rf"(?:{_ADDRESS.pattern}/v)?#", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[0-9A-Z./_-]")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"~([0-9A-Fa-f]{4})?")


class LinkImpossibleError(CertledgerError):
    """No short link can be made with this address."""

    code = "link.address"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class ShortLink:
    """What a short link says; `number` is None where the reader must ask for it.

    `code` is the normal access code, `number` the normal number.
    """

    number: str | None
    code: str

    def format(self, address: str) -> str:
        """Format the link to the page of a service, which has `address` (no path).

        The number is left out where the link would be longer than 120 characters.

        Raises:
            LinkImpossibleError: no http address, with a path, or too long.
        """
        if not _ADDRESS.fullmatch(address):
            raise LinkImpossibleError(f"{address!r} is no address like https://HOST")
        number = "" if self.number is None else _escape(self.number) + "."
        for fragment in (number + self.code, self.code):
            link = address + _PAGE + fragment
            if len(link) <= MAX_LINK_CHARACTERS:
                return link
        raise LinkImpossibleError(
            f"a link to {address} has {len(link)} characters, at most {MAX_LINK_CHARACTERS}"
        )

    @classmethod
    def parse(cls, text: str) -> ShortLink:
        """Parse a link, or its fragment from `#` on, as scanners, mail and chat hand it over.

        Raises:
            MalformedError: `link.invalid`; `number.invalid` or `access_code.invalid`, as typed
            ones.
        """
        text = text.strip()
        begin = _LINK.match(text)
        if begin is None or len(text) > MAX_PASTED_CHARACTERS:
            raise MalformedError("link.invalid", f"not a link like https://HOST{_PAGE}NUMBER.CODE")
        number, dot, code = _unquote(text[begin.end() :]).rpartition(".")
        return cls(number=normal_number(_unescape(number)) if dot else None, code=normal_code(code))


def _escape(number: str) -> str:
    return "".join(one if _PLAIN.fullmatch(one) else _escaped(one) for one in number)


def _escaped(character: str) -> str:
    """Return `~` and four hexadecimal digits for each UTF-16 code unit."""
    units = character.encode("utf-16-be")
    return "".join(f"~{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


def _unquote(text: str) -> str:
    """Undo percent-escapes."""
    if _BROKEN_PERCENT.search(text):
        raise MalformedError("link.invalid", "a % in a link is followed by two hexadecimal digits")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError as error:
        raise MalformedError("link.invalid", "the escapes of a link are no UTF-8") from error


def _unescape(text: str) -> str:
    """Undo `~XXXX`; surrogates must come in pairs."""
    units = _ESCAPE.sub(_unit, text).encode("utf-16-be", "surrogatepass")
    try:
        return units.decode("utf-16-be")
    except UnicodeError as error:
        raise MalformedError("link.invalid", "a link has a part of a character") from error


def _unit(escape: re.Match[str]) -> str:
    if escape[1] is None:
        raise MalformedError("link.invalid", "a ~ in a link is followed by four hexadecimal digits")
    return chr(int(escape[1], 16))
