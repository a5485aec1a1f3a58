"""A result of `certledger doctor`, and the examination of regions' homes and issuers' folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certledger.verifier.errors import CertledgerError

if TYPE_CHECKING:
    from certledger.verifier.formats.canonical_json import Json
    from certledger.verifier.formats.policy import TrustPolicy

_MONTH = 30 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """One result; `advice` is what to do if it is not `well`."""

    name: str
    well: bool
    detail: str
    advice: str = ""

    def to_json(self) -> Json:
        """Return the JSON form."""
        found: dict[str, Json] = {"detail": self.detail, "name": self.name, "well": self.well}
        return found | {"advice": self.advice} if self.advice else found


def diagnose_region(home: Path) -> Iterator[Diagnosis]:
    """Yield what is found of a region's home: its part, keys, founding document and policy."""
    from certledger.ledger.foundation.files import DOCUMENT, read_founding
    from certledger.ledger.foundation.home import RegionHome

    own = RegionHome(folder=home)
    part = own.region_part()
    yield Diagnosis(name="part", well=True, detail=f"region {part.region}, {part.operator}")
    yield _private_files(home)
    path = home / DOCUMENT
    if not path.exists():
        advice = "certledger found sign, once the document has come"
        yield Diagnosis(name="founding", well=False, detail="not signed here", advice=advice)
        return
    signed = read_founding(path)
    signed.own_part(own.part())
    yield Diagnosis(name="founding", well=True, detail=f"{signed.founding.words}")
    yield from _policy(home, part.operator)


def _policy(home: Path, operator: str) -> Iterator[Diagnosis]:
    from certledger.verifier.policy_store import current_policy

    signed = current_policy(home)
    if signed is None:
        advice = "certledger policy sign, then certledger policy keep POLICY --home HOME"
        yield Diagnosis(name="policy", well=False, detail="there is none", advice=advice)
        return
    yield policy_diagnosis(signed.policy)
    witnesses = [one for one in signed.policy.witnesses if one.operator == operator]
    serving = [one.name for one in witnesses if one.until is None]
    if witnesses and not serving:
        advice = "certledger found key witness, then policy renew --replace"
        yield Diagnosis(name="witness", well=False, detail="none is in service", advice=advice)
    elif serving:
        yield Diagnosis(name="witness", well=True, detail=", ".join(serving))


def policy_diagnosis(policy: TrustPolicy) -> Diagnosis:
    """Return whether a policy ends soon, or has ended."""
    from certledger.verifier.formats.canonical_json import format_time

    detail = f"version {policy.version}, until {format_time(policy.ends)}"
    advice = "certledger policy renew, before every verdict is cannot tell"
    soon = policy.ends < time.time() + _MONTH
    return Diagnosis(name="policy", well=not soon, detail=detail, advice=advice if soon else "")


def diagnose_issuer(home: Path) -> Iterator[Diagnosis]:
    """Yield what is found of an issuer's folder."""
    from certledger.ledger.issuer.folder import IssuerFolder

    folder = IssuerFolder(folder=home)
    profile = folder.profile()
    yield Diagnosis(name="issuer", well=True, detail=f"{profile.issuer} {profile.name}")
    folder.secret()
    yield Diagnosis(name="key", well=True, detail=f"signs as 0x{folder.address().hex()}")
    yield _private_files(home)
    try:
        detail = f"{len(folder.catalog().entries)} categories"
        yield Diagnosis(name="catalog", well=True, detail=detail)
    except CertledgerError as error:
        advice = "certledger catalog make"
        yield Diagnosis(name="catalog", well=False, detail=str(error), advice=advice)


def _private_files(home: Path) -> Diagnosis:
    """Return whether keys and secrets are readable by their owner alone."""
    from certledger.ledger.keys import readable_by_others

    secret = [*home.glob("keys/*"), *home.glob("*.secret"), *home.glob("key.json")]
    if not secret:
        return Diagnosis(
            name="keys", well=False, detail="there are none", advice="restore a backup"
        )
    open_ones = [path.name for path in secret if readable_by_others(path)]
    if open_ones:
        names = ", ".join(sorted(open_ones))
        return Diagnosis(name="keys", well=False, detail=f"others may read {names}",
                         advice="chmod 600")  # fmt: skip
    return Diagnosis(name="keys", well=True, detail=f"{len(secret)} private files")
