"""The sequence gate: a message takes effect only after its predecessor from the same source about the same order did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from system.messages.envelope import Envelope
from system.plumbing.schema import inbox, inbox_gate
from system.plumbing.unit_of_work import UnitOfWork

Key = tuple[str, str]


def _moving() -> Any:
    statement = upsert(inbox_gate)
    return statement.on_conflict_do_update(index_elements=["source", "subject"], set_={"last": statement.excluded.last})


_MOVE = _moving()


class SequenceGate:
    """The last sequence that took effect, per (source, order), for the messages of one transaction.

    Read once and written once per transaction; the orders are locked meanwhile, so nobody else moves them.
    """

    def __init__(self, last: dict[Key, int]) -> None:
        self._last = last
        self._moved: dict[Key, int] = {}

    @classmethod
    async def read(cls, uow: UnitOfWork, envelopes: Iterable[Envelope]) -> SequenceGate:
        """The gates of these messages, in one query."""
        keys = sorted({(envelope.source, envelope.subject) for envelope in envelopes})
        rows = await uow.connection.execute(
            select(inbox_gate).where(tuple_(inbox_gate.c.source, inbox_gate.c.subject).in_(keys))
        )
        return cls({(row.source, row.subject): row.last for row in rows})

    def last(self, envelope: Envelope) -> int:
        """The sequence that took effect last; 0 before the first."""
        return self._last.get((envelope.source, envelope.subject), 0)

    def passed(self, envelope: Envelope) -> None:
        """This message took effect: its successor may."""
        key = (envelope.source, envelope.subject)
        self._last[key] = self._moved[key] = max(self._last.get(key, 0), envelope.sequence)

    async def write(self, uow: UnitOfWork) -> bool:
        """Stores what moved and makes held successors due. True when there were any."""
        if not self._moved:
            return False
        await uow.connection.execute(
            _MOVE,
            [{"source": source, "subject": subject, "last": last} for (source, subject), last in self._moved.items()],
        )
        successors = [(source, subject, last + 1) for (source, subject), last in self._moved.items()]
        released = await uow.connection.execute(
            update(inbox)
            .where(inbox.c.state == "held", tuple_(inbox.c.source, inbox.c.subject, inbox.c.sequence).in_(successors))
            .values(state="waiting", next_attempt_at=func.clock_timestamp())
        )
        return bool(released.rowcount)
