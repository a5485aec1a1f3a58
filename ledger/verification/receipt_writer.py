"""Keeping what is told: many answers signed and written together, durable before they are given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.core.service_ports import ServiceStore
from certledger.ledger.core.service_values import Verification
from certledger.ledger.keys import Signer
from certledger.ledger.verification.verdicts import VerificationAnswer
from certledger.verifier.crypto.hashing import sha256

MAX_GROUP_RECEIPTS = 2_000
MAX_TURNS = 16
"""Turns of the event loop for which more may join."""

Waiting = tuple[VerificationAnswer, asyncio.Future[Verification]]


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")


@dataclass(kw_only=True)
class ReceiptWriter:
    """Signs and writes what is told, all at once that came while other answers were written.

    It belongs to one event loop.  Signing and writing take another thread: both let go of the
    interpreter, which the loop would have to wait for each time.
    """

    store: ServiceStore
    operator: Signer
    _waiting: list[Waiting] = field(default_factory=list)
    _work: asyncio.Task[None] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=_one_thread)

    def keep(self, answers: VerificationAnswer) -> asyncio.Future[Verification]:
        """Return a future of what is kept of `told`: once it is done, that is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Verification] = loop.create_future()
        self._waiting.append((answers, future))
        if self._work is None:
            self._work = loop.create_task(self._write_all())
        return future

    async def close(self) -> None:
        """Write what waits, and end."""
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
        """Let requests at hand join what is about to be written: an idle service waits for none."""
        for _ in range(MAX_TURNS):
            joined = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == joined:
                return

    async def _write(self, taken: Sequence[Waiting]) -> None:
        answers, loop = [one for one, _ in taken], asyncio.get_running_loop()
        # Whoever asked may have gone away, and its future is done.
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
        verifications: list[Verification] = []
        with self.store.begin() as unit:
            # Each names the one before, so they are signed while nobody else adds one.
            number, previous = unit.receipt_chain(ReceiptChain.VERIFICATIONS)
            for one in answers:
                number += 1
                verifications.append(one.signed(self.operator, number=number, previous=previous))
                previous = sha256(verifications[-1].receipt)
            unit.add_verifications(verifications)
            unit.extend_receipt_chain(ReceiptChain.VERIFICATIONS, number, previous)
        return verifications
