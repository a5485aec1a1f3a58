"""What an act says, who has signed it and who must, and whether a region may sign it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import signers_of
from certledger.ledger.reference_data import Domain
from certledger.verifier.cli.output import plain
from certledger.verifier.cli.policy_text import line
from certledger.verifier.console import bilingual
from certledger.verifier.contract_state import Issuer, Seat, issuers_of
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    KeysChange,
    Register,
    RegistrarChallenge,
    RegistrarChange,
    RegistrarRotation,
    Release,
    Restore,
    StandingChange,
    Statement,
    StatusChange,
)
from certledger.verifier.formats.status_tree import chosen
from certledger.verifier.regions import region_named
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing, Status

TITLES: Mapping[type[Statement], tuple[str, str]] = {
    Register: ("登记发证机构", "register an issuer"),
    CatalogChange: ("更改证照目录", "change an issuer's catalog"),
    KeysChange: ("更改密钥", "change an issuer's keys"),
    StandingChange: ("更改机构状态", "change an issuer's standing"),
    StatusChange: ("更改证照状态", "change certificates' status"),
    Hold: ("紧急制动", "hold issuers"),
    Release: ("解除制动", "release issuers"),
    Restore: ("恢复机构", "restore issuers"),
    RegistrarChange: ("更换登记机关", "seat or remove a registrar"),
    RegistrarRotation: ("登记机关更换账户", "rotate a registrar's account"),
    RegistrarChallenge: ("质询登记机关", "challenge a registrar"),
}
KINDS: Mapping[IssuerKind, tuple[str, str]] = {
    IssuerKind.DEPARTMENT: ("政府部门", "department"),
    IssuerKind.INSTITUTION: ("事业单位", "public institution"),
    IssuerKind.ASSOCIATION: ("行业协会", "association"),
    IssuerKind.APPRAISAL: ("评估机构", "appraisal body"),
    IssuerKind.CONSULTING: ("咨询机构", "consulting body"),
    IssuerKind.OPERATOR: ("账本运营方", "operator"),
}
_MAJORITY = (Restore, RegistrarChange, RegistrarChallenge)
_COUNTERS: Mapping[type[Statement], str] = {
    CatalogChange: "catalog_version",
    KeysChange: "revision",
    StandingChange: "revision",
    StatusChange: "epoch",
}
"""The member of an issuer's state that an act moves on by one."""
MAX_SHOWN_RANGES = 40


class OtherRegionError(CertledgerError):
    """The act is another region's, and this region's registrar has nothing to sign there."""

    code = "registrar.other_region"
    exit_status = ExitStatus.UNUSABLE


class ReviewFaultError(CertledgerError):
    """The act cannot become what it says: the contract would refuse it, or it is over."""

    code = "registrar.act_unfit"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """What a registrar reads before signing.

    `notes` ask for a decision, `faults` are what the contract would refuse, `missing` who has yet
    to sign.  `may_sign` is empty where this region may, else the reason why not.
    """

    lines: Sequence[str]
    notes: Sequence[str] = ()
    faults: Sequence[str] = ()
    missing: Sequence[str] = ()
    missing_zh: Sequence[str] = ()
    signed: bool = False
    may_sign: str = ""

    def check(self) -> None:
        """Check that the region may sign, and that it leads somewhere.

        Raises:
            OtherRegionError, ReviewFaultError: it may not, or it does not.
        """
        if self.may_sign:
            raise OtherRegionError(self.may_sign)
        if self.faults:
            raise ReviewFaultError("; ".join(self.faults))


class ContractView(Protocol):
    """What the chain holds: asked of a node and proved, or read from the mirror."""

    def issuer(self, code: str) -> Issuer | None:
        """Return an issuer, None where it is not registered."""

    def seat(self, region: int) -> Seat | None:
        """Return a region's registrar, None where it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarOffice:
    """The registrar's office: its region, every region's account, and what else is at hand.

    `accounts` are those of the chain where it was asked, else those of the founding document.
    """

    region: int
    ledger: bytes
    accounts: Mapping[int, bytes]
    domain: Domain
    now: int
    chain: ContractView | None = None
    issuers: dict[str, Issuer | None] = field(default_factory=dict)

    def issuer(self, code: str) -> Issuer | None:
        """Return an issuer as the chain holds it, None where it is not there or not known."""
        if self.chain is not None and code not in self.issuers:
            self.issuers[code] = self.chain.issuer(code)
        return self.issuers.get(code)


def review(envelope: Envelope, office: RegistrarOffice) -> Review:
    """Return what there is to say of an act."""
    act, statement = envelope.act, envelope.act.statement
    signers = signers_of(act)
    regions = {account: region for region, account in office.accounts.items()}
    signed = {regions[one] for one in signers if one in regions}
    missing = list(_missing(statement, office, signed, signers))
    notes = list(_notes(envelope, office))
    faults = list(_faults(envelope, office))
    return Review(
        lines=list(_describe(envelope, office, signers, regions)),
        notes=notes,
        faults=faults,
        missing=[en for _, en in missing],
        missing_zh=[zh for zh, _ in missing],
        signed=office.region in signed,
        may_sign=_why_not(statement, office.region, signed),
    )


# Who signs -------------------------------------------------------------------------------------


def subject_regions(statement: Statement) -> frozenset[int]:
    """Return the regions that an act is about."""
    region = getattr(statement, "region", None)
    if region is not None:
        return frozenset({region})
    return frozenset(region_of(code) for code in issuers_of(statement))


def _takes_second(statement: Statement) -> bool:
    """Return whether another region's registrar signs too."""
    strikes = isinstance(statement, StandingChange) and (
        statement.standing == Standing.STRUCK.number
    )
    return strikes or isinstance(statement, Register | KeysChange)


def _why_not(statement: Statement, own: int, signed: set[int]) -> str:
    regions = subject_regions(statement)
    if own in regions or isinstance(statement, _MAJORITY):
        return ""
    names = ", ".join(str(region) for region in sorted(regions))
    if not _takes_second(statement):
        return f"the act is of region {names}, and region {own} has nothing to sign there"
    if not regions & signed:
        return f"the registrar of region {names} signs first; region {own} is the second"
    return ""


def _is_on_hold(office: RegistrarOffice, statement: Statement) -> bool:
    """Return whether an issuer of the act may be on hold: it is, or the chain was not asked."""
    found = [office.issuer(code) for code in issuers_of(statement)]
    return any(issuer is None or issuer.on_hold for issuer in found)


def _missing(
    statement: Statement, office: RegistrarOffice, signed: set[int], signers: Sequence[bytes]
) -> Iterator[tuple[str, str]]:
    """Yield who has yet to sign, in Chinese and English."""
    regions = subject_regions(statement)
    if isinstance(statement, _MAJORITY):
        wanted = len(office.accounts) // 2 + 1
        if len(signed) < wanted:
            more = wanted - len(signed)
            yield f"另外 {more} 个登记机关", f"{more} more registrars"
        return
    if isinstance(statement, StatusChange):
        if not signers:
            yield "发证机构的密钥", "a key of the issuer"
        if not _is_on_hold(office, statement):
            return  # The registrar signs only what its hold is on, or a correction.
    for region in sorted(regions - signed):
        yield f"地区 {region} 的登记机关", f"the registrar of region {region}"
    if isinstance(statement, KeysChange):
        return  # A key of the issuer may sign in place of the second registrar.
    if _takes_second(statement) and not signed - regions:
        yield "另一地区的登记机关", "a second registrar, of another region"


# What it says ----------------------------------------------------------------------------------


def _describe(
    envelope: Envelope,
    office: RegistrarOffice,
    signers: Sequence[bytes],
    regions: Mapping[bytes, int],
) -> Iterator[str]:
    statement = envelope.act.statement
    title = TITLES.get(type(statement), ("其他", statement.primary))
    yield line("事项", "Act", bilingual(*title))
    if envelope.name is not None:
        yield line("机构名称", "Name", plain(envelope.name))
    for code in issuers_of(statement):
        place = region_named(region_of(code))
        yield line("机构代码", "Issuer", f"{code} ({bilingual(place.zh, place.en)})")
        yield from _current(office, code)
    region = getattr(statement, "region", None)
    if region is not None:
        name = region_named(region)
        yield line("地区", "Region", f"{region:02} {bilingual(name.zh, name.en)}")
    yield from _details(envelope, office)
    yield line("有效至", "May be carried until", format_time(getattr(statement, "not_after", 0)))
    yield bilingual("已签署", "Signed by") + ":"
    for signer in signers:
        role = f"registrar {regions[signer]}" if signer in regions else "key of the issuer"
        yield f"  0x{signer.hex()} ({role})"


def _current(office: RegistrarOffice, code: str) -> Iterator[str]:
    if office.chain is None:
        yield f"  {bilingual('未查询链上状态', 'the chain was not asked (--rpc)')}"
        return
    issuer = office.issuer(code)
    if issuer is None:
        yield f"  {bilingual('链上尚未登记', 'not registered on the chain')}"
        return
    state = issuer.state
    hold = bilingual("，已制动", ", held") if issuer.on_hold else ""
    yield (
        f"  {bilingual('链上', 'on the chain')}: {bilingual(*KINDS[state.kind])}, {state.standing}"
        f"{hold}; {state.certificates} certificates in {state.batches} batches"
    )


def _details(envelope: Envelope, office: RegistrarOffice) -> Iterator[str]:
    statement = envelope.act.statement
    if isinstance(statement, Register):
        kinds = list(IssuerKind)
        kind = kinds[statement.kind - 1] if 0 < statement.kind <= len(kinds) else None
        yield line("机构类别", "Kind", bilingual(*KINDS[kind]) if kind else statement.kind)
        yield from _keys(statement.keys, "+")
    elif isinstance(statement, CatalogChange):
        yield line("目录版本", "Catalog version", statement.version)
        for entry in envelope.catalog.entries if envelope.catalog else ():
            name = plain(bilingual(entry.name_zh, entry.name_en))
            yield f"  {entry.category} {entry.version}: {name}"
    elif isinstance(statement, KeysChange):
        yield from _keys(statement.added, "+")
        yield from _ends(statement.ends, office.issuer(statement.issuer.decode()))
    elif isinstance(statement, StandingChange):
        issuer = office.issuer(statement.issuer.decode())
        before = "?" if issuer is None else str(issuer.state.standing)
        after = list(Standing)[statement.standing - 1] if statement.standing <= 4 else "?"
        yield line("状态", "Standing", f"{before} → {after}")
    elif isinstance(statement, StatusChange):
        yield from _status_lines(statement, office)
    elif isinstance(statement, RegistrarChange | RegistrarRotation):
        yield line("新账户", "New account", f"0x{statement.account.hex()}")


def _status_lines(statement: StatusChange, office: RegistrarOffice) -> Iterator[str]:
    status = next((str(one) for one in Status if one.number == statement.status), "?")
    code = statement.reason.decode("ascii", "replace")
    reason = office.domain.status_codes.get(code)
    names = "" if reason is None else f" {bilingual(reason.name_zh, reason.name_en)}"
    yield line("状态变为", "New status", status)
    yield line("原因", "Reason", plain(code) + names)
    indexes = chosen(statement.words, statement.masks)
    ranges = _ranges(indexes)
    shown = ", ".join([*ranges[:MAX_SHOWN_RANGES], *["…"] * (len(ranges) > MAX_SHOWN_RANGES)])
    yield line("证照序号", "Indexes of certificates", f"{shown} ({len(indexes)})")


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Return ascending numbers as `3` and `8-12`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


def _keys(keys: Sequence[bytes], mark: str) -> Iterator[str]:
    for key in keys:
        purposes = ", ".join(str(one.name).lower() for one in Purpose if key[20] & one)
        yield f"  {mark} {bilingual('密钥', 'key')} 0x{key[:20].hex()}: {purposes}"


def _ends(ends: Sequence[bytes], issuer: Issuer | None) -> Iterator[str]:
    for end in ends:
        index, block = end[0], int.from_bytes(end[1:], "big")
        known = issuer is not None and index < len(issuer.state.keys)
        who = f"0x{issuer.state.keys[index].address.hex()}" if known and issuer else ""
        until = f"{bilingual('止于区块', 'ends at block')} {block}"
        yield f"  - {bilingual('密钥', 'key')} {index} {who}: {until}"


# What asks for a decision, and what cannot be ----------------------------------------------------


def _notes(envelope: Envelope, office: RegistrarOffice) -> Iterator[str]:
    statement, kind = envelope.act.statement, None
    if isinstance(statement, Register):
        return
    if isinstance(statement, CatalogChange):
        issuer = office.issuer(statement.issuer.decode())
        kind = None if issuer is None else issuer.state.kind
    for entry in envelope.catalog.entries if envelope.catalog else ():
        if entry.category == "OP-RECEIPT" and kind in (None, IssuerKind.OPERATOR):
            continue
        category = office.domain.categories.get(entry.category)
        if category is None:
            yield f"{entry.category} is no category of the reference data"
        elif kind is not None and category.issuer_kind is not kind:
            yield (
                f"{entry.category} {plain(entry.name_zh)}: a {category.issuer_kind} issues it"
                f" ({plain(category.issuing_department_zh)}), and this is a {kind}"
            )


def _faults(envelope: Envelope, office: RegistrarOffice) -> Iterator[str]:
    act, statement = envelope.act, envelope.act.statement
    if act.ledger != office.ledger:
        yield f"the act is for another ledger, {act.ledger.hex()}"
    last: int = getattr(statement, "not_after", office.now)
    if last < office.now:
        yield f"the act could be carried until {format_time(last)}"
    if office.chain is None or isinstance(statement, (Hold, Release, *_MAJORITY)):
        return
    for code in issuers_of(statement):
        issuer = office.issuer(code)
        if isinstance(statement, Register):
            if issuer is not None:
                yield f"{code} is registered already"
        elif issuer is None:
            yield f"{code} is not registered"
        else:
            yield from _counter_fault(statement, issuer)


def _counter_fault(statement: Statement, issuer: Issuer) -> Iterator[str]:
    member = _COUNTERS.get(type(statement))
    if member is None:
        return
    wanted = getattr(issuer.state, member) + 1
    given = next(
        getattr(statement, name)
        for name in ("version", "revision", "epoch")
        if hasattr(statement, name)
    )
    if given != wanted:
        yield f"it is number {given} of its kind, and the chain takes {wanted} next"
