"""Check characters of the codes on Chinese certificates, as pure functions of text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from operator import mul

from certledger.verifier.errors import CertledgerError, ExitStatus

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CERTIFICATE_ROOT = "1.2.156.3005.2"

_USCC_VALUE = {character: value for value, character in enumerate(USCC_ALPHABET)}
_VALUE = {character: value for value, character in enumerate(ALPHANUMERIC)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))

# First and second character of a unified social credit code (GB 32100-2015, with the
# additions A and N made after 2015).
REGISTERED_AS: Mapping[str, str] = {
    "11": "机关",
    "12": "事业单位",
    "13": "编办直接管理编制的群众团体",
    "19": "机构编制其他",
    "21": "外国常驻新闻机构",
    "29": "外交其他",
    "31": "律师执业机构",
    "32": "公证处",
    "33": "基层法律服务所",
    "34": "司法鉴定机构",
    "35": "仲裁委员会",
    "39": "司法行政其他",
    "41": "外国在华文化中心",
    "49": "文化其他",
    "51": "社会团体",
    "52": "民办非企业单位",
    "53": "基金会",
    "59": "民政其他",
    "61": "外国旅游部门常驻代表机构",
    "62": "港澳台地区旅游部门常驻内地（大陆）代表机构",
    "69": "旅游其他",
    "71": "宗教活动场所",
    "72": "宗教院校",
    "79": "宗教其他",
    "81": "基层工会",
    "89": "工会其他",
    "91": "企业",
    "92": "个体工商户",
    "93": "农民专业合作社",
    "A1": "军队事业单位",
    "A9": "中央军委改革和编制办公室其他",
    "N1": "组级集体经济组织",
    "N2": "村级集体经济组织",
    "N3": "乡镇级集体经济组织",
    "N9": "农业其他",
    "Y1": "其他",
}


class CodeInvalidError(CertledgerError):
    """A code breaks the standard that defines it."""

    code: str = "domain.code_invalid"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(f"{value!r}: {reason}")
        self.value, self.reason = value, reason


def compute_uscc_check(first17: str) -> str:
    """Return the 18th character of a unified social credit code (GB 32100-2015).

    Raises:
        CodeInvalidError: `first17` is not 17 characters of the standard's set (no I, O, S, V, Z).
    """
    _fail_on_alphabet(first17, 17, _USCC_VALUE)
    total = sum(_USCC_VALUE[c] * w for c, w in zip(first17, _USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def check_uscc(code: str) -> None:
    """Check a unified social credit code (GB 32100-2015).

    The organization code inside (GB 11714) is not checked, because some real codes fail it:
    `organization_check_agrees` is for a warning.

    Raises:
        CodeInvalidError: wrong length, character or check character.
    """
    _fail_on_alphabet(code, 18, _USCC_VALUE)
    _fail_on_check_character(code, compute_uscc_check(code[:17]))


def organization_check_agrees(uscc: str) -> bool:
    """Return whether positions 9-17 of a valid `uscc` satisfy GB 11714."""
    return compute_organization_check(uscc[8:16]) == uscc[16]


def compute_organization_check(first8: str) -> str:
    """Return the 9th character of an organization code (GB 11714-1997): a digit or X.

    Raises:
        CodeInvalidError: `first8` is not 8 digits or capital letters.
    """
    _fail_on_alphabet(first8, 8, _VALUE)
    total = sum(_VALUE[c] * w for c, w in zip(first8, _ORGANIZATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def check_organization_code(code: str) -> None:
    """Check an organization code of 9 characters, without hyphen (GB 11714-1997).

    Raises:
        CodeInvalidError: wrong length, character or check character.
    """
    _fail_on_alphabet(code, 9, _VALUE)
    _fail_on_check_character(code, compute_organization_check(code[:8]))


def compute_identity_check(first17: str) -> str:
    """Return the 18th character of a resident identity number (GB 11643-1999).

    The system is ISO 7064 MOD 11-2: a digit, or X for ten.

    Raises:
        CodeInvalidError: `first17` is not 17 digits.
    """
    if not re.fullmatch(r"[0-9]{17}", first17):
        raise CodeInvalidError(first17, "not 17 digits")
    total = sum(map(mul, map(int, first17), _IDENTITY_WEIGHTS))
    return "10X98765432"[total % 11]


def check_identity_number(number: str) -> None:
    """Check a resident identity number (GB 11643-1999).

    Raises:
        CodeInvalidError: wrong length, character, birth date or check character.
    """
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise CodeInvalidError(number, "not 17 digits and a digit or X")
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise CodeInvalidError(number, f"{number[6:14]} is no date of birth") from error
    _fail_on_check_character(number, compute_identity_check(number[:17]))


def compute_mod_37_36(text: str) -> str:
    """Return the check character of the hybrid system ISO/IEC 7064 MOD 37,36.

    Raises:
        CodeInvalidError: `text` is empty or holds more than digits and capital letters.
    """
    _fail_on_alphabet(text, len(text) or 1, _VALUE)
    product = 36
    for character in text:
        product = ((product + _VALUE[character]) % 36 or 36) * 2 % 37
    return ALPHANUMERIC[(37 - product) % 36]


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateIdentifier:
    """Identifier of an electronic certificate (GB/T 36904-2018), as received.

    Attributes:
        type_code: usually the 18-character code of the body that defined the type, and 3 more.
        issuer_code: usually 18 characters, but 6 digits occur.
        serial: of free length.
        version: three digits from 001.
        check: one character, not necessarily the right one.
    """

    type_code: str
    issuer_code: str
    serial: str
    version: str
    check: str

    def check_agrees(self) -> bool:
        """Return whether the check character is that of MOD 37,36.

        Identifiers in public use contain characters outside the system, and results of a faulty
        variant, so a wrong one is a reason for a warning, not for an error.
        """
        try:
            return self.check == compute_identifier_check(
                self.type_code, self.issuer_code, self.serial, self.version
            )
        except CodeInvalidError:
            return False


def compute_identifier_check(type_code: str, issuer_code: str, serial: str, version: str) -> str:
    """Return the check character of an identifier: MOD 37,36 without root and full stops.

    Raises:
        CodeInvalidError: a part holds more than digits and capital letters.
    """
    return compute_mod_37_36(type_code + issuer_code + serial + version)


def parse_identifier(text: str) -> CertificateIdentifier:
    """Parse an identifier of GB/T 36904-2018; the check character may be wrong.

    Raises:
        CodeInvalidError: wrong root, number of parts or form of a part.
    """
    if not text.startswith(CERTIFICATE_ROOT + "."):
        raise CodeInvalidError(text, f"does not start with the root {CERTIFICATE_ROOT}")
    parts = text[len(CERTIFICATE_ROOT) + 1 :].split(".")
    if len(parts) != 5 or not all(parts):
        raise CodeInvalidError(text, f"{len(parts)} parts after the root, where 5 are wanted")
    type_code, issuer_code, serial, version, check = parts
    if not re.fullmatch(r"[0-9]{3}", version) or version == "000":
        raise CodeInvalidError(text, f"version {version!r} is not 001 to 999")
    if len(check) != 1 or check not in _VALUE:
        raise CodeInvalidError(text, f"check {check!r} is not one digit or capital letter")
    return CertificateIdentifier(
        type_code=type_code, issuer_code=issuer_code, serial=serial, version=version, check=check
    )


def _fail_on_alphabet(text: str, length: int, alphabet: Mapping[str, int]) -> None:
    if len(text) != length:
        raise CodeInvalidError(text, f"{len(text)} characters, where {length} are wanted")
    for place, character in enumerate(text, 1):
        if character not in alphabet:
            raise CodeInvalidError(text, f"character {place}, {character!r}, is outside the set")


def _fail_on_check_character(text: str, wanted: str) -> None:
    if text[-1] != wanted:
        raise CodeInvalidError(text, f"check character is {text[-1]}, where {wanted} is right")
