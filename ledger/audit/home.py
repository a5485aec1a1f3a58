"""Audit of a home: opens its policy, chain and database, without changing them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from certledger.ledger.audit.batch_rows import check_stored
from certledger.ledger.audit.comparison import Comparison
from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.documents import check_documents
from certledger.ledger.audit.export import publish
from certledger.ledger.audit.mirror import MirrorObserver, Reach
from certledger.ledger.chain.client import CONFIRMATIONS
from certledger.ledger.chain.deploy import load_deployment
from certledger.ledger.keys import KeyUnusableError, keystore_address
from certledger.ledger.node import NAME, LedgerAbsentError, load_policy
from certledger.ledger.reference_data import load_domain
from certledger.ledger.settings import Settings, load_settings
from certledger.ledger.store.identity import IdentityPart
from certledger.verifier.audit.findings import AuditFault
from certledger.verifier.audit.last_audit import AuditMemory
from certledger.verifier.audit.replay import Replay, Watch
from certledger.verifier.audit.report import AuditReport
from certledger.verifier.audit.runner import SPAN, Job, audit, unwatched
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, NodeBlock, RpcClient

NOTES = "audit"


def audit_home(
    home: Path,
    executor: Executor,
    *,
    now: int,
    watch: Watch = unwatched,
    to: Path | None = None,
    policy: TrustPolicy | None = None,
    notes: Path | None = None,
    known: NodeBlock | None = None,
    span: int = SPAN,
    notes_every: float = 5.0,
) -> AuditReport:
    """Replay the home's chain, compare everything in the home with it, and return the report.

    `to` is a folder to which published data is exported.  `policy` is the auditor's own, `notes`
    the folder of its state; without them both are the home's.  `known` is the block of an earlier
    report.  `now` is in seconds.

    Raises:
        LedgerAbsentError: there is no ledger in the home.
        DataUnreachableError: the database does not answer, or is damaged as a whole.
        DatabaseLedgerError: the database belongs to another ledger.
    """
    settings = load_settings(home=home)
    pins = pinned(settings.home, policy)
    files = StoredFiles(settings.database, settings.home)
    with closing(files), chain_of(settings) as url, files.open() as connection:
        IdentityPart(connection).check_ledger(pins[0].identity)
        if to is not None:
            publish(files, to)
        memory = AuditMemory(notes or settings.home / NOTES, pins[0].identity)
        job = _job(pins, files, MirrorObserver(connection, Reach.of(connection)), now=now)
        job = replace(job, folder=memory.folder, memory=memory, own_chain=settings.chain is None)
        job = replace(job, span=span, notes_every=notes_every, known=known)
        return _run(settings, files, connection, job, executor, url=url, watch=watch)


def audit_open(
    settings: Settings,
    files: StoredFiles,
    connection: Connection,
    executor: Executor,
    *,
    url: str,
    now: int,
) -> AuditReport:
    """Audit the database within an open transaction; no state is written.

    `url` is that of the chain's node, `executor` one that runs in the caller's thread.
    """
    observer = MirrorObserver(connection, Reach.of(connection))
    job = _job(pinned(settings.home), files, observer, now=now)
    job = replace(job, own_chain=settings.chain is None)
    return _run(settings, files, connection, job, executor, url=url)


def _run(
    settings: Settings,
    files: StoredFiles,
    connection: Connection,
    job: Job,
    executor: Executor,
    *,
    url: str,
    watch: Watch = unwatched,
) -> AuditReport:
    node = RpcClient(url, timeout=60.0, longest=MAX_LOG_RESPONSE_BYTES)
    if not isinstance(observer := job.observer, MirrorObserver):
        raise TypeError("a database is audited with an observer of its mirror")
    comparison = Comparison(
        files, connection, observer, job=job, node=node, operator=_operator(settings)
    )

    def others(replay: Replay, final: NodeBlock) -> Iterator[AuditFault]:
        yield from comparison.run(replay, final)
        yield from check_documents(settings.home, connection, job, node, final)

    return audit(node, job, executor, watch=watch, others=others)


def _job(
    pins: tuple[LedgerPin, TrustPolicy | None],
    files: StoredFiles,
    observer: MirrorObserver,
    *,
    now: int,
) -> Job:
    pin, policy = pins
    return Job(
        pin=pin,
        policy=policy,
        published=files,
        now=now,
        confirmations=CONFIRMATIONS if policy is None else policy.trust.confirmations,
        reasons=frozenset(load_domain().status_codes),
        observer=observer,
        work=check_stored,
    )


def pinned(home: Path, own: TrustPolicy | None = None) -> tuple[LedgerPin, TrustPolicy | None]:
    """Return a home's ledger and policy: the auditor's `own` policy, else the home's.

    Without either, the ledger as it was deployed.

    Raises:
        LedgerAbsentError: nothing is deployed, or the policy is of other ledgers.
    """
    deployment = load_deployment(home)
    if deployment is None:
        raise LedgerAbsentError(f"there is no ledger in {home}")
    signed = None if own is not None else load_policy(home)
    policy = own if signed is None else signed.policy
    if policy is None:
        return deployment.pin(NAME), None
    pin = policy.for_ledger(deployment.identity)
    if pin is None:
        raise LedgerAbsentError(f"the policy is of other ledgers than the one deployed in {home}")
    return pin, policy


@contextmanager
def chain_of(settings: Settings) -> Iterator[str]:
    """Yield the URL of the chain's node; of the embedded chain, a read-only server is started.

    The home may be in use meanwhile.
    """
    if settings.chain is not None:
        yield settings.chain.partition(",")[0].strip()
        return
    from certledger.ledger.devchain.read_only_node import reading

    with reading(settings.home / "chain") as url:
        yield url


def _operator(settings: Settings) -> bytes | None:
    try:
        return keystore_address(settings.operator_keystore)
    except KeyUnusableError:
        return None
