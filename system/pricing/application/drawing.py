"""Draws the models that were measured and have no picture: those of a time before there were any, or when files was away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from system.pricing.application.ports import Measurer, ModelFiles, ModelGone
from system.pricing.domain.mesh import Preview


@dataclass(frozen=True, slots=True)
class QuotedMesh:
    """A mesh that has a firm price, and an upload that holds it."""

    quote_id: UUID
    mesh_sha256: str
    file_id: UUID


class QuotedMeshes(Protocol):
    """The meshes behind the quotes."""

    async def quoted_meshes(self, *, before: UUID | None, limit: int) -> Sequence[QuotedMesh]:
        """Of firm quotes for models older than one, the newest first; without one from the newest on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: quotes looked at, models drawn, and models of which there is no picture to be had."""

    quotes: int = 0
    drawn: int = 0
    without: int = 0


async def draw_missing(
    meshes: QuotedMeshes, files: ModelFiles, measurer: Measurer, *, batch: int
) -> AsyncIterator[Progress]:
    """Draws what is missing, one model after the other, and yields how far it is after each batch of quotes.

    Interrupted and begun again it goes on: what is kept is not drawn twice. Raises Unavailable when files is away.
    """
    known: set[str] = set()
    progress = Progress()
    before: UUID | None = None
    while page := await meshes.quoted_meshes(before=before, limit=batch):
        before = page[-1].quote_id
        fresh = {each.mesh_sha256: each for each in page if each.mesh_sha256 not in known}
        known.update(fresh)
        missing = await files.without_preview(fresh) if fresh else set()
        drawn = [await _draw(fresh[mesh_sha256], files, measurer) for mesh_sha256 in sorted(missing)]
        progress = Progress(
            quotes=progress.quotes + len(page),
            drawn=progress.drawn + drawn.count(True),
            without=progress.without + drawn.count(False),
        )
        yield progress


async def _draw(mesh: QuotedMesh, files: ModelFiles, measurer: Measurer) -> bool:
    """Whether there is a picture now."""
    model = await files.describe(mesh.file_id)
    if model is None or model.sha256 != mesh.mesh_sha256:
        return False
    kept: list[bool] = []
    try:
        async with files.fetch(model) as file, aclosing(measurer.measure(file)) as findings:
            async for finding in findings:
                if isinstance(finding, Preview):
                    kept.append(await files.keep_preview(mesh.mesh_sha256, finding))
    except ModelGone:
        return False
    return any(kept)
