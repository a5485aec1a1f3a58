"""`certledger verify` with several files: the newest proved state decides on all of them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.statements import ZERO
from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import Scene
from tests.conformance.newer_cases import advance, step
from tests.verifier.test_compact import compact_of
from tests.world import NOW, OPERATORS, signed_policy

BOTH_ORDERS = pytest.mark.parametrize("order", [1, -1], ids=["old_first", "new_first"])
VALID = ("valid", "ok", "ok")
REVOKED = ("not_in_force", "ok", "status.revoked")
OVERTAKEN = ("cannot_tell", "freshness.overtaken", "ok")
CELLS_OF_A_WORD = 128


def ask(
    room: Path, files: dict[str, bytes], order: int = 1, snapshot: bytes = b""
) -> dict[str, tuple[str, str, str]]:
    """Return verdict, freshness and status of each file."""
    (room / "policy.json").write_bytes(signed_policy().format())
    names: Sequence[str] = list(files)[::order]
    for name, data in files.items():
        (room / name).write_bytes(data)
    words: list[object] = ["verify", *(room / name for name in names), "--json"]
    words += ["--policy", room / "policy.json", "--at", format_time(NOW)]
    if snapshot:
        (room / "day.snapshot").write_bytes(snapshot)
        words += ["--snapshot", room / "day.snapshot"]
    ran = CliRunner().invoke(main, list(map(str, words)))
    found: list[dict[str, Any]] = json.loads(ran.stdout)["results"]
    return {
        Path(one["file"]).name: (
            one["verdict"], one["checks"][6]["code"], one["checks"][7]["code"]
        )
        for one in found
    }  # fmt: skip


def code_of(scene: Scene) -> bytes:
    return compact_of(scene.evidence()).format().encode()


def revoke(scene: Scene) -> None:
    step(Status.REVOKED)(scene)
    advance(scene.world)


def neighbour(scene: Scene, by: int = 1) -> Evidence:
    """Return evidence of another certificate of the batch."""
    other = scene.certificates[scene.certificates.index(scene.mine) + by]
    return scene.world.evidence(scene.issuer, other, show=("certificate_number", "holder_name"))


@BOTH_ORDERS
def test_a_file_from_before_the_revocation_is_judged_by_one_from_after_it(
    tmp_path: Path, order: int
) -> None:
    scene = Scene()
    old = scene.file()
    revoke(scene)
    new = scene.file()
    assert ask(tmp_path, {"old.json": old}) == {"old.json": VALID}
    found = ask(tmp_path, {"old.json": old, "new.json": new}, order)
    assert found == {"old.json": REVOKED, "new.json": REVOKED}


@BOTH_ORDERS
def test_a_code_beside_an_older_snapshot_is_judged_by_a_newer_file(
    tmp_path: Path, order: int
) -> None:
    scene = Scene()
    code, snapshot = code_of(scene), scene.world.snapshot().format()
    revoke(scene)
    assert ask(tmp_path, {"code.txt": code}, snapshot=snapshot) == {"code.txt": VALID}
    files = {"code.txt": code, "new.json": scene.file()}
    found = ask(tmp_path, files, order, snapshot)
    assert found == {"code.txt": REVOKED, "new.json": REVOKED}


@BOTH_ORDERS
def test_a_newer_file_of_another_certificate_decides_by_the_common_status_word(
    tmp_path: Path, order: int
) -> None:
    scene = Scene()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    revoke(scene)
    files = {"old.json": old, "code.txt": code, "new.json": neighbour(scene).format()}
    found = ask(tmp_path, files, order, snapshot)
    assert found == {"old.json": REVOKED, "code.txt": REVOKED, "new.json": VALID}


def wide() -> Scene:
    """Return a scene whose batch spans two status words."""
    return Scene(after=CELLS_OF_A_WORD)


@BOTH_ORDERS
def test_a_newer_state_without_the_status_word_overtakes(tmp_path: Path, order: int) -> None:
    scene = wide()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    revoke(scene)
    files = {"old.json": old, "code.txt": code}
    files["new.json"] = neighbour(scene, CELLS_OF_A_WORD).format()
    found = ask(tmp_path, files, order, snapshot)
    assert found == {"old.json": OVERTAKEN, "code.txt": OVERTAKEN, "new.json": VALID}


@BOTH_ORDERS
def test_a_revocation_between_is_not_lost_to_a_still_newer_state(
    tmp_path: Path, order: int
) -> None:
    scene = wide()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    revoke(scene)
    between = scene.file()
    scene.issuer.change([scene.mine.record.index + CELLS_OF_A_WORD], Status.SUSPENDED)
    advance(scene.world)
    files = {"old.json": old, "between.json": between, "code.txt": code}
    files["new.json"] = neighbour(scene, CELLS_OF_A_WORD - 1).format()
    found = ask(tmp_path, files, order, snapshot)
    revoked = ("not_in_force", "freshness.overtaken", "status.revoked")
    assert found.pop("new.json")[0] == "valid"
    assert set(found.values()) == {revoked}


@BOTH_ORDERS
def test_an_issuer_struck_off_is_known_without_the_status_word(tmp_path: Path, order: int) -> None:
    scene = wide()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    scene.issuer.stand(standing=Standing.STRUCK, since=1050, revision=1)
    scene.issuer.change([scene.mine.record.index + CELLS_OF_A_WORD], Status.SUSPENDED)
    advance(scene.world)
    files = {"old.json": old, "code.txt": code}
    files["new.json"] = neighbour(scene, CELLS_OF_A_WORD).format()
    found = ask(tmp_path, files, order, snapshot)
    assert set(found.values()) == {("not_in_force", "ok", "status.body_struck")}


@BOTH_ORDERS
def test_a_status_root_that_did_not_change_keeps_its_words(tmp_path: Path, order: int) -> None:
    scene = wide()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    scene.issuer.anchor([scene.issuer.issue("沪后")], block=1050)
    advance(scene.world)
    files = {"old.json": old, "code.txt": code}
    files["new.json"] = neighbour(scene, CELLS_OF_A_WORD).format()
    assert set(ask(tmp_path, files, order, snapshot).values()) == {VALID}


@BOTH_ORDERS
def test_a_newer_snapshot_outranks_a_file_that_is_older_than_it(tmp_path: Path, order: int) -> None:
    scene = Scene()
    old, code = scene.file(), code_of(scene)
    advance(scene.world)
    between = scene.file()
    revoke(scene)
    files = {"old.json": old, "between.json": between, "code.txt": code}
    found = ask(tmp_path, files, order, scene.world.snapshot().format())
    assert set(found.values()) == {REVOKED}


def few_witnesses(scene: Scene) -> Evidence:
    return scene.evidence(note=scene.world.note({OPERATORS[0]: NOW - 400}))


def other_state(scene: Scene) -> Evidence:
    evidence = scene.evidence()
    return replace(evidence, issuer=replace(evidence.issuer, revision=evidence.issuer.revision + 1))


def other_chain(scene: Scene) -> Evidence:
    evidence = scene.evidence()
    return replace(evidence, checkpoint=evidence.checkpoint.replace("\n1", "\n2", 1))


def other_word(scene: Scene) -> Evidence:
    """Return evidence with a word that the state's status root does not have."""
    evidence = scene.evidence()
    return replace(evidence, word=replace(evidence.word, word=b"\xff" * 32))


@BOTH_ORDERS
@pytest.mark.parametrize("forge", [few_witnesses, other_state, other_chain])
def test_a_newer_file_that_is_not_trusted_changes_nothing(
    tmp_path: Path, order: int, forge: Any
) -> None:
    scene = Scene()
    old, code, snapshot = scene.file(), code_of(scene), scene.world.snapshot().format()
    revoke(scene)
    forged = forge(scene)
    assert forged.format() != scene.file()
    files = {"old.json": old, "code.txt": code, "new.json": forged.format(), "no.json": b"{"}
    found = ask(tmp_path, files, order, snapshot)
    assert found["new.json"][0] in ("cannot_tell", "not_genuine")
    assert (found["old.json"], found["code.txt"]) == (VALID, VALID)


@BOTH_ORDERS
def test_a_forged_status_word_beside_a_true_state_revokes_nothing(
    tmp_path: Path, order: int
) -> None:
    scene = Scene()
    old = scene.file()
    scene.issuer.change([scene.mine.record.index + 1], Status.REVOKED)
    advance(scene.world)
    assert other_word(scene).word.word != ZERO
    files = {"old.json": old, "new.json": other_word(scene).format()}
    assert ask(tmp_path, files, order)["old.json"] == OVERTAKEN
