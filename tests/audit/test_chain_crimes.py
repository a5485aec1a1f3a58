"""Issuers and thieves act past the ledger's intake: the audit names what the chain then holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from certledger.contracts import calls
from certledger.ledger.chain.client import Payment, sign_transaction
from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.issuer.signed_acts import (
    challenge_registrar,
    change_registrar,
    change_standing,
    hold,
    packed_ends,
    packed_keys,
    rotate_registrar,
)
from certledger.ledger.reference_data import load_domain
from certledger.verifier.audit.deployment import check_deployment, created
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats import merkle
from certledger.verifier.formats.issuer_state import NO_END
from certledger.verifier.formats.signed_act import statement_from_json
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
    KeysChange,
    Restore,
    StatusChange,
    ledger_identity,
)
from certledger.verifier.formats.status_tree import StatusTree, choose
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, RpcClient
from certledger.verifier.vocabulary import Standing, Status
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, carry, codes, smuggle
from tests.audit.little import ALL, DAY, POLICE, LittleIssuer, now, opened, person, registrar


def test_records_withheld_for_a_day_are_a_fault_and_before_that_none(
    home: Path, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        smuggle(issuer, issuer.seal([issuer.issue("hidden")]), kept=False)
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.CLEAN
    assert [(one.code, one.where) for one in report.findings] == [
        ("records.awaited", f"{POLICE}/batches/3")
    ]
    later = auditor.home(home, later=2 * DAY)
    assert_told(later, "records.withheld", f"{POLICE}/batches/3")


def test_a_category_outside_the_catalog_is_named_with_proof_that_the_issuer_signed_it(
    home: Path, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        other = catalog_of(load_domain(), ["ID-PASSPORT"]).entries[0]
        fields = dict.fromkeys(other.fields[1:], "值")
        stranger = issuer.issue("X1", entry=other, fields=fields)
        smuggle(issuer, issuer.seal([issuer.issue("good"), stranger]))
        identity, key = ledger.pin.identity, issuer.key.address
    report = auditor.home(home)
    index = f"{POLICE}/certificates/303"
    assert_told(report, "record.category_absent", index)
    evidence = next(one for one in report.faults if one.where == index).evidence
    said = statement_from_json(Batch, evidence["statement"])
    signature = bytes.fromhex(evidence["signatures"][0])
    assert recover_address(said.digest(identity), signature) == key
    leaf = merkle.leaf_hash(str(evidence["record"]).encode())
    path = [bytes.fromhex(step) for step in evidence["path"]]
    assert merkle.implied_root(leaf, 303 - said.first, said.count, path) == said.root


def test_a_validity_beyond_the_entrys_is_found(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        long = issuer.issue("long")
        assert long.expires is not None
        smuggle(issuer, issuer.seal([replace(long, expires=long.expires.replace(year=2999))]))
    report = auditor.home(home)
    assert_told(report, "record.disobeys_entry", f"{POLICE}/certificates/302")


def test_one_number_issued_twice_is_named(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        smuggle(issuer, issuer.seal([issuer.issue("N9")]))
    assert_told(auditor.home(home), "certificate.issued_twice", f"{POLICE}/certificates/302")


def test_a_successor_whose_predecessor_stays_valid_is_named(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        issuer.hand_in(issuer.seal([issuer.issue("N4", edition=1, replaces=4)]))
    report = auditor.home(home)
    assert_told(report, "certificate.predecessor_valid", f"{POLICE}/certificates/302")
    with opened(home) as ledger:
        LittleIssuer(ledger, POLICE).change([4], Status.SUPERSEDED, "P01")
    assert auditor.home(home).verdict is AuditVerdict.CLEAN


def test_a_successor_of_somebody_else_is_named(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        smuggle(issuer, issuer.seal([issuer.issue("N8", edition=1, replaces=5)]))
    assert_told(auditor.home(home), "certificate.edition_gap", f"{POLICE}/certificates/302")


def reinstate(issuer: LittleIssuer, index: int, reason: bytes) -> None:
    """Carry a correction, countersigned by the registrar, for whatever reason."""
    words, masks = choose([index])
    state = issuer.state
    said = StatusChange(
        issuer=issuer.issuer.encode(),
        epoch=state.epoch + 1,
        words=words,
        masks=masks,
        status=Status.VALID.number,
        reason=reason,
        not_after=now() + DAY,
    )
    with issuer.ledger.store.begin(write=False) as unit:
        tree = StatusTree(unit.words(issuer.issuer))
    proof = tree.prove_many(words)
    witness = calls.StatusProof(
        words=[tree.word(word) for word in words], marks=proof.marks, siblings=proof.siblings
    )
    digest = said.digest(issuer.ledger.pin.identity)
    signatures = [signer.sign(digest) for signer in (issuer.key, issuer.registrar)]
    carry(issuer, calls.change_status(state, said, key=0, signatures=signatures, witness=witness))


@pytest.mark.parametrize("reason", [b"R01", b"V77", b"\0\0\0", b"\xff\xfe\xfd"])
def test_a_certificate_reinstated_without_reason_is_named(
    home: Path, auditor: Auditor, reason: bytes
) -> None:
    with opened(home) as ledger:
        reinstate(LittleIssuer(ledger, POLICE), 5, reason)
    assert_told(auditor.home(home), "status.reason_missing", f"{POLICE}/statuses/5")


def test_a_certificate_reinstated_for_a_reason_is_told_and_no_fault(
    home: Path, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        reinstate(LittleIssuer(ledger, POLICE), 5, b"V02")
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.CLEAN
    assert codes(report.findings) == {"status.corrected"}


def test_a_batch_signed_by_a_stolen_key_is_named_until_all_of_it_is_revoked(
    home: Path, auditor: Auditor
) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        thief = issuer.hand_in(issuer.seal([issuer.issue("stolen"), issuer.issue("stolen too")]))
        block = ledger.chain.head().number
        fresh = person("the police's new key")
        said = KeysChange(
            issuer=POLICE.encode(),
            revision=issuer.state.revision + 1,
            added=packed_keys({fresh.address: ALL}),
            ends=packed_ends({0: block}),
            not_after=now() + DAY,
        )
        issuer.submit(said, registrar(31), registrar(32), fresh)
        first = thief.statement.first
    where = f"{POLICE}/batches/3"
    assert_told(auditor.home(home), "batch.key_lost", where)
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        issuer.key = fresh
        issuer.change([first, first + 1], Status.REVOKED, "R02")
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.CLEAN
    assert [(one.code, one.where) for one in report.findings] == [
        ("batch.key_lost_resolved", where)
    ]


def test_other_creation_code_is_found_though_the_code_that_stands_is_the_same(
    home: Path,
) -> None:
    with opened(home) as ledger:
        seats = [(region, registrar(region).address) for region in (31, 32, 33)]
        data = calls.deploy(b"s" * 32, seats) + bytes(32)
        nonce = ledger.chain.next_nonce()
        payment = Payment(
            chain_id=ledger.pin.chain_id, nonce=nonce, gas=8_000_000, to=b"", data=data
        )
        signed = sign_transaction(ledger.node, ledger.operator, payment)
        ledger.chain.broadcast(signed.raw)
        address = created(ledger.operator.address, nonce)
        ledger.run_until_idle()
        number = ledger.chain.head().number
        node = RpcClient(
            ledger.embedded.url if ledger.embedded else "", longest=MAX_LOG_RESPONSE_BYTES
        )
        pin = replace(
            ledger.pin,
            address=address,
            deployment=signed.hash,
            code_hash=keccak(node.code(address, number)),
            identity=ledger_identity(ledger.pin.chain_id, address, b"s" * 32),
        )
        assert node.code(address, number)
        found = codes(check_deployment(node, pin, number))
        assert found == {"deployment.creation_differs"}
        assert check_deployment(node, ledger.pin, number) == []
        other = replace(ledger.pin, code_hash=bytes(32))
        assert codes(check_deployment(node, other, number)) == {"deployment.code_differs"}
        moved = replace(ledger.pin, address=address)
        assert "deployment.address_differs" in codes(check_deployment(node, moved, number))


def test_held_suspended_and_struck_issuers_replay_clean(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        issuer.submit(hold(31, [POLICE], nonce=1, now=now()), registrar(31))
        for revision, standing in enumerate((Standing.SUSPENDED, Standing.ACTIVE), 1):
            said = change_standing(POLICE, revision=revision, standing=standing, now=now())
            issuer.submit(said, registrar(31))
        said = change_standing(POLICE, revision=3, standing=Standing.STRUCK, now=now())
        issuer.submit(said, registrar(31), registrar(34))
        issuer.submit(hold(31, [POLICE], nonce=2, now=now()), registrar(31))
        seat = change_registrar(35, account=person("fifth").address, term=1, now=now())
        issuer.submit(seat, *(registrar(region) for region in (31, 32, 33)))
    report = auditor.home(home)
    assert [one.to_json() for one in report.faults] == []
    assert report.verdict is AuditVerdict.CLEAN


def test_keys_restored_and_catalogs_emptied_replay_clean(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        fresh = person("a further key")
        added = KeysChange(
            issuer=POLICE.encode(),
            revision=1,
            added=packed_keys({fresh.address: ALL}),
            ends=(),
            not_after=now() + DAY,
        )
        issuer.submit(added, registrar(31), issuer.key, fresh)
        block = ledger.chain.head().number + 5
        alone = replace(added, revision=2, added=(), ends=packed_ends({1: block}))
        issuer.submit(alone, fresh)
        issuer.submit(hold(31, [POLICE], nonce=1, now=now()), registrar(31))
        raised = Restore(
            term=1,
            issuers=(POLICE.encode(),),
            standings=(Standing.ACTIVE.number,),
            ends=tuple(bytes(2) + end for end in packed_ends({1: NO_END})),
            not_after=now() + DAY,
        )
        issuer.submit(raised, *(registrar(region) for region in (31, 33, 34)))
        empty = CatalogChange(
            issuer=POLICE.encode(), version=2, root=bytes(32), not_after=now() + DAY
        )
        digest = empty.digest(ledger.pin.identity)
        signature = registrar(31).sign(digest)
        data = calls.change_catalog(issuer.state, empty, key=calls.NO_KEY, signatures=[signature])
        carry(issuer, data)
        seat = change_registrar(31, account=person("next").address, term=2, now=now())
        issuer.submit(seat, *(registrar(region) for region in (32, 33, 34)))
        gone = change_registrar(33, account=bytes(20), term=3, now=now())
        issuer.submit(gone, registrar(32), registrar(33), registrar(34))
        issuer.submit(challenge_registrar(34, turn=1, now=now()), person("next"), registrar(32))
        fresh = person("rotated")
        turned = rotate_registrar(32, account=fresh.address, turn=1, now=now())
        issuer.submit(turned, registrar(32), fresh)
    report = auditor.home(home)
    assert [one.to_json() for one in (*report.faults, *report.gaps)] == []
    assert report.counts["acts"] == 12 + 9
