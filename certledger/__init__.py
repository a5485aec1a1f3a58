"""Certificates that prove themselves: the public library.

    from certledger import Policy, verify

    policy = Policy.parse(Path("policy.json").read_bytes())
    result = verify(Path("evidence.json").read_bytes(), policy)
    print(result.verdict, result.as_of)

The names in `__all__` and their documented behaviour are stable within a major version.  Every
other module and name of the package is private.  Public names are imported on first use, so that
commands start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certledger.verifier.errors import CertledgerError
    from certledger.verifier.formats.evidence import Evidence
    from certledger.verifier.formats.presentation import Request
    from certledger.verifier.formats.signed_policy import SignedPolicy as Policy
    from certledger.verifier.library import present, verify
    from certledger.verifier.verify.verdict import Result
    from certledger.verifier.vocabulary import Verdict

__all__ = [
    "CertledgerError",
    "Evidence",
    "Policy",
    "Request",
    "Result",
    "Verdict",
    "present",
    "verify",
]

_PLACES = {
    "CertledgerError": ("errors", "CertledgerError"),
    "Evidence": ("formats.evidence", "Evidence"),
    "Policy": ("formats.signed_policy", "SignedPolicy"),
    "Request": ("formats.presentation", "Request"),
    "Result": ("verify.verdict", "Result"),
    "Verdict": ("vocabulary", "Verdict"),
    "present": ("library", "present"),
    "verify": ("library", "verify"),
}
"""The module of `certledger.verifier` in which each public name is defined, and its name there."""


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own_name = _PLACES[name]
    return getattr(import_module(f"{__name__}.verifier.{module}"), own_name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
