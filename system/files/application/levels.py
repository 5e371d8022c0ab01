"""The worker's part: read a large mesh once, and keep the lighter forms that people look at."""

from __future__ import annotations

from collections.abc import Sequence

from system.files.application.commands import MakeLevels
from system.files.application.ports import Begin, LevelMaker, ModelGone, NotMade, SealedModels, Storage
from system.files.domain.level import CONTENT_TYPE, Level, LevelFile
from system.kernel.errors import Unavailable


class LevelMaking:
    """Carries the levels of a mesh to their end. Repeating it, or two workers doing it at once, ends in the same levels."""

    def __init__(self, begin: Begin, storage: Storage, models: SealedModels, maker: LevelMaker) -> None:
        self._begin = begin
        self._storage = storage
        self._models = models
        self._maker = maker

    async def run(self, command: MakeLevels) -> str:
        """Makes and keeps them: says how it ended, `made`, `refused` or `settled` when nothing was left to do.

        Raises Unavailable when the storage is away and another attempt may help.
        """
        async with self._begin() as uow:
            if not await uow.levels.are_wanted(command.mesh_sha256):
                return "settled"
        try:
            async with self._models.fetch(command.mesh_sha256) as mesh:
                made = await self._maker.make(mesh)
            if isinstance(made, NotMade):
                return await self._refuse(command, made.reason)
            await self._keep(command, made)
        except ModelGone:
            return await self._refuse(command, "the model is not in the storage as it was verified")
        except Unavailable:
            if not command.last_attempt:
                raise
            return await self._refuse(command, "the storage stayed away")
        return "made"

    async def give_up(self, command: MakeLevels) -> None:
        """Ends the levels of a mesh that keeps taking its worker down with it."""
        async with self._begin() as uow:
            wanted = await uow.levels.are_wanted(command.mesh_sha256)
        if wanted:
            await self._refuse(command, "too many attempts")

    async def _keep(self, command: MakeLevels, made: Sequence[LevelFile]) -> None:
        async with self._begin() as uow:
            now = uow.now
        levels = [
            Level(command.mesh_sha256, one.name, one.triangle_count, len(one.content), made_at=now) for one in made
        ]
        for level, one in zip(levels, made, strict=True):
            await self._storage.write(level.key, one.content, content_type=CONTENT_TYPE)
        async with self._begin() as uow:
            # After the levels themselves: what is remembered can be read.
            await uow.levels.keep(command.mesh_sha256, levels, at=uow.now)
            await uow.commit()

    async def _refuse(self, command: MakeLevels, reason: str) -> str:
        async with self._begin() as uow:
            await uow.levels.refuse(command.mesh_sha256, reason, at=uow.now)
            await uow.commit()
        return "refused"
