"""Sign and store verification receipts in groups; responses wait for their commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.core.service_values import Verification
from certledger.ledger.keys import Signer
from certledger.ledger.store.unit_of_work import Store
from certledger.ledger.verification.verdicts import VerificationAnswer
from certledger.verifier.crypto.hashing import sha256

MAX_GROUP_RECEIPTS = 2_000
MAX_TURNS = 16
"""Turns of the event loop in which more answers may join a group."""

Waiting = tuple[VerificationAnswer, asyncio.Future[Verification]]


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")


@dataclass(kw_only=True)
class ReceiptWriter:
    """Group commit of receipts: answers that arrive during one commit share the next.

    It belongs to one event loop.  Signing and writing run in one thread: both release the GIL.
    """

    store: Store
    operator: Signer
    _waiting: list[Waiting] = field(default_factory=list)
    _work: asyncio.Task[None] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=_one_thread)

    def keep(self, answers: VerificationAnswer) -> asyncio.Future[Verification]:
        """Queue an answer; the future is done once its receipt is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Verification] = loop.create_future()
        self._waiting.append((answers, future))
        if self._work is None:
            self._work = loop.create_task(self._write_all())
        return future

    async def close(self) -> None:
        """Write what is queued, and end."""
        if self._work is not None:
            await self._work
        self._thread.shutdown()

    async def _write_all(self) -> None:
        while self._waiting:
            await self._gather()
            taken, self._waiting = (
                self._waiting[:MAX_GROUP_RECEIPTS],
                self._waiting[MAX_GROUP_RECEIPTS:],
            )
            await self._write(taken)
        self._work = None

    async def _gather(self) -> None:
        """Wait while each turn of the event loop adds answers: an idle service does not wait."""
        for _ in range(MAX_TURNS):
            joined = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == joined:
                return

    async def _write(self, taken: Sequence[Waiting]) -> None:
        answers, loop = [one for one, _ in taken], asyncio.get_running_loop()
        # A caller may have disconnected, which cancels its future.
        try:
            verifications = await loop.run_in_executor(self._thread, self._add, answers)
        except Exception as error:
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), one in zip(taken, verifications, strict=True):
            if not future.done():
                future.set_result(one)

    def _add(self, answers: Sequence[VerificationAnswer]) -> Sequence[Verification]:
        return write_receipts(self.store, self.operator, answers)


def write_receipts(
    store: Store, operator: Signer, answers: Sequence[VerificationAnswer]
) -> Sequence[Verification]:
    """Sign receipts of answers and store them, in one transaction."""
    verifications: list[Verification] = []
    with store.begin() as unit:
        # Each receipt names the one before: `receipt_chain` locks the chain until the commit.
        number, previous = unit.receipt_chain(ReceiptChain.VERIFICATIONS)
        for one in answers:
            number += 1
            verifications.append(one.signed(operator, number=number, previous=previous))
            previous = sha256(verifications[-1].receipt)
        unit.add_verifications(verifications)
        unit.extend_receipt_chain(ReceiptChain.VERIFICATIONS, number, previous)
    return verifications
