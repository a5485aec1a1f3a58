"""A region's next root or witness key: made in its home, offered for the next policy."""

from __future__ import annotations

from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.home import (
    RegionHome,
    RegionKeys,
    WitnessAddress,
    make_part,
    public_bytes,
)
from certledger.ledger.foundation.part import ROOT, WITNESS, SignedPart
from certledger.verifier.formats.policy import TrustPolicy, WitnessKey
from certledger.verifier.policy_store import current_policy


def next_part(
    home: RegionHome, kind: str, passphrase: str, address: WitnessAddress | None
) -> SignedPart:
    """Return a part with a new key that replaces the one the home's policy has; the key stays.

    Raises:
        FoundationError: the home keeps no policy, or no key of this kind that is in it.
        KeyUnusableError: the passphrase does not open the keys.
    """
    part, policy = home.region_part(), home_policy(home)
    own = [public_bytes(key) for key in home.secret_keys(kind, passphrase)]
    if kind == ROOT:
        old = next((key for key in own if key in policy.roots.keys), None)
        if old is None:
            raise FoundationError("other_key", "no root key of this home is in its policy")
        secrets = RegionKeys(root=home.draw_key(ROOT, passphrase))
        return make_part(part.region, part.operator, secrets, replaced_root=old)
    witness = witness_of(policy, own)
    if witness is None or address is None:
        raise FoundationError("other_key", "no witness key of this home is in its policy")
    if policy.witness(address.name) is not None:
        raise FoundationError("other_key", f"the policy has a witness {address.name} already")
    secrets = RegionKeys(witness=home.draw_key(WITNESS, passphrase))
    replacing = WitnessAddress(name=address.name, url=address.url, replaces=witness.name)
    return make_part(part.region, part.operator, secrets, witness=replacing)


def home_policy(home: RegionHome) -> TrustPolicy:
    """Return the policy that a home keeps.

    Raises:
        FoundationError: `foundation.home`, it keeps none.
    """
    signed = current_policy(home.folder)
    if signed is None:
        raise FoundationError(
            "home", f"{home.folder} keeps no policy yet: certledger policy keep FILE --home HOME"
        )
    return signed.policy


def witness_of(policy: TrustPolicy, public_keys: list[bytes]) -> WitnessKey | None:
    """Return the policy's witness with one of these keys: in service if any, else the latest."""
    own = [one for one in policy.witnesses if one.key in public_keys]
    return max(own, key=lambda one: (one.until is None, one.start), default=None)
