"""Loader of the committed artifact, without compiler or web3."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ARTIFACT = Path(__file__).with_name("artifacts") / "CertificateLedger.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A compiled contract.

    `selectors` maps a function's or an error's signature to its four bytes, `topics` an event's
    signature to topic 0 (32 bytes).  `immutables` maps a name to the byte offsets in `runtime` of
    the 32-byte values that the constructor fills in.
    """

    contract: str
    compiler: str
    settings: Mapping[str, Any]
    abi: Sequence[Mapping[str, Any]]
    creation: bytes
    runtime: bytes
    immutables: Mapping[str, Sequence[int]]
    storage: Sequence[Mapping[str, Any]]
    selectors: Mapping[str, bytes]
    errors: Mapping[str, bytes]
    topics: Mapping[str, bytes]

    def runtime_code(self, *, chain_id: int, salt: bytes, identity: bytes) -> bytes:
        """Return the deployed code with its immutables; a policy pins its hash.

        `salt` is the random salt of the deployment, `identity` the domain separator (32 bytes
        each).
        """
        values = {"CHAIN_ID": chain_id.to_bytes(32, "big"), "SALT": salt, "identity": identity}
        code = bytearray(self.runtime)
        for name, places in self.immutables.items():
            for at in places:
                code[at : at + 32] = values[name]
        return bytes(code)

    def error_name(self, data: bytes) -> str | None:
        """Return the name of the error at the start of `data`, None if unknown.

        `data` is what a reverted call returned, or the reason of a `Skipped` event (four bytes).
        """
        names = {value: name for name, value in self.errors.items()}
        found = names.get(data[:4])
        return found and found.partition("(")[0]


@cache
def load_artifact() -> Artifact:
    """Return the committed build of CertificateLedger."""
    read = json.loads(ARTIFACT.read_text(encoding="utf-8"))
    return Artifact(
        contract=read["contract"],
        compiler=read["compiler"],
        settings=read["settings"],
        abi=read["abi"],
        creation=bytes.fromhex(read["creation"]),
        runtime=bytes.fromhex(read["runtime"]),
        immutables=read["immutables"],
        storage=read["storage"],
        selectors=_hex_values(read["functions"]),
        errors=_hex_values(read["errors"]),
        topics=_hex_values(read["events"]),
    )


def _hex_values(read: Mapping[str, str]) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in read.items()}
