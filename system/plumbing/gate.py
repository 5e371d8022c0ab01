"""The sequence gate: a message takes effect only after its predecessor from the same source about the same order did."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text

from system.messages.envelope import Envelope
from system.plumbing.rows import as_rows, given, saving
from system.plumbing.schema import inbox, inbox_gate
from system.plumbing.unit_of_work import UnitOfWork

Key = tuple[str, str]

_KEYS = given(inbox_gate.c.source, inbox_gate.c.subject)
# One look into the index for each key, however small the table is: a plan that reads all of it would be kept while it grows.
_READ = text(f"""
    SELECT source, subject, known.last FROM {_KEYS} CROSS JOIN LATERAL (
        SELECT last FROM inbox_gate WHERE inbox_gate.source = given.source AND inbox_gate.subject = given.subject LIMIT 1
    ) AS known
""")  # noqa: S608
_MOVE = saving(inbox_gate, "source", "subject", "last", key=("source", "subject"))
_RELEASE = text(f"""
    UPDATE inbox SET state = 'waiting', next_attempt_at = clock_timestamp()
    FROM {given(inbox.c.source, inbox.c.subject, inbox.c.sequence)}
    WHERE inbox.state = 'held' AND inbox.source = given.source AND inbox.subject = given.subject
      AND inbox.sequence = given.sequence
""")  # noqa: S608


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
            _READ, as_rows({"source": source, "subject": subject} for source, subject in keys)
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
        moved = sorted(self._moved.items())
        await uow.connection.execute(
            _MOVE, as_rows({"source": source, "subject": subject, "last": last} for (source, subject), last in moved)
        )
        successors = ({"source": source, "subject": subject, "sequence": last + 1} for (source, subject), last in moved)
        released = await uow.connection.execute(_RELEASE, as_rows(successors))
        return bool(released.rowcount)
