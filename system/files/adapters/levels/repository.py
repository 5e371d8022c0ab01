"""What is known of the levels of meshes, in PostgreSQL; the levels themselves lie in the storage. Asking puts a job into the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.files.adapters import tables
from system.files.domain.level import Level, State
from system.files.domain.upload import Format, Status
from system.plumbing.jobs import defer

QUEUE = "levels"
MAKE = "make_levels"
REASON_LENGTH_MAX = 200
_STL = tuple(one.value for one in Format if one.is_stl)
mesh_levels = tables.mesh_levels


class LevelRepository:
    """Levels in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def ask_for(self, mesh_sha256: str, *, at: datetime) -> bool:
        wanted = {"state": State.WANTED.value, "reason": None, "asked_at": at, "settled_at": None}
        asked = await self._connection.execute(
            upsert(mesh_levels)
            .values(mesh_sha256=mesh_sha256, **wanted)
            .on_conflict_do_update(
                index_elements=["mesh_sha256"], set_=wanted, where=mesh_levels.c.state == State.REFUSED.value
            )
            .returning(mesh_levels.c.mesh_sha256)
        )
        if asked.first() is None:
            return False
        await defer(self._connection, MAKE, queue=QUEUE, mesh_sha256=mesh_sha256)
        return True

    async def are_wanted(self, mesh_sha256: str) -> bool:
        state = await self._connection.scalar(
            select(mesh_levels.c.state).where(mesh_levels.c.mesh_sha256 == mesh_sha256)
        )
        return bool(state == State.WANTED.value)

    async def keep(self, mesh_sha256: str, levels: Sequence[Level], *, at: datetime) -> None:
        for level in levels:
            new = {
                "triangle_count": level.triangle_count,
                "size_bytes": level.size_bytes,
                "made_at": level.made_at,
            }
            await self._connection.execute(
                upsert(tables.level)
                .values(mesh_sha256=mesh_sha256, name=level.name.value, **new)
                .on_conflict_do_update(index_elements=["mesh_sha256", "name"], set_=new)
            )
        await self._settle(mesh_sha256, State.MADE, None, at)

    async def refuse(self, mesh_sha256: str, reason: str, *, at: datetime) -> None:
        await self._settle(mesh_sha256, State.REFUSED, reason[:REASON_LENGTH_MAX], at)

    async def _settle(self, mesh_sha256: str, state: State, reason: str | None, at: datetime) -> None:
        # What a colleague made in the meantime is not taken back by one that could not.
        open_states = [State.WANTED.value, *([State.REFUSED.value] if state is State.MADE else [])]
        await self._connection.execute(
            update(mesh_levels)
            .where(mesh_levels.c.mesh_sha256 == mesh_sha256, mesh_levels.c.state.in_(open_states))
            .values(state=state.value, reason=reason, settled_at=at)
        )

    async def large_without(self, *, above_bytes: int, limit: int) -> list[str]:
        upload = tables.upload
        found = await self._connection.execute(
            select(upload.c.sha256)
            .outerjoin(mesh_levels, mesh_levels.c.mesh_sha256 == upload.c.sha256)
            .where(
                upload.c.status == Status.VERIFIED.value,
                (upload.c.size_bytes > above_bytes) | upload.c.recognised_as.not_in(_STL),
                mesh_levels.c.mesh_sha256.is_(None),
            )
            .order_by(upload.c.settled_at.desc())
            .limit(limit)
        )
        # One mesh may be many uploads; asked for twice, it is made once.
        return list(dict.fromkeys(found.scalars()))
