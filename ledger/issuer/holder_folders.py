"""One folder a holder: evidence, holder's file, documents, a sheet to print; and a ZIP of it."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerClient,
    ServerRefusedError,
    ServerUnreachableError,
)
from certledger.ledger.issuer.holder_sheet import HolderSheet
from certledger.ledger.sealing.progress import Progress, unwatched
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.holder_file import MAX_HOLDING_BYTES, Holding
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.record import DOCUMENT, NUMBER, printed_code
from certledger.verifier.formats.signed_policy import MAX_POLICY_BYTES, SignedPolicy
from certledger.verifier.verify.block_trust import TOO_FEW_WITNESSES, judge_by_witnesses

EVIDENCE, HOLDER, PRINT = "evidence.json", "holder.json", "sheet.html"
CODE_PLACE = 0
MAX_NAME_CHARACTERS = 60
NOT_YET = frozenset({404, 409})
"""Statuses of HTTP for a certificate that is not final yet."""
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f.]+')


class HolderFilesMissingError(CertledgerError):
    """The sealed folder has no holders' files, or they are of another batch."""

    code = "holders.missing"
    exit_status = ExitStatus.UNUSABLE


class DocumentDiffersError(CertledgerError):
    """A document in the folder is not the one that was sealed."""

    code = "document.differs"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderFolders:
    """What was written: how many certificates, and how many of them changed.

    `pending` are indexes that are not final yet, `unwitnessed` those whose evidence has too few
    cosignatures for the service's policy, `without_document` folders that lack a document.
    """

    folder: Path
    certificates: int
    changed: int
    pending: tuple[int, ...]
    unwitnessed: tuple[int, ...]
    without_document: int

    @property
    def is_complete(self) -> bool:
        """Whether every certificate has evidence that a verifier can rely on."""
        return not self.pending and not self.unwitnessed


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Writes the folders of one batch.

    Attributes:
        address: of the service, for short links.
        documents: the folder of the documents that were sealed; None to leave them out.
        zipped: write an encrypted ZIP of each folder too.
    """

    out: Path
    address: str
    documents: Path | None
    zipped: bool

    def write(self, holding: Holding, evidence: Evidence) -> tuple[bool, bool]:
        """Write one holder's folder; return whether it changed, and whether it is complete."""
        number = _number(holding)
        names = {NUMBER, *evidence.catalog.entry.shown}
        shown = evidence.showing([part for part in holding.disclosures if part.name in names])
        documents = dict(self._documents(holding))
        sheet = HolderSheet.of(holding, shown, self.address)
        files = {
            EVIDENCE: shown.format(),
            HOLDER: holding.format(),
            PRINT: sheet.to_html().encode(),
            **documents,
        }
        folder = self.out / folder_name(holding.record.index, number)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        changed = [name for name, data in files.items() if _differs(folder / name, data)]
        for name in changed:
            write_atomically(folder / name, files[name], private=True)
        archive = folder.with_name(f"{folder.name}.zip")
        if self.zipped and (changed or not archive.exists()):
            password = printed_code(holding.disclosures[CODE_PLACE].salt)
            write_atomically(archive, encrypt_zip(files, folder.name, password), private=True)
        return bool(changed), len(documents) == len(holding.names)

    def _documents(self, holding: Holding) -> Iterator[tuple[str, bytes]]:
        """Yield name and bytes of the documents, which are those that were sealed."""
        values = [part.value for part in holding.disclosures if part.name == DOCUMENT]
        for name, value in zip(holding.names, values, strict=False):
            path = None if self.documents is None else self.documents / name
            if path is None or not path.is_file() or not isinstance(value, Mapping):
                continue
            data = path.read_bytes()
            if sha256(data).hexdigest() != value["sha256"]:
                raise DocumentDiffersError(f"{path} is not the document that was sealed")
            yield path.name, data


def write_folders(
    client: ServerClient, holders: Path, writer: Writer, watch: Progress = unwatched
) -> HolderFolders:
    """Fetch the evidence of every certificate whose holder's file is in `holders`; repeatable.

    Files that have not changed stay untouched.

    Raises:
        HolderFilesMissingError: there are no holders' files.
        DocumentDiffersError: a document was changed since it was sealed.
        ServerRefusedError, ServerUnreachableError, AnswerInvalidError: as they say.
    """
    files = sorted(holders.glob("*.json"), key=lambda path: (len(path.name), path.name))
    if not files:
        raise HolderFilesMissingError(f"{holders} has no holders' files")
    policy = _policy_of(client)
    changed, without, pending, unwitnessed = 0, 0, [], []
    for path in watch(files, "fetching evidence", len(files)):
        holding = Holding.parse(path.read_bytes()[: MAX_HOLDING_BYTES + 1])
        evidence = fetch_evidence(client, holding)
        if evidence is None:
            pending.append(holding.record.index)
            continue
        if policy is not None and _lacks_witnesses(evidence, policy):
            unwitnessed.append(holding.record.index)
        has_changed, is_complete = writer.write(holding, evidence)
        changed += has_changed
        without += not is_complete
    return HolderFolders(
        folder=writer.out,
        certificates=len(files),
        changed=changed,
        pending=tuple(pending),
        unwitnessed=tuple(unwitnessed),
        without_document=without,
    )


def _policy_of(client: ServerClient) -> TrustPolicy | None:
    """Return the policy that the service names, which is advice only; None where it has none."""
    try:
        # A service without a policy is not ready for this question, and is not awaited.
        asked = replace(client, patience=0.0).ask("GET", "/v1/policy", longest=MAX_POLICY_BYTES)
        return SignedPolicy.parse(asked.content).policy
    except (ServerRefusedError, ServerUnreachableError):
        return None
    except MalformedError as error:
        raise AnswerInvalidError(f"{client.url} answers no policy: {error}") from error


def _lacks_witnesses(evidence: Evidence, policy: TrustPolicy) -> bool:
    """Return whether the checkpoint has fewer cosignatures than the policy asks for."""
    note = parse_note(evidence.checkpoint)
    ledger = policy.for_ledger(note.checkpoint.identity)
    return ledger is not None and judge_by_witnesses(note, policy, ledger).code == TOO_FEW_WITNESSES


def fetch_evidence(client: ServerClient, holding: Holding) -> Evidence | None:
    """Return the newest evidence of a certificate, None until it is final.

    Raises:
        ServerRefusedError, ServerUnreachableError: as they say.
        AnswerInvalidError: it is none, or of another certificate.
    """
    record = holding.record
    path = f"/v1/issuers/{record.issuer}/certificates/{record.index}/evidence"
    try:
        data = client.ask("GET", path, longest=MAX_EVIDENCE_BYTES).content
    except ServerRefusedError as error:
        if error.status in NOT_YET:
            return None
        raise
    try:
        evidence = Evidence.parse(data)
    except MalformedError as error:
        raise AnswerInvalidError(f"{client.url} answers no evidence: {error}") from error
    if evidence.record != record:
        raise AnswerInvalidError(f"certificate {record.index} of the ledger is another one")
    return evidence


def folder_name(index: int, number: str) -> str:
    """Return the name of a holder's folder: index and number, as every file system takes it."""
    plain = _UNSAFE.sub("-", unicodedata.normalize("NFC", number))[:MAX_NAME_CHARACTERS]
    return f"{index:06d}-{plain.strip('- ')}"


def encrypt_zip(files: Mapping[str, bytes], folder: str, password: str) -> bytes:
    """Return a ZIP of files in one folder, encrypted by AES-256 (AE-2, as 7-Zip and WinZip read).

    The key is derived from the password with 1,000 rounds, which is enough for an access code of 80
    random bits and for no password that a person chooses.
    """
    import pyzipper

    written = io.BytesIO()
    with pyzipper.AESZipFile(
        written, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password.encode("ascii"))
        archive.setencryption(pyzipper.WZ_AES, nbits=256)
        for name, data in files.items():
            archive.writestr(f"{folder}/{name}", data)
    return written.getvalue()


def _number(holding: Holding) -> str:
    number = holding.disclosures[CODE_PLACE].value
    assert isinstance(number, str)
    return number


def _differs(path: Path, data: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != data
