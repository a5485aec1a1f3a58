"""Bring an issuer's folder up to what the ledger has: counters, batches, catalog.

Several offices of one issuer, or a new computer: what the service has accepted counts, never what
was signed on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerClient,
    ServerRefusedError,
)
from certledger.ledger.issuer.certificate_register import FetchedCertificate, IssuanceDatabase
from certledger.ledger.issuer.chain_submission import read_batch
from certledger.ledger.issuer.folder import IssuerFolder, IssuerUnusableError, Profile
from certledger.ledger.issuer.workspace import Workspace
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import Members, from_hex
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.holder_file import MAX_HOLDING_BYTES, Holding
from certledger.verifier.formats.issuer_state import MAX_CERTIFICATES
from certledger.verifier.formats.record import NUMBER, Record

EPOCH, VERSION = "epoch", "catalog_version"
"""Counters of statements that the register keeps."""
MAX_RECORDS_BYTES = 512 << 20
NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerHead:
    """An issuer's counters on the ledger, with the acts that wait there."""

    batches: int
    certificates: int
    last: bytes
    catalog: bytes
    catalog_version: int
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncReport:
    """What a synchronisation changed.

    Attributes:
        fetched: batches that were not known here.
        dropped: sequences sealed here that have lost their places: the ledger has other batches
            there, or they build on a lost batch.
        lost: sequences sealed here and not on the ledger, whose sealed folders are gone.
        unsigned: files signed here that were not submitted, and whose counters are free again.
        missing: batches whose records the service does not give: not anchored yet, or lost.
        nameless: certificates whose numbers are not known here.
    """

    head: LedgerHead
    fetched: Sequence[int]
    dropped: Sequence[int]
    lost: Sequence[int]
    unsigned: Sequence[str]
    missing: Sequence[int]
    nameless: int
    catalog: str

    @property
    def sentences(self) -> Sequence[str]:
        """What lies here and cannot be handed in any more, with what to do."""
        return [
            *(
                f"the sealed folder of batch {sequence} is gone: it is forgotten, and its numbers"
                " can be sealed again"
                for sequence in self.lost
            ),
            *(
                f"batch {sequence}, sealed here, has lost its place: seal it again with --renew"
                for sequence in self.dropped
            ),
        ]


def fetch_head(client: ServerClient, issuer: str) -> LedgerHead:
    """Return an issuer's counters after everything that the service has accepted.

    Raises:
        ServerRefusedError, ServerUnreachableError: as they say.
        AnswerInvalidError: the answer is none.
    """
    answer = client.ask("GET", f"/v1/issuers/{issuer}/head").json()
    try:
        read = Members(answer, "head")
        read.const("issuer", issuer)
        return LedgerHead(
            batches=read.integer("batches"),
            certificates=read.integer("certificates", greatest=MAX_CERTIFICATES),
            last=from_hex(read.text("last"), 32),
            catalog=from_hex(read.text("catalog"), 32),
            catalog_version=read.integer("catalog_version"),
            epoch=read.integer("epoch"),
        )
    except MalformedError as error:
        raise AnswerInvalidError(f"{client.url} answers no head: {error}") from error


def next_value(issuer: IssuerFolder, name: str, client: ServerClient | None) -> int:
    """Return the value of a counter for the issuer's next statement: after the ledger's, if asked.

    Raises:
        ServerRefusedError, ServerUnreachableError: as they say.
    """
    if client is not None:
        head = fetch_head(client, issuer.profile().issuer)
        issuer.register.reach(name, head.epoch if name == EPOCH else head.catalog_version)
    return issuer.register.next_value(name)


def restore_profile(
    folder: IssuerFolder, client: ServerClient, issuer: str, ledger: bytes
) -> Profile:
    """Write again whose folder it is, from key and secret that are there and what the ledger says.

    `ledger` is the ledger's identity (32 bytes).

    Raises:
        IssuerUnusableError: key or secret is missing, or the issuer never had the key.
        ServerRefusedError, ServerUnreachableError, AnswerInvalidError: as they say.
    """
    folder.secret()
    address = f"0x{folder.address().hex()}"
    answer = client.ask("GET", f"/v1/issuers/{issuer}").json()
    try:
        profile = Profile.from_json(
            {
                "issuer": answer["issuer"],
                "kind": answer["kind"],
                "ledger": ledger.hex(),
                "name": answer["name"],
                "type": Profile.TYPE,
            }
        )
        addresses = [key["address"] for key in answer["keys"]]
    except (KeyError, TypeError, MalformedError) as error:
        raise AnswerInvalidError(f"{client.url} answers no issuer: {error}") from error
    if profile.issuer != issuer or address not in addresses:
        raise IssuerUnusableError(f"{address}, the key in {folder.folder}, is none of {issuer}")
    folder.save_profile(profile)
    return profile


def synchronise(
    folder: IssuerFolder,
    client: ServerClient,
    sealed: Sequence[Path] = (),
    *,
    follow_catalog: bool = False,
) -> SyncReport:
    """Rebuild what the issuer's folder keeps of the ledger; safe to repeat.

    `sealed` are sealed folders: the numbers of fetched certificates come from their holders' files,
    and batches in them are not lost.  With `follow_catalog` the folder gets the ledger's catalog
    even where it has another one.

    Raises:
        ServerRefusedError, ServerUnreachableError: as they say.
        AnswerInvalidError: an answer does not check.
        IssuerUnusableError: the folder is none.
    """
    issuer, register = folder.profile().issuer, folder.register
    head = fetch_head(client, issuer)
    local = register.head()
    known = _common(client, register, issuer, head)
    fetched = list(range(known + 1, head.batches + 1))
    for sequence in fetched:
        digest, count = _fetch_batch(client, issuer, sequence)
        first = register.certificates_until(sequence - 1)
        register.put_batch(sequence, digest, first, count)
    missing, nameless = _fetch_certificates(client, register, issuer, dict(_numbers(sealed)))
    dropped = list(range(known + 1, local.sequence)) if known < head.batches else []
    lost, following = _drop_lost(register, head.batches, sealed)
    unsigned = []
    for name, value in ((EPOCH, head.epoch), (VERSION, head.catalog_version)):
        register.reach(name, value)
        unsigned += register.drop_signed(name, value + 1)
    return SyncReport(
        head=head,
        fetched=fetched,
        dropped=[*dropped, *following],
        lost=lost,
        unsigned=unsigned,
        missing=missing,
        nameless=nameless,
        catalog=_bring_catalog(folder, client, head, follow=follow_catalog),
    )


def _common(client: ServerClient, register: IssuanceDatabase, issuer: str, head: LedgerHead) -> int:
    """Return the sequence up to which this folder has the batches of the ledger."""
    if head.batches == 0:
        return 0
    if register.digest_at(head.batches) == head.last:  # It names all that came before it.
        register.mark_submitted(head.batches, head.last)
        return head.batches
    low, high = 0, min(register.head().sequence - 1, head.batches - 1)
    while low < high:  # Batches form a chain, so the first that differs is found by halving.
        middle = (low + high + 1) // 2
        digest = fetch_digest(client, issuer, middle)
        if digest is not None and digest == register.digest_at(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _drop_lost(
    register: IssuanceDatabase, batches: int, sealed: Sequence[Path]
) -> tuple[list[int], list[int]]:
    """Forget what lies ahead of the ledger from the first batch whose sealed folder is gone.

    That batch cannot be submitted any more, so its numbers and places are free.  Return the lost
    batches, and those that build on them but are there.
    """
    lost: list[int] = []
    following: list[int] = []
    digests: set[bytes] | None = None
    for one in register.ahead(batches):
        if digests is None:  # Read once: a batch may have 65,536 records.
            digests = {digest for folder in sealed for digest in _digests_in(folder)}
        if one.digest not in digests and not _has_batch(one.folder, one.digest):
            lost.append(one.sequence)
        elif lost:
            following.append(one.sequence)
    if lost:
        register.drop_batches(lost[0])
    return lost, following


def _has_batch(folder: Path | None, digest: bytes) -> bool:
    return folder is not None and digest in _digests_in(folder)


def _digests_in(folder: Path) -> Iterator[bytes]:
    """Yield the digests of the finished batches in a folder and below it."""
    for path in sorted(folder.rglob("seal.json")):
        space = Workspace(folder=path.parent)
        with suppress(MalformedError):  # A damaged batch cannot be handed in.
            plan = space.plan()
            if plan is not None and space.batch_file is not None:
                yield read_batch(space.folder).statement.digest(plan.ledger)


def fetch_digest(client: ServerClient, issuer: str, sequence: int) -> bytes | None:
    """Return the digest of an issuer's batch, None where the service knows none.

    Raises:
        ServerRefusedError, ServerUnreachableError: as they say.
        AnswerInvalidError: the answer is none.
    """
    try:
        answer = client.ask("GET", f"/v1/batches/{issuer}/{sequence}").json()
        return from_hex(str(answer["digest"]), 32)
    except ServerRefusedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    except (KeyError, TypeError, MalformedError) as error:
        raise AnswerInvalidError(f"{client.url} answers no batch: {error}") from error


def _fetch_batch(client: ServerClient, issuer: str, sequence: int) -> tuple[bytes, int]:
    """Return digest and count of a batch."""
    answer = client.ask("GET", f"/v1/batches/{issuer}/{sequence}").json()
    try:
        return from_hex(str(answer["digest"]), 32), int(answer["certificates"])
    except (KeyError, TypeError, ValueError, MalformedError) as error:
        raise AnswerInvalidError(f"{client.url} answers no batch: {error}") from error


def _fetch_certificates(
    client: ServerClient, register: IssuanceDatabase, issuer: str, numbers: Mapping[bytes, str]
) -> tuple[list[int], int]:
    """Store the certificates that are not here.

    Return the batches whose records are not to be had, and how many certificates have no number.
    """
    missing, nameless = [], 0
    for sequence in register.incomplete():
        records = _fetch_records(client, issuer, sequence)
        if records is None:
            missing.append(sequence)
            continue
        certificates = [
            FetchedCertificate(
                index=record.index,
                category=record.category,
                id=record.id,
                edition=record.edition,
                number=numbers.get(record.leaf()),
            )
            for record in records
        ]
        register.put_certificates(certificates)
        nameless += sum(one.number is None for one in certificates)
    return missing, nameless


def _fetch_records(client: ServerClient, issuer: str, sequence: int) -> list[Record] | None:
    """Return the records of a batch, None until it is anchored, or where the service lacks them."""
    path = f"/v1/batches/{issuer}/{sequence}"
    try:
        lines = client.ask("GET", f"{path}/records", longest=MAX_RECORDS_BYTES).content
    except ServerRefusedError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    answer = client.ask("GET", path).json()
    try:
        root = answer["receipt"]["receipt"]["root"]
        records = [Record.parse(line) for line in lines.splitlines()]
        leaves = [record.leaf() for record in records]
        if merkle.root(leaves).hex() != root or {one.issuer for one in records} != {issuer}:
            raise AnswerInvalidError(f"the records of batch {sequence} are not those that it has")
    except (KeyError, TypeError, MalformedError) as error:
        raise AnswerInvalidError(f"{client.url} answers no batch: {error}") from error
    return records


def _numbers(sealed: Sequence[Path]) -> Iterator[tuple[bytes, str]]:
    """Yield leaf and number of each holder's file in the folders; other files are passed over."""
    for folder in sealed:
        for path in sorted(folder.rglob("holders/*.json")):
            with path.open("rb") as file:
                data = file.read(MAX_HOLDING_BYTES + 1)
            try:
                holding = Holding.parse(data)
            except MalformedError:
                continue
            number = next((one.value for one in holding.disclosures if one.name == NUMBER), None)
            if isinstance(number, str):
                yield holding.record.leaf(), number


def _bring_catalog(
    folder: IssuerFolder, client: ServerClient, head: LedgerHead, *, follow: bool
) -> str:
    """Fetch the catalog where the folder has none; say how the folder's stands to the ledger's."""
    if not any(head.catalog):
        return "none on the ledger"
    if folder.has_catalog:
        if folder.catalog().root() == head.catalog:
            return "as on the ledger"
        if not follow:
            return "differs from the ledger's"
    answer = client.ask("GET", f"/v1/catalogs/{head.catalog.hex()}").json()
    try:
        catalog = Catalog.from_json(answer["entries"])
    except (KeyError, TypeError, MalformedError) as error:
        raise AnswerInvalidError(f"{client.url} answers no catalog: {error}") from error
    if catalog.root() != head.catalog:
        raise AnswerInvalidError(f"{client.url} answers another catalog than it was asked for")
    folder.save_catalog(catalog)
    return "fetched"
