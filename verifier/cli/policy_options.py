"""Options that name the trust policy, and the message about a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.verifier.console import bilingual

if TYPE_CHECKING:
    from certledger.verifier.counter_state import Counter
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.formats.signed_policy import SignedPolicy
    from certledger.verifier.policy_store import AdoptedPolicy

HOME = "--counter-home"
"""Option of every command that names a home with a stored policy."""

fingerprint_option = click.option(
    "--fingerprint",
    metavar="TEXT",
    help="The first policy's fingerprint, in hex or in words, from a person you trust.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyChoice:
    """The policy named on the command line: a chain of files, a home, a fingerprint."""

    files: Sequence[Path] = ()
    fingerprint: str | None = None
    home: Path | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was named."""
        return not self.files and self.fingerprint is None and self.home is None

    def open(self) -> TrustPolicy:
        """Return the last policy of the chain, or the home's; a home stores it as its current one.

        Raises:
            PolicyMissingError, FingerprintDiffersError, PolicyOlderError, PolicyUnsignedError: as
                `adopt_chain`.
            MalformedError: a file is no policy, or the text no fingerprint.
            OSError, FileTooLargeError: a file cannot be read.
        """
        from certledger.verifier.policy_store import adopt_chain, open_chain

        chain, pin = self._read()
        if self.home is None:
            return open_chain(chain, pin).policy
        return self._introduced(adopt_chain(self.home, chain, pin))

    def open_counter(self, clock: int) -> tuple[TrustPolicy, Counter | None]:
        """Return the same with the home's counter, None without a home.

        `clock` is in seconds since 1970.
        """
        from certledger.verifier.counter_state import Counter

        if self.home is None:
            return self.open(), None
        chain, pin = self._read()
        counter = Counter.open(self.home, chain, clock, pin)
        return self._introduced(counter.trusted), counter

    def _read(self) -> tuple[list[SignedPolicy], bytes | None]:
        from certledger.verifier.formats.policy_fingerprint import parse_fingerprint
        from certledger.verifier.policy_store import read_chain

        pin = None if self.fingerprint is None else parse_fingerprint(self.fingerprint)
        return read_chain(self.files), pin

    def _introduced(self, adopted: AdoptedPolicy) -> TrustPolicy:
        """Print the fingerprint of a home's first policy on stderr, unless it was pinned."""
        from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words

        if adopted.first is None or self.fingerprint is not None:
            return adopted.current.policy
        policy = adopted.first.policy
        found = fingerprint_of(policy)
        for line in (
            bilingual(
                f"首次使用此信任策略（第 {policy.version} 版），请与可信的人核对指纹：",
                f"First use of this trust policy (version {policy.version}); compare its"
                " fingerprint with somebody you trust:",
            ),
            f"  {format_words(found)}",
            f"  {found.hex()}",
        ):
            click.echo(line, err=True)
        return adopted.current.policy


def policy_options(*home_names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that name a policy; the command gets them as one `policy: PolicyChoice`.

    `home_names` are further names for the option of the home.
    """
    options = (
        click.option(
            "--policy",
            "policy_files",
            multiple=True,
            envvar="CERTLEDGER_POLICY",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The trust policy (also CERTLEDGER_POLICY); several times for a chain, oldest"
            " first. A home keeps it, and a later one must follow it.",
        ),
        fingerprint_option,
        click.option(
            *home_names,
            HOME,
            "policy_home",
            type=click.Path(file_okay=False, path_type=Path),
            help="A counter's home, which remembers: it keeps the policy, and `verify` takes no"
            " time before the latest evidence relied on and no presentation twice.",
        ),
    )

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(
            *arguments: Any,
            policy_files: Sequence[Path],
            fingerprint: str | None,
            policy_home: Path | None,
            **others: Any,
        ) -> None:
            choice = PolicyChoice(files=policy_files, fingerprint=fingerprint, home=policy_home)
            command(*arguments, policy=choice, **others)

        for option in reversed(options):
            option(run)
        return run

    return add
