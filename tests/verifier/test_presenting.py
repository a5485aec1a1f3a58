"""`certledger present`: what the holder chose, and nothing else, in a file or a QR code."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from PIL import Image

from certledger.verifier.cli.main import main
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.presentation import HolderPrivateKey, format_holder_key
from certledger.verifier.formats.record import HOLDER_KEY
from tests.changing import HOLDERS
from tests.conformance.case import Scene
from tests.world import signed_policy

COUNTER = ("--audience", "counter-7", "--nonce", "q7Rk2")
DEFAULT = ["certificate_number", "holder_name"]


def scene_of(holder: HolderPrivateKey | None) -> Scene:
    key = None if holder is None else format_holder_key(holder.public_key())
    scene = Scene(documents=[b"paper"], holder_key=key)
    scene.world.time = int(time.time()) - 60
    return scene


@pytest.fixture(params=HOLDERS, ids=["ed25519", "p256"])
def holder(request: Any) -> HolderPrivateKey:
    found: HolderPrivateKey = request.param
    return found


def put(room: Path, scene: Scene, holder: HolderPrivateKey | None = None) -> None:
    """Write what a holder has: bare evidence, holder's file, key; and what a counter has."""
    (room / "bare.json").write_bytes(scene.file(show=()))
    held = Holding(
        record=scene.mine.record, disclosures=scene.mine.disclosures, names=("paper.pdf",)
    )
    (room / "holding.json").write_bytes(held.format())
    (room / "policy.json").write_bytes(signed_policy().format())
    (room / "snapshot.bin").write_bytes(scene.world.snapshot().format())
    if holder is not None:
        put_key(room / "key.pem", holder)


def put_key(path: Path, key: Any, passphrase: bytes | None = None) -> None:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


def present(room: Path, *arguments: object) -> Result:
    words = ["present", str(room / "bare.json"), "--holding", str(room / "holding.json")]
    return CliRunner().invoke(main, [*words, *map(str, arguments)])


def verify(file: Path, *arguments: object) -> dict[str, Any]:
    room = file.parent
    words = ["verify", file, "--policy", room / "policy.json", "--json", *arguments]
    ran = CliRunner().invoke(main, [str(word) for word in words])
    found: dict[str, Any] = json.loads(ran.stdout)["results"][0]
    return found


def names(evidence: Evidence) -> list[str]:
    return [part.name for part in evidence.disclosures]


# Chosen fields ---------------------------------------------------------------------------------


def test_by_default_what_must_be_shown_is_shown_and_no_more(tmp_path: Path) -> None:
    put(tmp_path, scene_of(None))
    ran = present(tmp_path, "--out", tmp_path / "shown.json")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert names(Evidence.parse((tmp_path / "shown.json").read_bytes())) == DEFAULT
    found = verify(tmp_path / "shown.json")
    assert found["verdict"] == "valid"
    assert found["certificate"]["withheld"] == ["sex", "address", "document"]


def test_fields_are_shown_as_chosen_in_the_order_of_their_places(tmp_path: Path) -> None:
    put(tmp_path, scene_of(None))
    ran = present(tmp_path, "--show", "document", "--show", "sex", "--show", "certificate_number")
    shown = Evidence.parse(ran.stdout_bytes)
    assert names(shown) == ["certificate_number", "sex", "document"]
    assert "张示例".encode() not in ran.stdout_bytes


def test_without_a_holding_only_what_the_evidence_shows_can_be_shown(tmp_path: Path) -> None:
    scene = scene_of(None)
    (tmp_path / "some.json").write_bytes(scene.file(show=("certificate_number", "sex")))
    words = ["present", str(tmp_path / "some.json"), "--show"]
    assert CliRunner().invoke(main, [*words, "sex"]).exit_code == 0
    ran = CliRunner().invoke(main, [*words, "holder_name"])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "(disclosure.unknown)" in ran.stderr


# Presentations ---------------------------------------------------------------------------------


def test_a_bound_certificate_is_valid_for_the_counter_that_asked(
    tmp_path: Path, holder: HolderPrivateKey
) -> None:
    put(tmp_path, scene_of(holder), holder)
    key = ("--key", tmp_path / "key.pem")
    assert present(tmp_path, *COUNTER, *key, "--out", tmp_path / "p.json").exit_code == 0
    assert names(Evidence.parse((tmp_path / "p.json").read_bytes())) == [*DEFAULT, HOLDER_KEY]
    assert verify(tmp_path / "p.json", *COUNTER)["verdict"] == "valid"
    for asked, code in (
        ((), "holder.presentation_unusable"),
        (("--audience", "counter-8", "--nonce", "q7Rk2"), "holder.other_audience"),
        (("--audience", "counter-7", "--nonce", "other"), "holder.other_nonce"),
    ):
        found = verify(tmp_path / "p.json", *asked)
        assert (found["verdict"], found["checks"][9]["code"]) == ("cannot_tell", code)


def test_a_bound_certificate_without_a_presentation_is_never_valid(tmp_path: Path) -> None:
    put(tmp_path, scene_of(HOLDERS[0]))
    present(tmp_path, "--out", tmp_path / "p.json")
    found = verify(tmp_path / "p.json", *COUNTER)
    assert found["checks"][9]["code"] == "holder.presentation_missing"
    assert found["verdict"] == "cannot_tell"


def test_a_key_may_have_a_passphrase(tmp_path: Path, holder: HolderPrivateKey) -> None:
    put(tmp_path, scene_of(holder))
    put_key(tmp_path / "key.pem", holder, b"open")
    key = ("--key", tmp_path / "key.pem")
    (tmp_path / "open").write_text("open\n")
    (tmp_path / "shut").write_text("shut")
    opened = present(tmp_path, *COUNTER, *key, "--passphrase-file", tmp_path / "open")
    assert opened.exit_code == 0
    for wrong in ((), ("--passphrase-file", tmp_path / "shut")):
        ran = present(tmp_path, *COUNTER, *key, *wrong)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert "(holder.key)" in ran.stderr


@pytest.mark.parametrize(
    "key",
    [HOLDERS[1], *(ec.derive_private_key(7, curve) for curve in (ec.SECP256R1(), ec.SECP256K1()))],
    ids=["of another kind", "another", "on another curve"],
)
def test_a_key_that_the_certificate_is_not_bound_to_is_refused(tmp_path: Path, key: Any) -> None:
    put(tmp_path, scene_of(HOLDERS[0]))
    put_key(tmp_path / "key.pem", key)
    ran = present(tmp_path, *COUNTER, "--key", tmp_path / "key.pem")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "(holder.key)" in ran.stderr


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    put(tmp_path, scene_of(HOLDERS[0]))
    (tmp_path / "key.pem").write_bytes(b"no key")
    assert present(tmp_path, *COUNTER, "--key", tmp_path / "key.pem").exit_code == 2


def test_an_unbound_certificate_cannot_be_signed_for(tmp_path: Path) -> None:
    put(tmp_path, scene_of(None), HOLDERS[0])
    ran = present(tmp_path, *COUNTER, "--key", tmp_path / "key.pem")
    assert ran.exit_code == 2
    assert "(disclosure.unknown)" in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--audience", "a"], ["--nonce", "n"], ["--audience", "a", "--nonce", "n"],
     ["--qr", "code.jpg"], ["--qr", "code"]],
    ids=" ".join,
)  # fmt: skip
def test_unusable_arguments_exit_with_2(tmp_path: Path, arguments: list[str]) -> None:
    put(tmp_path, scene_of(None))
    ran = present(tmp_path, *arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_a_nonce_that_is_no_word_is_refused(tmp_path: Path) -> None:
    put(tmp_path, scene_of(HOLDERS[0]), HOLDERS[0])
    ran = present(tmp_path, "--audience", "a b", "--nonce", "n", "--key", tmp_path / "key.pem")
    assert ran.exit_code == 2
    assert "(holder.word)" in ran.stderr


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"], ids=repr)
def test_what_is_no_evidence_or_holding_is_refused(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, scene_of(None))
    (tmp_path / "holding.json").write_bytes(data)
    assert present(tmp_path).exit_code == 2
    (tmp_path / "bare.json").write_bytes(data)
    assert present(tmp_path).exit_code == 2


def test_a_holding_of_another_certificate_is_refused(tmp_path: Path) -> None:
    scene = scene_of(None)
    put(tmp_path, scene)
    other = scene.certificates[0]
    held = Holding(record=other.record, disclosures=other.disclosures)
    (tmp_path / "holding.json").write_bytes(held.format())
    ran = present(tmp_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "(disclosure.foreign)" in ran.stderr


# Codes -----------------------------------------------------------------------------------------


def test_a_code_is_verified_by_a_snapshot(tmp_path: Path) -> None:
    put(tmp_path, scene_of(None))
    ran = present(tmp_path, "--compact", "--out", tmp_path / "code.txt")
    assert (ran.exit_code, ran.stdout) == (0, "")
    found = verify(tmp_path / "code.txt", "--snapshot", tmp_path / "snapshot.bin")
    assert found["verdict"] == "valid"


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_qr_code_is_written_and_nothing_printed(tmp_path: Path, suffix: str) -> None:
    put(tmp_path, scene_of(None))
    ran = present(tmp_path, "--qr", tmp_path / f"code{suffix}")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert (tmp_path / f"code{suffix}").stat().st_size > 1000


def test_a_qr_code_is_read_back_by_a_scanner_and_verified(
    tmp_path: Path, holder: HolderPrivateKey
) -> None:
    put(tmp_path, scene_of(holder), holder)
    arguments = (*COUNTER, "--key", tmp_path / "key.pem", "--compact", "--qr", tmp_path / "c.png")
    printed = present(tmp_path, *arguments).stdout
    with Image.open(tmp_path / "c.png") as picture:
        scanned = zxingcpp.read_barcode(picture.convert("L"))
    assert scanned is not None
    assert scanned.text == printed
    assert len(Compact.parse(scanned.text).shown) == 3
    (tmp_path / "code.txt").write_text(scanned.text)
    snapshot = ("--snapshot", tmp_path / "snapshot.bin")
    assert verify(tmp_path / "code.txt", *snapshot, *COUNTER)["verdict"] == "valid"
    assert verify(tmp_path / "code.txt", *snapshot)["verdict"] == "cannot_tell"
