"""Keeping notices in the transaction of their cause, and reading what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.plumbing.jobs import Asked, defer_all
from system.plumbing.mail.notice import KeptNotice, Notice, NoticeState, can_be_written_to
from system.plumbing.mail.schema import notice as table
from system.plumbing.rows import as_rows, inserting

QUEUE = "mail"
SEND = "send_notice"


_KEEP = inserting(
    table,
    "notice_id",
    "kind",
    "about",
    "occasion",
    "address",
    "language",
    "facts",
    "state",
    "created_at",
    more="ON CONFLICT DO NOTHING RETURNING notice_id",
)


class NoticeBox:
    """The notices of one open transaction: each, and the job that sends it, is there if and only if its cause is."""

    def __init__(self, connection: AsyncConnection, *, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now
        self._held: dict[UUID, tuple[Notice, Asked]] = {}

    async def post(self, notice: Notice) -> bool:
        """Keeps it and has it sent if the transaction commits. False when it was kept before, or nobody could get it."""
        if not can_be_written_to(notice.to):
            return False
        return notice.id in await self._keep({notice.id: (notice, _sending(notice))})

    def post_at_commit(self, notice: Notice) -> None:
        """As `post`, together with the other notices of this transaction."""
        if can_be_written_to(notice.to):
            self._held.setdefault(notice.id, (notice, _sending(notice)))

    async def write(self) -> None:
        """Keeps those that were to be posted at the commit."""
        held, self._held = self._held, {}
        if held:
            await self._keep(held)

    def forget(self) -> None:
        """Posts none of those that wait for the commit."""
        self._held = {}

    async def _keep(self, notices: Mapping[UUID, tuple[Notice, Asked]]) -> set[UUID]:
        rows = [
            {
                "notice_id": notice_id,
                "kind": notice.kind,
                "about": notice.about,
                "occasion": notice.occasion,
                "address": notice.to,
                "language": notice.language,
                "facts": dict(notice.facts),
                "state": NoticeState.WAITING.value,
                "created_at": self._now(),
            }
            for notice_id, (notice, _) in sorted(notices.items())
        ]
        kept = {row.notice_id for row in await self._connection.execute(_KEEP, as_rows(rows))}
        sending = [asked for notice_id, (_, asked) in notices.items() if notice_id in kept]
        await defer_all(self._connection, SEND, sending, queue=QUEUE)
        return kept

    async def withdraw(self, kind: str, *, about: UUID) -> int:
        """Those of this kind that wait are not sent any more; how many. One that is being sent at this moment still may be."""
        await self.write()
        withdrawn = await self._connection.execute(
            update(table)
            .where(table.c.about == about, table.c.kind == kind, table.c.state == NoticeState.WAITING.value)
            .values(state=NoticeState.WITHDRAWN.value, settled_at=self._now(), facts={})
        )
        return withdrawn.rowcount


_ONE = select(table).where(table.c.notice_id == bindparam("notice_id"))
_SENT_TO = select(func.count(), func.min(table.c.settled_at)).where(
    table.c.address == bindparam("address"),
    table.c.state == NoticeState.SENT.value,
    table.c.settled_at > bindparam("since"),
)
_WAITING = update(table).where(table.c.notice_id == bindparam("settled"), table.c.state == NoticeState.WAITING.value)
_SETTLE = _WAITING.values(state=bindparam("ended"), said=bindparam("told"), settled_at=bindparam("now"), facts={})
_NOT_TAKEN = _WAITING.values(attempts=table.c.attempts + 1, said=bindparam("told"))


class KeptNotices:
    """The notices as the sender and the pages see them, each question and each change in a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        # Each is one statement, which is a transaction without our saying so.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def get(self, notice_id: UUID) -> KeptNotice | None:
        """The notice with its state."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_ONE, {"notice_id": notice_id})).one_or_none()
        return kept_of(row) if row is not None else None

    async def of(self, about: UUID) -> list[KeptNotice]:
        """All about one thing, the oldest first."""
        query = select(table).where(table.c.about == about).order_by(table.c.created_at, table.c.notice_id)
        async with self._engine.connect() as connection:
            return [kept_of(row) for row in await connection.execute(query)]

    async def sent_to(self, address: str, *, since: datetime) -> tuple[int, datetime | None]:
        """How many were sent to an address since then, and when the first of them was."""
        async with self._engine.connect() as connection:
            count, first = (await connection.execute(_SENT_TO, {"address": address, "since": since})).one()
        return count, first

    async def settle(self, notice_id: UUID, state: NoticeState, *, said: str | None, now: datetime) -> None:
        """Keeps how it ended, once; what was needed to write it is forgotten."""
        await self._change(_SETTLE, {"settled": notice_id, "ended": state.value, "told": said, "now": now})

    async def not_taken(self, notice_id: UUID, *, said: str) -> None:
        """Counts a try that came to nothing, and keeps why."""
        await self._change(_NOT_TAKEN, {"settled": notice_id, "told": said})

    async def _change(self, statement: Update, values: Mapping[str, Any]) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(statement, values)


def _sending(notice: Notice) -> Asked:
    return Asked.now(notice_id=str(notice.id))


def kept_of(row: Any) -> KeptNotice:
    """The notice of a row."""
    return KeptNotice(
        notice=Notice(
            kind=row.kind,
            about=row.about,
            to=row.address,
            language=row.language,
            facts=row.facts,
            occasion=row.occasion,
        ),
        state=NoticeState(row.state),
        created_at=row.created_at,
        attempts=row.attempts,
        settled_at=row.settled_at,
        said=row.said,
    )
