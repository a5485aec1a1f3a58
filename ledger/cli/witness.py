"""`certledger witness`: an independent cosigner of the chain's final blocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from certledger.ledger.cli.console import passphrase_option
from certledger.verifier.cli.address_options import DATA, NODE, plain_http_option
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import print_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from certledger.ledger.chain.client import NodeClient
    from certledger.ledger.witness.witness import OwnNode, PublishedData, Witness
    from certledger.verifier.formats.policy import LedgerPin, TrustPolicy


@click.command()
@click.option(
    "--home",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the witness keeps its memory, and the chain that it executed itself.",
)
@click.option("--name", help="The witness's name in the policy; a region's home needs none.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its Ed25519 key (PEM), made by `certledger issuer key`; a region's home has its own.",
)
@passphrase_option
@policy_options()
@plain_http_option
@click.option(
    "--rpc", type=NODE, required=True, help="Your own node, or where raw blocks come from."
)
@click.option(
    "--execute/--believe",
    default=None,
    help="Execute every block again (an embedded chain), or believe the node as your own; by"
    " default as the founding document in the home says, and where there is none execute.",
)
@click.option(
    "--published",
    multiple=True,
    type=DATA,
    help="Where checkpoints are published (a service, an address or a folder, several times): after"
    " a start it is asked what this witness signed last.  By default the service of an --rpc that"
    " ends in /rpc.",
)
@click.option("--ledger", "ledger_name", help="Which ledger of the policy, if it names several.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, help="0 picks one; a region's home has that of its part.")
def witness(
    home: Path,
    name: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    policy: PolicyChoice,
    plain_http: bool,  # For `HttpDirectory`.
    rpc: str,
    execute: bool | None,
    published: tuple[str, ...],
    ledger_name: str | None,
    host: str,
    port: int | None,
) -> None:
    """Cosign the newest final block that a node of one's own knows, and serve the signature.

    In the home of a region (`found join`) key, name, policy and port are its own.

    Refuses another history than the one it signed, a block before its last, one that is not
    the newest final one, and one that is too old; having seen two histories it keeps the proof
    and stops.  While the node at --rpc does not answer at a start it waits, and says so.  Exits
    with 3 if it cannot begin.
    """
    import signal

    from certledger.ledger.cli.console import ask_passphrase
    from certledger.ledger.logging import quiet
    from certledger.ledger.witness.server import WitnessServer

    quiet()
    trusted = (policy if not policy.is_empty else PolicyChoice(home=home)).open()
    passphrase = ask_passphrase(passphrase_file, what=str(key or home))
    pin = _pin(trusted, ledger_name)
    chosen = _choose(home, name, key, passphrase, trusted, pin)
    asked = _published(published, rpc)
    if execute is None:
        execute = _is_embedded(home)
    # Blocked before threads start, so that `sigwait` gets the signal and no thread dies of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    opened = _until_reachable(
        lambda: _open(chosen, trusted, pin, rpc, asked, execute=bool(execute)), chosen.name
    )
    if opened is None:
        return
    server = WitnessServer(opened, host, chosen.port if port is None else port)
    server.start()
    print_line(f"{chosen.name} witnesses at {server.url}")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.close()


RETRY_SECONDS = 2.0
"""Seconds from one try to reach the node at a start to the next."""


def _until_reachable(begin: Callable[[], Witness], name: str) -> Witness | None:
    """Return what `begin` gives once its node answers, None after SIGTERM or SIGINT.

    Raises:
        ChainUnreachableError: the node answers, with a refusal that will not change.
    """
    import signal

    from certledger.ledger.chain.client import NodeRefusesError
    from certledger.ledger.core.errors import ChainUnreachableError

    announced = False
    while True:
        try:
            return begin()
        except ChainUnreachableError as error:
            # A service answers so while its own node is away.
            if isinstance(error, NodeRefusesError) and error.number != _INTERNAL_ERROR:
                raise
            if not announced:
                click.echo(f"{name} waits for its node: {error}", err=True)
                announced = True
        if signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, RETRY_SECONDS) is not None:
            return None


_INTERNAL_ERROR = -32603


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    """Which witness runs, where it remembers, and on which port it answers."""

    name: str
    key: Ed25519PrivateKey
    home: Path
    port: int = 0


def _choose(
    home: Path,
    name: str | None,
    key: Path | None,
    passphrase: str,
    policy: TrustPolicy,
    pin: LedgerPin,
) -> _Chosen:
    """Return the witness that was named, or the one of a region's home that the policy has."""
    if name is not None and key is not None:
        return _Chosen(name=name, key=_load_key(key, passphrase, name, policy), home=home)
    if name is not None or key is not None:
        raise click.UsageError("name both --name and --key, or neither in the home of a region")
    from certledger.ledger.foundation.home import RegionHome, public_bytes
    from certledger.ledger.foundation.part import WITNESS
    from certledger.ledger.foundation.rotation import witness_of

    own, part = RegionHome(folder=home), RegionHome(folder=home).region_part()
    keys = {public_bytes(one): one for one in own.secret_keys(WITNESS, passphrase)}
    member = witness_of(policy, list(keys))
    if member is None:
        raise click.UsageError("the policy has no witness with a key of this home")
    first = part.witness
    port = urlsplit(first.url).port if first is not None and first.name == member.name else None
    return _Chosen(
        name=member.name,
        key=keys[member.key],
        # A memory is signed by one key and is of one ledger: after a move another one begins.
        home=home / "witnesses" / member.name / pin.identity.hex()[:16],
        port=port or 0,
    )


def _is_embedded(home: Path) -> bool:
    """Return whether the founding document in a home says that the chain is an embedded one."""
    from certledger.ledger.foundation.files import DOCUMENT, read_founding

    path = home / DOCUMENT
    return not path.exists() or read_founding(path).founding.operator_part.embedded


def _pin(policy: TrustPolicy, name: str | None) -> LedgerPin:
    found = [one for one in policy.ledgers if name in (None, one.name)]
    if name is None and len(found) > 1:
        found = [one for one in found if one.retired is None]
    if len(found) != 1:
        raise click.UsageError("name one of the policy's ledgers with --ledger")
    return found[0]


def _load_key(key: Path, passphrase: str, name: str, policy: TrustPolicy) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from certledger.ledger.keys import load_pem_key

    loaded, member = load_pem_key(key, passphrase), policy.witness(name)
    if not isinstance(loaded, Ed25519PrivateKey) or member is None:
        raise click.UsageError(f"{name} is no witness of the policy, or its key no Ed25519 key")
    if loaded.public_key().public_bytes_raw() != member.key:
        raise click.UsageError(f"the policy names another key for {name}")
    return loaded


def _published(named: tuple[str, ...], rpc: str) -> PublishedData | None:
    """Return a function that fetches published notes, None if no publisher is known."""
    from certledger.verifier.audit.sources import DataUnreachableError, open_published

    places = named or ((rpc.removesuffix("/rpc"),) if rpc.endswith("/rpc") else ())
    if not places:
        click.echo("no --published: a restored backup may sign a height again", err=True)
        return None

    def notes() -> list[str]:
        found: list[str] = []
        failures: list[DataUnreachableError] = []
        for place in places:
            try:
                found += [note for _, note in open_published(place).notes()]
            except DataUnreachableError as error:
                failures.append(error)
        if len(failures) == len(places):
            raise failures[0]
        return found

    return notes


def _open(
    chosen: _Chosen,
    policy: TrustPolicy,
    pin: LedgerPin,
    rpc: str,
    published: PublishedData | None,
    *,
    execute: bool,
) -> Witness:
    """Return the witness, after checking that the ledger is the one that the policy pins."""
    from certledger.ledger.chain.client import NodeClient
    from certledger.ledger.witness.deployment_check import require_deployment
    from certledger.ledger.witness.state import acquire_home
    from certledger.ledger.witness.witness import Witness

    acquire_home(chosen.home)
    node = NodeClient(rpc)
    require_deployment(node, pin)
    opened = Witness(
        name=chosen.name,
        key=chosen.key,
        identity=pin.identity,
        node=_own_node(chosen.home, node, rpc, pin, policy, execute=execute),
        home=chosen.home,
        lag=policy.block_lag,
        clock=_clock,
        published=published,
    )
    opened.recall()  # Fail at start if the home is damaged or another ledger's.
    return opened


def _clock() -> int:
    return int(time.time())


def _own_node(
    home: Path, node: NodeClient, rpc: str, pin: LedgerPin, policy: TrustPolicy, *, execute: bool
) -> OwnNode:
    """Return the trusted node: a replica that executes every block, or the node at `rpc`."""
    from certledger.ledger.witness.nodes import ExecutingNode, RpcNode, RpcSource
    from certledger.verifier.node_rpc import RpcClient

    if not execute:
        return RpcNode(RpcClient(rpc), policy.trust.confirmations)
    return ExecutingNode(
        home,
        RpcSource(lambda method, params: node.call(method, *params)),
        pin.genesis,
        lag=policy.block_lag,
        clock=_clock,
    )
