"""Few statements for many messages: the consumer gives a batch of them one transaction, in which all their orders are locked.

So nobody else changes what belongs to these orders, and their repositories may read it for all of them at once, decide in memory, and
hold back what they would write until the commit, when every table gets one statement.
"""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType
from typing import Any, Protocol
from uuid import UUID

from system.plumbing.unit_of_work import UnitOfWork


class HoldsBack(Protocol):
    """A part of a transaction that writes late."""

    async def write(self) -> None:
        """Writes what was held back; a second call writes nothing more."""

    def forget(self) -> None:
        """Drops what was held back and what was read ahead: what it stood on was rolled back."""


class BatchedUnitOfWork(UnitOfWork):
    """A transaction whose parts hold back; they are told with `holds_back` from `on_enter`.

    They write at `flush`, in the order in which they were told: so the tables are always locked in one order.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._held_back: tuple[HoldsBack, ...] = ()
        self.locked_orders: set[UUID] = set()
        """What a part may read ahead: nobody else works on these until this transaction ends."""

    def holds_back(self, *parts: HoldsBack) -> None:
        """These are written before the commit."""
        self._held_back = parts

    async def prepare(self, subjects: Collection[str]) -> None:
        """Remembers which orders the messages that follow are about."""
        self.locked_orders.update(UUID(subject) for subject in subjects)

    async def flush(self) -> None:
        """Writes what was held back."""
        for part in self._held_back:
            await part.write()
        await super().flush()

    def discard(self) -> None:
        """Forgets the messages, and what was held back with them."""
        super().discard()
        for part in self._held_back:
            part.forget()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held_back = ()
        self.locked_orders = set()
        await super().__aexit__(kind, error, trace)
