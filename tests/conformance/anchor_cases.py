"""Cases of checks 3 to 5: state, contract, batch, signature and entitlement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.evidence import EntryProof
from certledger.verifier.formats.issuer_state import Key
from certledger.verifier.formats.statements import SECP256K1_ORDER
from certledger.verifier.vocabulary import HolderKind, IssuerKind, Purpose, Standing
from tests.conformance.case import UNANCHORED, Case, Scene
from tests.world import ENTRY, LICENCE, draw, policy, signed_policy


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from state()
    yield from contract()
    yield from batch()
    yield from signature()
    yield from keys()
    yield from entitlement()


def unanchored(name: str, why: str, evidence: bytes, code: str, **codes: str) -> Case:
    """Return a case in which check 3 does not pass."""
    fails = code in ("anchor.state_differs", "anchor.other_contract")
    return Case(
        name=name,
        why=why,
        evidence=evidence,
        verdict="not_genuine" if fails else "cannot_tell",
        codes={**UNANCHORED, "anchor": code, **codes},
    )


def state() -> Iterator[Case]:
    """Yield cases of the issuer's state."""
    scene = Scene(first_batches=2)
    plain = scene.evidence()
    issuer = plain.issuer
    for name, changed in (
        ("name", replace(issuer, name="上海市公安厅")),
        ("name_long", replace(issuer, name="某" * 128)),
        ("kind", replace(issuer, kind=IssuerKind.ASSOCIATION)),
        ("keys", replace(issuer, keys=(replace(issuer.keys[0], end=10**6),))),
        ("keys_added", replace(issuer, keys=(*issuer.keys, Key(address=draw("key", 20),
                                                           purposes=Purpose.BATCHES, start=1)))),
        ("catalog", replace(issuer, catalog=draw("catalog"))),
        ("catalog_version", replace(issuer, catalog_version=2)),
        ("certificates", replace(issuer, certificates=issuer.certificates + 1)),
        ("last", replace(issuer, last=draw("last"))),
        ("epoch", replace(issuer, epoch=7)),
        ("revision", replace(issuer, revision=1)),
        ("since", replace(issuer, since=11)),
        ("standing", replace(issuer, standing=Standing.CLOSED)),
        ("status", replace(issuer, status=draw("status"))),
    ):  # fmt: skip
        yield unanchored(
            f"state_{name}_changed",
            "The state in the file is not the one whose digest the issuer's slot holds.",
            replace(plain, issuer=changed).format(),
            "anchor.state_differs",
        )
    held = Scene()
    held.world.held.add(held.issuer.state.issuer)
    yield Case(
        name="body_held",
        why="A registrar has put the brake on: bit 0 of the slot is cleared before comparing.",
        evidence=held.file(),
    )
    closed = Scene()
    closed.issuer.stand(standing=Standing.CLOSED, since=40, revision=1)
    yield Case(
        name="body_closed",
        why="A closed issuer issues nothing more; what it issued stays good.",
        evidence=closed.file(),
    )
    absent = Scene()
    file = absent.evidence()
    absent.world.issuers.remove(absent.issuer)
    account, slot = absent.world.proofs(absent.issuer)
    yield unanchored(
        "body_absent",
        "At this block the issuer was not registered, as the proof shows: it may have come since.",
        replace(
            file,
            account_proof=account,
            slot_proof=slot,
            checkpoint=absent.world.note().format(),
        ).format(),
        "anchor.body_absent",
    )
    other = scene.world.evidence(scene.other, scene.other.batches[0].issued[0])
    yield unanchored(
        "body_of_another",
        "State and proof are another issuer's.",
        replace(
            plain,
            issuer=other.issuer,
            slot_proof=other.slot_proof,
        ).format(),
        "anchor.other_body",
    )


def contract() -> Iterator[Case]:
    """Yield cases of the contract, the account and the proofs."""
    scene = Scene()
    plain = scene.evidence()
    later = Scene(first_batches=1)
    account, slot = plain.account_proof, plain.slot_proof
    other = scene.world.evidence(scene.other, scene.other.batches[0].issued[0])
    for name, why, evidence in (
        ("proof_of_other_slot", "The proof is of another issuer's slot.",
         replace(plain, slot_proof=other.slot_proof)),
        ("proof_of_other_block", "Account and slot are proved under another block's state root.",
         replace(plain, account_proof=later.evidence().account_proof,
                 slot_proof=later.evidence().slot_proof)),
        ("slot_proof_of_other_block", "The slot is proved under another storage root.",
         replace(plain, slot_proof=later.evidence().slot_proof)),
        ("account_proof_short", "The last node of the account's proof is missing.",
         replace(plain, account_proof=account[:-1])),
        ("account_proof_long", "A node that is not needed follows.",
         replace(plain, account_proof=(*account, account[-1]))),
        ("slot_proof_short", "The last node of the slot's proof is missing.",
         replace(plain, slot_proof=slot[:-1])),
        ("slot_proof_long", "A node that is not needed follows.",
         replace(plain, slot_proof=(*slot, slot[-1]))),
        ("slot_proof_changed", "One bit of a node is another: a proof that does not verify says"
         " nothing against the certificate.",
         replace(plain, slot_proof=(*slot[:-1], slot[-1][:-1] + bytes([slot[-1][-1] ^ 1])))),
        ("slot_proof_order", "The nodes stand in another order.",
         replace(plain, slot_proof=slot[::-1])),
        ("proofs_swapped", "The two proofs are swapped.",
         replace(plain, account_proof=slot, slot_proof=account)),
    ):  # fmt: skip
        yield unanchored(name, why, evidence.format(), "anchor.proof_unusable")
    upgraded = Scene()
    upgraded.world.code_hash = keccak(b"another contract")
    yield unanchored(
        "code_hash_differs",
        "At the ledger's address the chain holds a contract with other code.",
        upgraded.file(),
        "anchor.other_contract",
    )
    pin = replace(policy().ledgers[0], address=draw("elsewhere", 20))
    moved = unanchored(
        "contract_absent",
        "The policy pins another address, where the proof leads to nothing usable.",
        plain.format(),
        "anchor.proof_unusable",
    )
    yield replace(moved, policy=signed_policy(ledgers=(pin,)).format())
    for accounts in (0, 300):
        wide = Scene()
        wide.world.accounts = accounts
        yield Case(
            name=f"state_of_{accounts + 1}_accounts",
            why="The state trie is as deep as it happens to be.",
            evidence=wide.file(),
        )


def batch() -> Iterator[Case]:
    """Yield cases of the batch in its issuer's tree."""
    scene = Scene(first_batches=2)
    plain = scene.evidence()
    for batches in (1, 2, 6):
        yield Case(
            name=f"batch_{batches + 1}",
            why="The batch stands under one of several peaks.",
            evidence=Scene(first_batches=batches).file(),
        )
    moved = Scene(first_batches=1)
    for n in range(4):
        moved.issuer.anchor([moved.issuer.issue(f"沪后{n}")])
    yield Case(
        name="batch_of_long_ago",
        why="Any batch, however old, is proved under the newest state.",
        evidence=moved.file(),
    )
    statement, anchor = plain.statement, plain.anchor
    for name, why, evidence in (
        ("batch_count_changed", "The statement claims another number of certificates.",
         replace(plain, statement=replace(statement, count=6))),
        ("batch_previous_changed", "The statement names another batch before it.",
         replace(plain, statement=replace(statement, previous=draw("previous")))),
        ("batch_not_after_changed", "The statement claims another last instant.",
         replace(plain, statement=replace(statement, not_after=statement.not_after + 1))),
        ("batch_countersignature_added", "The statement claims a countersignature.",
         replace(plain, statement=replace(statement, countersignature=draw("more")))),
        ("anchor_block_changed", "The file claims another block of anchoring.",
         replace(plain, anchor=replace(anchor, block=anchor.block - 1))),
        ("anchor_key_changed", "The file claims another key.",
         replace(plain, anchor=replace(anchor, key=1))),
        ("anchor_path_long", "The path to the peak is too long.",
         replace(plain, anchor=replace(anchor, path=(draw("hash"),)))),
        ("sequence_of_another", "The statement claims the place of another batch.",
         replace(plain, statement=replace(statement, sequence=1))),
    ):  # fmt: skip
        yield unanchored(name, why, evidence.format(), "anchor.batch_unproved")
    yield unanchored(
        "batch_pending",
        "At this block the batch was not anchored: it may have come since.",
        replace(plain, statement=replace(statement, sequence=4)).format(),
        "anchor.batch_pending",
    )
    ahead = Scene()
    before = ahead.evidence()
    late = ahead.issuer.issue("沪迟1")
    ahead.issuer.anchor([late])
    after = ahead.world.evidence(ahead.issuer, late)
    yield unanchored(
        "batch_after_the_checkpoint",
        "State and checkpoint are from before the batch.",
        replace(
            after,
            issuer=before.issuer,
            checkpoint=before.checkpoint,
            account_proof=before.account_proof,
            slot_proof=before.slot_proof,
        ).format(),
        "anchor.batch_pending",
    )


def signature() -> Iterator[Case]:
    """Yield cases of the signature that the file carries."""
    scene = Scene()
    plain = scene.evidence()
    given = plain.signature
    high = SECP256K1_ORDER - int.from_bytes(given[32:], "big")
    for name, why, evidence in (
        ("signature_bit", "One bit of the signature is another.",
         replace(plain, signature=bytes([given[0] ^ 1]) + given[1:])),
        ("signature_high_s", "The other, high s would verify too: it is refused.",
         replace(plain, signature=given[:32] + high.to_bytes(32, "big"))),
        ("signature_zero", "r and s are zero.", replace(plain, signature=bytes(64))),
        ("signature_by_another", "Another issuer's key signed the statement.",
         replace(plain, signature=scene.other.signer.sign(scene.batch.leaf()))),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=f"{why} The contract has checked the signature, so this is damage of the file.",
            evidence=evidence.format(),
            verdict="cannot_tell",
            codes={"signature": "signature.damaged"},
        )
    for name, why, key in (
        ("signer_of_another", "The public key is another issuer's.", scene.other.signer.public),
        ("signer_no_point", "The public key is no point of the curve.", draw("point", 64)),
    ):
        yield Case(
            name=name,
            why=why,
            evidence=replace(plain, signer=key).format(),
            verdict="cannot_tell",
            codes={"signature": "signature.signer_differs"},
        )
    yield Case(
        name="countersignature_missing",
        why="The policy asks for a countersignature, and the statement has none.",
        evidence=plain.format(),
        policy=signed_policy(countersignature=True).format(),
        verdict="cannot_tell",
        codes={"signature": "signature.countersignature_missing"},
    )


def keys() -> Iterator[Case]:
    """Yield cases of the recorded key; the batch was anchored at block 20."""
    for end in (21, 500):
        after = Scene()
        after.issuer.end_key(end)
        yield Case(
            name=f"key_ended_at_{end}",
            why="The key ended after the batch was anchored (the end is exclusive).",
            evidence=after.file(),
        )
    for end, why in (
        (20, "The key ended with the block of anchoring."),
        (11, "The key was stolen: its end was set back to before the batch."),
    ):
        before = Scene()
        before.issuer.end_key(end)
        yield Case(
            name=f"key_ended_at_{end}",
            why=why,
            evidence=before.file(),
            verdict="not_genuine",
            codes={"signature": "signature.key_ended"},
        )
    for name, why, change in (
        ("key_of_other_purpose", "The key may sign statuses, not batches.",
         {"purposes": Purpose.STATUS}),
        ("key_added_later", "The key was added after the block of anchoring.", {"start": 21}),
    ):  # fmt: skip
        scene = Scene()
        key = replace(scene.issuer.state.keys[0], **change)
        scene.issuer.stand(keys=(key,))
        yield Case(
            name=name,
            why=why,
            evidence=scene.file(),
            verdict="not_genuine",
            codes={"signature": "signature.purpose"},
        )


def entitlement() -> Iterator[Case]:
    """Yield cases of the catalog entry."""
    second = replace(ENTRY, version=2, months=120)
    withdrawn = Scene()
    withdrawn.issuer.stand(catalog=Catalog.of([LICENCE]).root(), catalog_version=2)
    yield Case(
        name="category_withdrawn_later",
        why="The catalog under the batch counts: withdrawing the category later hurts nothing.",
        evidence=withdrawn.file(),
    )
    yield Case(
        name="entry_old_version",
        why="The record is of the entry's first version, which still stands in the catalog.",
        evidence=Scene(entries=(ENTRY, second)).file(),
    )
    yield Case(
        name="no_expiry",
        why="The category has no greatest validity, and the record no expiry.",
        evidence=Scene(entry=LICENCE, expires=None).file(),
    )
    yield Case(
        name="longest_validity",
        why="240 months from the last day of February, to the day.",
        evidence=Scene(issued=date(2024, 2, 29), expires=date(2044, 2, 29)).file(),
    )
    clamped = replace(ENTRY, months=1)
    yield Case(
        name="longest_validity_clamped",
        why="One month from 31 October ends on 30 November.",
        evidence=Scene(
            entry=clamped, entries=(clamped,), issued=date(2026, 10, 31), expires=date(2026, 11, 30)
        ).file(),
    )
    for name, why, entry, wishes, code in (
        ("validity_too_long", "One day more than the entry's months.", ENTRY,
         {"expires": date(2046, 10, 2)}, "validity_too_long"),
        ("validity_unlimited", "The entry has a greatest validity, the record no expiry.", ENTRY,
         {"expires": None}, "validity_too_long"),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=Scene(entry=entry, **wishes).file(),
            verdict="not_genuine",
            codes={"entitlement": f"entitlement.{code}"},
        )
    yield from disobeying()
    scene = Scene(entries=(ENTRY, second, LICENCE))
    plain = scene.evidence()
    proof = plain.catalog
    other = scene.world.evidence(scene.other, scene.other.batches[0].issued[0]).catalog
    licence = Scene(entry=LICENCE).evidence().catalog
    for name, why, changed in (
        ("entry_changed", "The entry no longer asks for the holder's name.",
         replace(proof, entry=replace(proof.entry, shown=("sex",)))),
        ("entry_months_changed", "The entry allows a longer validity.",
         replace(proof, entry=replace(proof.entry, months=None))),
        ("entry_place_changed", "The entry claims another place.", replace(proof, place=0)),
        ("entry_count_changed", "The catalog claims another number of entries.",
         replace(proof, count=4)),
        ("entry_path_short", "The path lacks a hash.", replace(proof, path=proof.path[:-1])),
        ("entry_of_other_body", "The entry stands in another issuer's catalog.",
         replace(other, path=())),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=replace(plain, catalog=changed).format(),
            verdict="cannot_tell",
            codes={
                "entitlement": "entitlement.entry_unproved",
                "content": "content.nothing_compared",
            },
        )
    newer = replace(plain, catalog=entry_proof(scene, second))
    wrong = replace(Scene().evidence(), catalog=licence)
    for name, why, evidence in (
        ("entry_of_other_version", "The entry is the category's next version.", newer),
        ("entry_of_other_category", "The entry is another category's.", wrong),
    ):
        yield Case(
            name=name,
            why=why,
            evidence=evidence.format(),
            verdict="cannot_tell",
            codes={
                "entitlement": "entitlement.entry_differs",
                "content": "content.nothing_compared",
            },
        )


def entry_proof(scene: Scene, entry: Entry) -> EntryProof:
    """Return the proof of another entry of the scene's catalog."""
    mine = scene.issuer.issue("沪x", entry=entry)
    scene.issuer.anchor([mine])
    return scene.world.evidence(scene.issuer, mine).catalog


def disobeying() -> Iterator[Case]:
    """Yield records that do not obey the entry they name."""
    legal = replace(ENTRY, holder=HolderKind.LEGAL)
    scene = Scene(entries=(legal,), entry=ENTRY)
    yield Case(
        name="holder_kind_differs",
        why="The category is for legal persons, the record speaks of a natural one.",
        evidence=scene.file(),
        verdict="not_genuine",
        codes={"entitlement": "entitlement.holder_kind"},
    )
    longer = replace(ENTRY, fields=(*ENTRY.fields, "remark"))
    scene = Scene(entries=(longer,), entry=ENTRY)
    yield Case(
        name="fields_missing",
        why="The record has fewer digests than the category has fields.",
        evidence=scene.file(),
        verdict="not_genuine",
        codes={"entitlement": "entitlement.fields_missing"},
    )
