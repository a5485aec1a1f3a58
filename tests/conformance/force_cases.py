"""Cases of checks 7 to 10, and of which check decides where several speak (SPEC 18.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certledger.verifier.formats import presentation
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.presentation import (
    HolderPrivateKey,
    Presentation,
    Request,
    Subject,
)
from certledger.verifier.formats.status_tree import DEFAULTS
from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import BLOCKED, UNANCHORED, Case, Scene
from tests.conformance.content_cases import disclosure
from tests.world import IDENTITY, LICENCE, NOW, OPERATORS, draw, signed_policy

DAY = 86400
T = NOW - 595
"""The instant of which the scene's evidence speaks."""


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from freshness()
    yield from statuses()
    yield from words()
    yield from dates()
    yield from holders()
    yield from several()


def freshness() -> Iterator[Case]:
    """Yield cases of age; this category's greatest is a day, the tolerance five minutes."""
    scene, licence = Scene(), Scene(entry=LICENCE)
    for name, why, file, at in (
        ("as_old_as_allowed", "Exactly as old as the category allows.", scene.file(), T + DAY),
        ("category_without_its_own_age", "The default of a week counts.", licence.file(),
         T + 7 * DAY),
        ("clock_behind", "The evidence is from the future, within the tolerance.", scene.file(),
         T - 300),
    ):  # fmt: skip
        yield Case(name=name, why=why, evidence=file, at=at)
    for name, why, file, at, code in (
        ("stale", "One second older than the category allows.", scene.file(), T + DAY + 1,
         "freshness.stale"),
        ("stale_by_default", "One second older than the default allows.", licence.file(),
         T + 7 * DAY + 1, "freshness.stale"),
        ("from_the_future", "One second further in the future than the tolerance.", scene.file(),
         T - 301, "freshness.future"),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=file,
            at=at,
            verdict="cannot_tell",
            codes={"freshness": code},
        )


def changed(*steps: Status, standing: Standing = Standing.ACTIVE) -> Scene:
    """Return a scene whose certificate has gone through `steps`."""
    scene = Scene()
    for step in steps:
        scene.issuer.change([scene.mine.record.index], step)
    if standing is not Standing.ACTIVE:
        scene.issuer.stand(standing=standing, since=40, revision=1)
    return scene


def statuses() -> Iterator[Case]:
    """Yield cases of a certificate's status and its issuer's standing."""
    late = T + DAY + 1
    yield Case(
        name="suspension_lifted",
        why="It was suspended, and is not any more.",
        evidence=changed(Status.SUSPENDED, Status.VALID).file(),
    )
    neighbour = Scene()
    neighbour.issuer.change([1, 3], Status.REVOKED)
    yield Case(
        name="neighbours_revoked",
        why="The certificates before and after it in the word are revoked.",
        evidence=neighbour.file(),
    )
    for name, why, scene, at, code in (
        ("revoked", "It is revoked.", changed(Status.REVOKED), NOW, "status.revoked"),
        ("superseded", "A newer edition has taken its place.", changed(Status.SUPERSEDED), NOW,
         "status.superseded"),
        ("suspended", "It is suspended.", changed(Status.SUSPENDED), NOW, "status.suspended"),
        ("suspended_then_revoked", "It was suspended, then revoked.",
         changed(Status.SUSPENDED, Status.REVOKED), NOW, "status.revoked"),
        ("body_suspended", "Nothing of a suspended issuer is relied on.",
         changed(standing=Standing.SUSPENDED), NOW, "status.body_suspended"),
        ("body_struck", "Nothing of an issuer struck off is relied on.",
         changed(standing=Standing.STRUCK), NOW, "status.body_struck"),
        ("revoked_and_body_suspended", "What stays true counts before what may pass.",
         changed(Status.REVOKED, standing=Standing.SUSPENDED), NOW, "status.revoked"),
        ("revoked_and_body_struck", "The issuer was struck off.",
         changed(Status.REVOKED, standing=Standing.STRUCK), NOW, "status.body_struck"),
        ("revoked_stale", "Revoked stays revoked, however old the evidence.",
         changed(Status.REVOKED), late, "status.revoked"),
        ("superseded_stale", "Superseded stays superseded.", changed(Status.SUPERSEDED), late,
         "status.superseded"),
        ("body_struck_stale", "Struck stays struck.", changed(standing=Standing.STRUCK), late,
         "status.body_struck"),
        ("revoked_from_the_future", "Revoked, though this clock is behind.",
         changed(Status.REVOKED), T - 301, "status.revoked"),
    ):  # fmt: skip
        codes = {"status": code}
        if at != NOW:
            codes["freshness"] = "freshness.stale" if at > NOW else "freshness.future"
        yield Case(
            name=name,
            why=why,
            evidence=scene.file(),
            at=at,
            verdict="not_in_force",
            codes=codes,
        )
    for name, why, scene, code in (
        ("suspended_stale", "A suspension may have been lifted since: old evidence of it says"
         " nothing.", changed(Status.SUSPENDED), "status.suspended"),
        ("body_suspended_stale", "The issuer may have been resumed since.",
         changed(standing=Standing.SUSPENDED), "status.body_suspended"),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=scene.file(),
            at=late,
            verdict="cannot_tell",
            codes={"status": code, "freshness": "freshness.stale"},
        )


def words() -> Iterator[Case]:
    """Yield cases of the proof of a status word."""
    scene = Scene(before=300, after=100)
    scene.issuer.change([5, 250, 399], Status.REVOKED)
    yield Case(
        name="third_status_word",
        why="The word of certificate 300 has neighbours that are not zero.",
        evidence=scene.file(),
    )
    plain = scene.evidence()
    word = plain.word
    revoked = changed(Status.REVOKED)
    clean = Scene().evidence().word
    for name, why, evidence in (
        ("word_of_other_index", "The word is another one of the same tree.",
         replace(plain, word=scene.issuer.tree.prove(1))),
        ("word_cleared", "The certificate is revoked, and the file shows an empty word.",
         replace(revoked.evidence(), word=clean)),
        ("word_bit", "One bit of the word is another.",
         replace(plain, word=replace(word, word=word.word[:-1] + bytes([word.word[-1] ^ 4])))),
        ("word_sibling_changed", "A sibling is another.",
         replace(plain, word=replace(word, siblings=(draw("s"), *word.siblings[1:])))),
        ("word_sibling_missing", "A sibling is missing.",
         replace(plain, word=replace(word, siblings=word.siblings[1:]))),
        ("word_default_listed", "A sibling that is the default is listed: a second spelling.",
         replace(plain, word=replace(word, marks=word.marks | 1 << 20,
                                     siblings=(*word.siblings, DEFAULTS[20])))),
        ("word_of_old_state", "The word was true before the last change.",
         replace(revoked.evidence(), word=Scene().issuer.tree.prove(0))),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=evidence.format(),
            verdict="cannot_tell",
            codes={"status": "status.unproved"},
        )


def dated(issued: date, expires: date) -> Scene:
    """Return a scene whose certificate is of these days."""
    return Scene(issued=issued, expires=expires)


def midnight(day: date) -> int:
    """Return the first second of a day in China."""
    return (day - date(1970, 1, 1)).days * DAY - 8 * 3600


def dates() -> Iterator[Case]:
    """Yield cases of days, which are China's; NOW is 2026-11-18 in China."""
    day = date(2026, 11, 18)
    month = date(2026, 11, 1)
    scene = dated(month, day)
    start, end = midnight(day), midnight(day) + DAY
    fresh = signed_policy(ages={}, default_age=30 * DAY).format()
    for name, why, days, at in (
        ("last_second_of_last_day", "It is good through the end of the day in China.", (month, day),
         end - 1),
        ("first_second_of_first_day", "It is good from midnight in China, 16:00 UTC the day"
         " before.", (day, day), start),
    ):  # fmt: skip
        now = dated(*days)
        now.world.time = at - 600
        yield Case(name=name, why=why, evidence=now.file(), at=at)
    scene.world.time = end - 600
    yield Case(
        name="expired",
        why="The last day ended in China a second ago; in UTC it goes on.",
        evidence=scene.file(),
        at=end,
        verdict="not_in_force",
        codes={"dates": "dates.expired"},
    )
    early = Scene(issued=day, expires=date(2036, 10, 1))
    early.world.time = start - 601
    yield Case(
        name="not_yet",
        why="The first day begins in China in a second.",
        evidence=early.file(),
        at=start - 1,
        verdict="not_in_force",
        codes={"dates": "dates.not_yet"},
    )
    yield Case(
        name="expired_stale",
        why="Expired is expired, however old the evidence.",
        evidence=scene.file(),
        at=end + 3 * DAY,
        verdict="not_in_force",
        codes={"dates": "dates.expired", "freshness": "freshness.stale"},
    )
    yield Case(
        name="not_yet_from_the_future",
        why="The evidence is from later than now, so this clock is not to be relied on.",
        evidence=early.file(),
        policy=fresh,
        at=start - 1000,
        verdict="cannot_tell",
        codes={"dates": "dates.not_yet", "freshness": "freshness.future"},
    )
    late = Scene(issued=date(2026, 9, 1))
    yield Case(
        name="anchored_late",
        why="It was anchored later after its issue than the category asks: a warning, no more.",
        evidence=late.file(),
    )


ASKED = ("shanghai-counter-7", "nonce-1")


def holder_key(kind: str) -> HolderPrivateKey:
    """Return the private key of a holder."""
    if kind == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(draw("holder"))
    return ec.derive_private_key(int.from_bytes(draw("holder")[1:], "big"), ec.SECP256R1())


def bound(kind: str = "ed25519", **issue: Any) -> Scene:
    """Return a scene whose certificate is bound to a holder's key."""
    key = presentation.format_holder_key(holder_key(kind).public_key())
    return Scene(holder_key=key, **issue)


def present(
    scene: Scene,
    *,
    kind: str = "ed25519",
    asked: tuple[str, str] = ASKED,
    time: int = NOW - 5,
    key: HolderPrivateKey | None = None,
    evidence: Evidence | None = None,
) -> Evidence:
    """Return evidence with a presentation, the same in every run."""
    shown = ("certificate_number", "holder_name", "holder_key")
    evidence = scene.evidence(show=shown) if evidence is None else evidence
    subject = Subject(
        identity=IDENTITY,
        leaf=evidence.record.leaf(),
        shown=tuple(part.digest for part in evidence.disclosures),
    )
    request, key = Request(audience=asked[0], nonce=asked[1]), key or holder_key(kind)
    if isinstance(key, Ed25519PrivateKey):
        given = presentation.sign(key, request, subject, time=time)
    else:
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(
            key.sign(presentation.message(request, subject, time), algorithm)
        )
        given = Presentation(
            audience=asked[0],
            nonce=asked[1],
            time=time,
            signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        )
    return replace(evidence, presentation=given)


def holders() -> Iterator[Case]:
    """Yield cases of certificates bound to their holder."""
    scene = bound()
    for kind in ("ed25519", "p256"):
        yield Case(
            name=f"presented_{kind}",
            why="The holder has answered this counter, now.",
            evidence=present(bound(kind), kind=kind).format(),
            request=ASKED,
        )
    for name, why, time in (
        ("presented_as_long_ago_as_allowed", "Ten minutes ago.", NOW - 600),
        ("presented_ahead_within_tolerance", "The holder's clock is five minutes ahead.",
         NOW + 300),
    ):  # fmt: skip
        yield Case(name=name, why=why, evidence=present(scene, time=time).format(), request=ASKED)
    good = present(scene)
    assert good.presentation is not None
    less = replace(good, disclosures=tuple(p for p in good.disclosures if p.name != "holder_name"))
    other = Ed25519PrivateKey.from_private_bytes(draw("thief"))
    flipped = replace(
        good.presentation,
        signature=bytes([good.presentation.signature[0] ^ 1]) + good.presentation.signature[1:],
    )
    show = ("certificate_number", "holder_name")
    for name, why, evidence, request, code in (
        ("not_presented", "A bound certificate without a presentation.",
         scene.evidence(show=(*show, "holder_key")), ASKED, "presentation_missing"),
        ("not_presented_nobody_asked", "Nobody asked the holder, and nothing was presented.",
         scene.evidence(show=(*show, "holder_key")), None, "presentation_missing"),
        ("presented_but_nobody_asked", "A presentation that answers no question of ours.", good,
         None, "presentation_unusable"),
        ("presented_key_withheld", "The holder's key is not disclosed.",
         replace(good, disclosures=good.disclosures[:2]), ASKED, "presentation_unusable"),
        ("presented_by_another_key", "Somebody else's key signed it.",
         present(scene, key=other), ASKED, "presentation_unusable"),
        ("presented_signature_bit", "One bit of its signature is another.",
         replace(good, presentation=flipped), ASKED, "presentation_unusable"),
        ("presented_time_changed", "It claims a later time than was signed.",
         replace(good, presentation=replace(good.presentation, time=NOW)), ASKED,
         "presentation_unusable"),
        ("presented_for_other_disclosures", "Another selection was signed than is shown.", less,
         ASKED, "presentation_unusable"),
        ("presented_by_other_curve", "The key is on P-256, the signature by Ed25519.",
         replace(present(bound("p256"), kind="p256"), presentation=good.presentation), ASKED,
         "presentation_unusable"),
        ("presented_to_another", "It answers another counter.",
         present(scene, asked=("wuxi-2", "nonce-1")), ASKED, "other_audience"),
        ("presented_again", "It answers an earlier question of this counter: replayed.",
         present(scene, asked=(ASKED[0], "nonce-0")), ASKED, "other_nonce"),
        ("presented_too_long_ago", "Ten minutes and a second ago.",
         present(scene, time=NOW - 601), ASKED, "presentation_old"),
        ("presented_in_the_future", "Beyond the clock's tolerance.",
         present(scene, time=NOW + 301), ASKED, "presentation_old"),
    ):  # fmt: skip
        codes = {"holder": f"holder.{code}"}
        if name == "presented_for_other_disclosures":
            codes["content"] = "content.nothing_compared"
        yield Case(
            name=name,
            why=why,
            evidence=evidence.format(),
            request=request,
            verdict="cannot_tell",
            codes=codes,
        )
    yield Case(
        name="asked_but_unbound",
        why="The certificate is not bound: what the counter asked does not matter.",
        evidence=Scene().file(),
        request=ASKED,
    )


def several() -> Iterator[Case]:
    """Yield cases in which more than one check speaks."""
    unwitnessed = {"block": "block.witnesses_too_few", **BLOCKED}
    few = dict.fromkeys(OPERATORS[:2], T)
    scene = Scene()
    plain = scene.evidence(note=scene.world.note(few))
    number, holder = plain.disclosures
    forged = replace(plain, disclosures=(number, disclosure(holder.salt, "holder_name", "李示例")))
    revoked = changed(Status.REVOKED)
    forged_revoked = replace(revoked.evidence(), disclosures=(number, forged.disclosures[1]))
    expired = date(2025, 1, 1), date(2025, 12, 31)
    struck = dated(*expired)
    struck.issuer.stand(standing=Standing.SUSPENDED, since=40, revision=1)
    for name, why, evidence, at, verdict, codes in (
        ("forged_and_unwitnessed", "A forged field is one, whatever is known of the block.",
         forged, NOW, "not_genuine", {**unwitnessed, "content": "content.field_differs"}),
        ("forged_and_revoked", "A forged field counts before a revocation.", forged_revoked, NOW,
         "not_genuine", {"content": "content.field_differs", "status": "status.revoked"}),
        ("state_differs_and_unwitnessed", "Without a trusted block the state proves nothing: not"
         " a forgery.", replace(plain, issuer=replace(plain.issuer, epoch=9)), NOW, "cannot_tell",
         unwitnessed),
        ("revoked_and_unwitnessed", "A revocation counts only under a trusted block.",
         revoked.evidence(note=revoked.world.note(few)), NOW, "cannot_tell", unwitnessed),
        ("expired_and_unwitnessed", "An expired certificate that nobody vouches for.",
         (gone := dated(*expired)).evidence(note=gone.world.note(few)), NOW, "cannot_tell",
         {**unwitnessed, "dates": "dates.expired"}),
        ("revoked_and_nothing_compared", "Revoked, but nobody knows whether it is this paper.",
         revoked.evidence(show=("certificate_number",)), NOW, "cannot_tell",
         {"content": "content.nothing_compared", "status": "status.revoked"}),
        ("expired_and_body_suspended_stale", "The date decides before the suspension.",
         struck.evidence(), T + 2 * DAY, "not_in_force",
         {"dates": "dates.expired", "status": "status.body_suspended",
          "freshness": "freshness.stale"}),
        ("revoked_not_presented", "Revoked, and the holder has not presented it.",
         revoked_bound(), NOW, "not_in_force",
         {"status": "status.revoked", "holder": "holder.presentation_missing"}),
        ("stale_not_presented", "Stale, and not presented.", bound().evidence(), T + DAY + 1,
         "cannot_tell",
         {"freshness": "freshness.stale", "holder": "holder.presentation_missing"}),
        ("key_stolen_and_revoked", "The signature does not count.", stolen(), NOW, "not_genuine",
         {"signature": "signature.key_ended", "status": "status.revoked"}),
        ("path_wrong_and_pending", "The path in a file the holder carries fails by itself.",
         pending(), NOW, "not_genuine",
         {**UNANCHORED, "inclusion": "inclusion.path_differs", "anchor": "anchor.batch_pending"}),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=evidence.format(),
            at=at,
            verdict=verdict,
            codes=codes,
        )


def revoked_bound() -> Evidence:
    """Return evidence of a bound certificate that is revoked."""
    scene = bound()
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    return scene.evidence()


def stolen() -> Evidence:
    """Return evidence of a revoked certificate signed by a stolen key."""
    scene = changed(Status.REVOKED)
    scene.issuer.end_key(15)
    return scene.evidence()


def pending() -> Evidence:
    """Return evidence of a batch that is not there, with a wrong path."""
    plain = Scene().evidence()
    return replace(plain, path=(), statement=replace(plain.statement, sequence=2))
