"""Catching up with pictures: each mesh once, what is there is left alone, what is gone is passed over."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO
from uuid import UUID

import pytest

from system.kernel.errors import Unavailable
from system.pricing.application.drawing import Progress, QuotedMesh, draw_missing
from system.pricing.application.ports import ModelFile, ModelGone
from system.pricing.domain.mesh import MeshMeasure, Preview, Problem


class World:
    """Quotes, files and a child in memory. A mesh is named by a letter; its file is what its quote's number says."""

    def __init__(self, meshes: str, *, kept: str = "", gone: str = "", changed: str = "", undrawable: str = "") -> None:
        self.quotes = [QuotedMesh(UUID(int=number), mesh, UUID(int=number)) for number, mesh in enumerate(meshes, 1)]
        self.kept = set(kept)
        self.gone, self.changed, self.undrawable = gone, changed, undrawable
        self.measured: list[str] = []
        self.away = False

    async def quoted_meshes(self, *, before: UUID | None, limit: int) -> Sequence[QuotedMesh]:
        older = [each for each in reversed(self.quotes) if before is None or each.quote_id < before]
        return older[:limit]

    async def without_preview(self, meshes: Collection[str]) -> set[str]:
        return set(meshes) - self.kept

    async def describe(self, file_id: UUID) -> ModelFile | None:
        mesh = next(each.mesh_sha256 for each in self.quotes if each.file_id == file_id)
        sha256 = "another" if mesh in self.changed else mesh
        return ModelFile(file_id, UUID(int=0), "VERIFIED", sha256, 1, "")

    @asynccontextmanager
    async def fetch(self, model: ModelFile) -> AsyncIterator[BinaryIO]:
        if model.sha256 in self.gone:
            raise ModelGone("not there")
        yield io.BytesIO(model.sha256.encode())

    async def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem | Preview]:
        mesh = file.read().decode()
        self.measured.append(mesh)
        if mesh in self.undrawable:
            yield Problem.of("mesh-empty")
            return
        for size in (96, 320):
            yield Preview(size, b"picture")

    async def keep_preview(self, mesh_sha256: str, preview: Preview) -> bool:
        if self.away:
            raise Unavailable("files-unavailable", "Away.")
        self.kept.add(mesh_sha256)
        return True


async def drawn(world: World, *, batch: int = 2) -> list[Progress]:
    return [progress async for progress in draw_missing(world, world, world, batch=batch)]


async def test_each_mesh_is_drawn_once_the_newest_first() -> None:
    world = World("abacab")
    said = await drawn(world)
    assert world.measured == ["a", "b", "c"]
    assert said[-1] == Progress(quotes=6, drawn=3, without=0)
    assert [progress.quotes for progress in said] == [2, 4, 6]


async def test_what_is_kept_is_not_drawn_again() -> None:
    world = World("abc", kept="b")
    assert (await drawn(world))[-1] == Progress(quotes=3, drawn=2, without=0)
    assert (await drawn(world))[-1] == Progress(quotes=3, drawn=0, without=0)


async def test_what_is_gone_or_cannot_be_drawn_is_counted_and_passed_over() -> None:
    world = World("abcd", gone="a", changed="b", undrawable="c")
    assert (await drawn(world))[-1] == Progress(quotes=4, drawn=1, without=3)
    assert "b" not in world.measured, "another file by now"


async def test_without_files_it_ends_and_goes_on_later() -> None:
    world = World("abc")
    world.away = True
    with pytest.raises(Unavailable):
        await drawn(world)
    world.away = False
    await drawn(world)
    assert world.kept == set("abc")


async def test_without_quotes_there_is_nothing_to_do() -> None:
    assert await drawn(World("")) == []
