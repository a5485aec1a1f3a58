"""The public library: few names, stable, loaded late, with the verdicts of the command line."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import certledger
from certledger import CertledgerError, Evidence, Policy, Request, Verdict, present, verify
from certledger.verifier.formats.presentation import format_holder_key
from certledger.verifier.formats.record import HOLDER_KEY
from tests.changing import HOLDERS
from tests.conformance.case import Scene
from tests.world import signed_policy

REQUEST = Request(audience="counter-7", nonce="q7Rk2")


@pytest.fixture
def scene() -> Scene:
    scene = Scene(holder_key=format_holder_key(HOLDERS[0].public_key()))
    scene.world.time = int(time.time()) - 60
    return scene


def file_of(scene: Scene) -> bytes:
    return scene.file(show=("certificate_number", "holder_name", HOLDER_KEY))


def trusted() -> Policy:
    return Policy.parse(signed_policy().format())


def test_every_public_name_is_there_and_documented() -> None:
    assert len(certledger.__all__) == 8
    for name in certledger.__all__:
        assert getattr(certledger, name).__doc__
    assert set(certledger.__all__) <= set(dir(certledger))
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        certledger.unknown  # noqa: B018


def test_nothing_is_loaded_before_it_is_used() -> None:
    script = "import sys, certledger; print([m for m in sys.modules if 'certledger.' in m])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_evidence_is_verified_and_what_is_no_evidence_has_a_verdict_too(scene: Scene) -> None:
    presented = present(Evidence.parse(file_of(scene)), request=REQUEST, key=HOLDERS[0])

    result = verify(presented.format(), trusted(), request=REQUEST)

    assert result.verdict == Verdict.VALID
    assert verify(file_of(scene), trusted(), request=REQUEST).verdict != Verdict.VALID
    assert verify(b"no evidence", trusted()).verdict == Verdict.CANNOT_TELL


def test_a_presentation_that_was_accepted_before_is_told_by_its_mark(scene: Scene) -> None:
    presented = present(Evidence.parse(file_of(scene)), request=REQUEST, key=HOLDERS[0]).format()
    marks: set[bytes] = set()

    def seen(mark: bytes) -> bool:
        known = mark in marks
        marks.add(mark)
        return known

    assert verify(presented, trusted(), request=REQUEST, seen=seen).verdict == Verdict.VALID
    assert verify(presented, trusted(), request=REQUEST, seen=seen).verdict != Verdict.VALID


def test_what_is_not_there_cannot_be_shown_and_another_key_cannot_sign(scene: Scene) -> None:
    evidence = Evidence.parse(file_of(scene))

    with pytest.raises(CertledgerError, match="no 'shoe_size'"):
        present(evidence, ["shoe_size"])
    with pytest.raises(CertledgerError, match="not bound to this key"):
        present(evidence, request=REQUEST, key=HOLDERS[1])
    with pytest.raises(ValueError, match="answered with a key"):
        present(evidence, request=REQUEST)
