"""The manual's founding as it is written: eight parties, eight folders, only files between them."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from certledger.ledger.chain.client import NodeClient
from certledger.ledger.demo.funds import fund_operator
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.record import Record
from certledger.verifier.policy_store import read_chain
from tests.fork_server import write_client
from tests.ports import free_ports

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash ([a-z0-9 ]+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
REGIONS = {31: "shanghai", 32: "jiangsu", 33: "zhejiang", 34: "anhui"}
PASSPHRASE = "as each party has its own"
MONTH = 30 * 86_400
DEPARTMENT, ASSOCIATION, OPERATOR = (
    "11310000XX00000196",
    "51310000XX00005530",
    "91310000XX0001361J",
)


@dataclass
class Parties:
    """The folders of the parties, the mail between them, and the blocks not yet walked.

    `nodes` are those of the chain, the operator's first and then one a region; none for the
    embedded chain.  `more` are further variables of all.
    """

    room: Path
    ports: list[int] = field(default_factory=lambda: free_ports(7))
    left: list[tuple[str, str]] = field(default_factory=lambda: list(BLOCKS))
    nodes: Sequence[str] = ()
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def mail(self) -> Path:
        return self.room / "mail"

    @property
    def server(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def walk(self, until: str) -> str:
        """Walk the blocks up to the one that has `until` in it, that one too; return its print."""
        while True:
            party, script = self.left.pop(0)
            if party == "each region":
                printed = "".join(self.run(f"region {region}", script) for region in REGIONS)
            else:
                printed = self.run(party, script)
            if until in script:
                return printed

    def run(self, party: str, script: str, **more: str) -> str:
        """Run a script in a party's folder; return what it printed."""
        folder = self.room / party.replace(" ", "-")
        folder.mkdir(exist_ok=True)
        (folder / "passphrase").write_text(f"{PASSPHRASE} {party}")
        (folder / "passphrase").chmod(0o600)
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=folder,
            env={**self.environment(party), **more},
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("a"),
            text=True,
            timeout=300,
            check=False,
        )
        log = (folder / "log").read_text()[-3000:]
        assert done.returncode == 0, f"{party}:\n{script}\n{done.stdout}\n{log}"
        return done.stdout

    def environment(self, party: str) -> dict[str, str]:
        """Return the variables that the manual speaks of, and no setting of whoever tests."""
        found = {name: text for name, text in os.environ.items() if "CERTLEDGER" not in name}
        found |= {"MAIL": str(self.mail), "SERVER": self.server, "PORT": str(self.ports[0])}
        found |= {"NODE": f"{self.server}/rpc", "CHAIN": "", "CERTLEDGER_RECEIPTS_EVERY": "0"}
        found |= self.more
        if self.nodes:
            found |= {"NODE": self.nodes[0], "CHAIN": f"--chain {self.nodes[0]}"}
        found |= {"OWN": str(self.ports[5]), "MIRROR": str(self.ports[6])}
        found["PATH"] = f"{self.room}{os.pathsep}{found['PATH']}"
        if (policy := self.mail / "policy-1.json").exists():
            (signed,) = read_chain([policy])
            found["WORDS"] = format_words(fingerprint_of(signed.policy))
        if party.startswith("region"):
            region = int(party[-2:])
            port = self.ports[1 + list(REGIONS).index(region)]
            found |= {"REGION": str(region), "NAME": REGIONS[region]}
            found["WITNESS"] = f"http://127.0.0.1:{port}"
            found["RECOVERY"] = f"0x{region:040}"
            if self.nodes:
                own = list(REGIONS).index(region) + 1
                found["NODE"] = self.nodes[own % len(self.nodes)]
        return found

    def token(self, party: str) -> str:
        """Return a party's key of the API."""
        folder = self.room / "operator" if party == "operator" else self.mail
        return (folder / f"{party}.token").read_text().strip()

    def stop(self, *files: str) -> None:
        """End the processes whose numbers stand in files of the room."""
        for name in files:
            try:
                os.kill(int((self.room / name).read_text()), 15)
            except ProcessLookupError:
                continue

    def print_logs(self) -> None:
        """Print the end of what every process wrote, for whoever reads of a failure."""
        for log in sorted(self.room.glob("*/*log")):
            print(f"--- {log.relative_to(self.room)}\n{log.read_text()[-1500:]}")

    def close(self) -> None:
        """End what the parties still run."""
        self.stop(*(str(file.relative_to(self.room)) for file in self.room.glob("*/*.pid")))


@contextmanager
def parties_in(room: Path, **options: Any) -> Iterator[Parties]:
    """Yield the parties of a founding in `room`; what they still run ends with them."""
    parties = Parties(room=room, **options)
    parties.mail.mkdir()
    write_client(room)
    try:
        yield parties
    except BaseException:
        parties.print_logs()
        raise
    finally:
        parties.close()


def wait_until(ask: Any, seconds: float = 240.0) -> Any:
    """Return what `ask` gives once it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if found := ask():
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"nothing came of {ask}")


def get(url: str, token: str = "") -> Any:
    answer = httpx.get(url, headers={"authorization": f"Bearer {token}"} if token else {})
    return answer.json() if answer.status_code == 200 else None


def write_sheet(folder: Path, row: dict[str, str]) -> None:
    with (folder / "sheet.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)


def make_evidence(parties: Parties, party: str, issuer: str) -> Any:
    """Fetch the evidence of an issuer's first certificate; write what its holder shows."""
    folder = parties.room / party
    token = parties.token(party)
    batch = orjson.loads((folder / "sealed" / "batch.json").read_bytes())
    leaf = Record.from_json(batch["records"][0]).leaf().hex()
    found = wait_until(lambda: cosigned(get(f"{parties.server}/v1/evidence/{leaf}", token)))
    (folder / "bare.json").write_bytes(orjson.dumps(found, option=orjson.OPT_SORT_KEYS))
    parties.run(
        party,
        'certledger present bare.json --holding sealed/holders/0.json --out "$MAIL/evidence.json"',
    )
    return found


def cosigned(evidence: Any) -> Any:
    """Return evidence whose checkpoint three witnesses have signed, None for other."""
    return evidence if evidence and evidence["checkpoint"].count("—") >= 3 else None


def signed_by(parties: Parties, witness: str) -> Any:
    """Return the newest checkpoint if three witnesses, this one among them, have signed it."""
    found = get(f"{parties.server}/v1/checkpoints/latest")
    signed = found and witness in found["note"] and found["note"].count("—") >= 3
    return found if signed else None


def result(printed: str) -> Any:
    [found] = json.loads(printed)["results"]
    return found


def witnesses_say_how_they_are(parties: Parties) -> None:
    """Ask the four witnesses for health and figures: each has signed."""
    for region, port in zip(REGIONS, parties.ports[1:5], strict=True):
        url = f"http://127.0.0.1:{port}"
        health, figures = get(f"{url}/healthz"), httpx.get(f"{url}/metrics").text
        assert (health["status"], health["witness"]) == ("ok", f"{REGIONS[region]}.witness.example")
        values = dict(re.findall(r"^(certledger_witness_\S+) (\S+)$", figures, re.MULTILINE))
        assert float(values["certledger_witness_block"]) >= health["block"] > 0
        assert float(values['certledger_witness_requests_total{code="ok"}']) >= 1
        assert float(values["certledger_witness_stopped"]) == 0


def a_receipt_is_proved(parties: Parties) -> None:
    """What a counter was told is a record of the operator's, which the policy proves."""
    parties.run(
        "operator",
        "certledger apikey create --home ledger --name desk --role counter --counter desk-1"
        ' > "$MAIL/counter.token"',
    )
    with httpx.Client(
        base_url=parties.server,
        headers={"authorization": f"Bearer {parties.token('counter')}"},
        timeout=60,
    ) as desk:
        answer = desk.post("/v1/verifications", json={"lookup": {"digest": "0" * 64}})
        path = f"/v1/verifications/{answer.json()['reference']}/evidence"
        proof = wait_until(lambda: cosigned(get(parties.server + path, parties.token("counter"))))
    folder = parties.room / "counter"
    (folder / "answer.json").write_bytes(answer.content)
    (folder / "proof.json").write_bytes(orjson.dumps(proof, option=orjson.OPT_SORT_KEYS))
    command = "certledger verify-receipt answer.json --evidence proof.json --home counter --json"
    assert json.loads(parties.run("counter", command))["anchored"]["issuer"] == OPERATOR


def an_issuer_is_held_and_released(parties: Parties) -> None:
    """Hold the association by the region's registrar, who has no key of the API, and release it."""
    url, token = f"{parties.server}/v1/issuers/{ASSOCIATION}", parties.token("association")
    parties.walk("registrar hold")
    wait_until(lambda: get(url, token)["held"])
    parties.walk("registrar release")
    wait_until(lambda: not get(url, token)["held"])


def others_follow_the_chain(parties: Parties) -> None:
    """A region's own node has the operator's blocks, and a mirror the same checkpoints."""
    if parties.nodes:
        parties.left.pop(0)  # A node of one's own is no chain of ours there.
        return
    parties.walk("chain --home")
    (audit,) = (parties.room / "region-34").glob("audit.json")
    assert json.loads(audit.read_bytes())["as_of"]["block"] > 0
    parties.walk("serve --home mirror")
    mirror = f"http://127.0.0.1:{parties.ports[6]}"
    mine = wait_until(lambda: get(f"{mirror}/v1/checkpoints/latest"))
    name = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber"}
    asked = {**name, "params": [hex(mine["number"]), False]}
    node = f"http://127.0.0.1:{parties.ports[5]}"
    own = wait_until(lambda: httpx.post(node, json=asked).json()["result"])
    assert own["hash"] == f"0x{mine['hash'].removeprefix('0x')}"
    parties.stop("counter/mirror.pid", "region-34/node.pid")


def found_and_issue(parties: Parties) -> None:
    """Walk from the operator's part to certificates of two issuers, and what follows there."""
    parties.walk('--out "$MAIL/operator.json"')
    if parties.nodes:
        part = json.loads((parties.mail / "operator.json").read_text())["part"]
        address = bytes.fromhex(part["address"].removeprefix("0x"))
        assert fund_operator(NodeClient(parties.nodes[0]), address)
    parties.walk("serve --home ledger")
    wait_until(lambda: get(f"{parties.server}/healthz"))
    parties.walk("witness --home region")
    parties.walk('registrar sign "$MAIL/catalog-association.json"')
    write_sheet(
        parties.room / "department",
        {
            "category": "ID-RESIDENT", "number": "310101199001011234", "issued": "2026-01-05",
            "expires": "2046-01-04", "holder_name": "张三", "id_number": "310101199001011234",
            "sex": "男", "ethnicity": "汉", "birth_date": "1990-01-01", "address": "上海市黄浦区",
            "issuing_body": "上海市公安局", "issue_date": "2026-01-05", "expiry_date": "2046-01-04",
        },
    )  # fmt: skip
    write_sheet(
        parties.room / "association",
        {
            "category": "AS-MEMBER", "number": "HY-0001", "issued": "2026-11-05",
            "expires": "2027-11-04", "holder_name": "上海示例餐饮有限公司",
            "uscc": "91310000MA1FL0007C", "legal_representative": "李四",
            "membership_class": "会员", "member_number": "0001",
            "issuing_body": "上海市示例餐饮行业协会", "issue_date": "2026-11-05",
            "expiry_date": "2027-11-04",
        },
    )  # fmt: skip
    for issuer in (DEPARTMENT, ASSOCIATION, OPERATOR):
        party, script = parties.left.pop(0)
        token, url = parties.token(party), f"{parties.server}/v1/issuers/{issuer}"
        first, *others = script.splitlines()
        parties.run(party, first)
        wait_until(lambda u=url, t=token: (get(u, t) or {}).get("catalog_version"))
        parties.run(party, "\n".join(others))
    make_evidence(parties, "association", ASSOCIATION)
    parties.walk('policy keep "$MAIL/policy-1.json" --home counter')
    a_receipt_is_proved(parties)
    witnesses_say_how_they_are(parties)
    an_issuer_is_held_and_released(parties)
    others_follow_the_chain(parties)
    assert "ok: issuer: 51310000XX00005530" in parties.walk("doctor")


def rotate(parties: Parties) -> None:
    """Rotate a witness and a root key; the new witness signs what comes after."""
    parties.walk("found address")
    wait_until(lambda: get(f"{parties.server}/healthz"))
    parties.walk('--port "${WITNESS##*:}"')
    parties.run(
        "department",
        "certledger status revoke --index 0 --reason R02 --body body --passphrase-file passphrase"
        " --out revoke.json\n"
        'certledger submit revoke.json --server "$SERVER"'
        ' --token "$(cat "$MAIL/department.token")"',
    )
    rotated = wait_until(lambda: signed_by(parties, "shanghai-2.witness.example"))
    assert "shanghai.witness.example" not in rotated["note"]


def retire(parties: Parties) -> None:
    """End the ledger; long afterwards the evidence is judged as of its final checkpoint."""
    parties.walk("--retire")
    parties.walk("serve --home ledger")
    wait_until(lambda: get(f"{parties.server}/healthz"))
    final = json.loads((parties.mail / "final.json").read_text())
    evidence = make_evidence(parties, "association", ASSOCIATION)
    assert evidence["checkpoint"].split("\n")[1] == str(final["number"])
    parties.walk("verify")
    later = format_time(int(time.time()) + MONTH)
    command = f'certledger verify "$MAIL/evidence.json" --home counter --json --at {later}'
    told = result(parties.run("counter", command))
    assert (told["verdict"], told["warnings"]) == ("valid", ["ledger.retired"])
    assert told["as_of"] == final["time"]
    assert "final checkpoint" in told["basis"]
    assert parties.left == []
