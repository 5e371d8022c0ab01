"""When levels are made, and what is remembered of it: over a storage and a database in memory."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Self
from uuid import UUID

import pytest

from system.files.application.commands import MakeLevels
from system.files.application.levels import LevelMaking
from system.files.application.ports import ModelGone, NotMade
from system.files.domain.level import Level, LevelFile, LevelName, State, are_needed, shown_as
from system.files.domain.upload import Findings, Format, Problem, Upload
from system.kernel.errors import Unavailable

MESH = "0f" * 32
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
MADE = [LevelFile(LevelName.COARSE, 20_000, b"coarse"), LevelFile(LevelName.FINE, 200_000, b"fine")]


def away() -> Unavailable:
    return Unavailable("storage-unavailable", "It does not answer.")


@dataclass
class Remembered:
    """The table."""

    state: State | None = State.WANTED
    reason: str | None = None
    levels: list[Level] = field(default_factory=list)
    commits: int = 0

    async def are_wanted(self, mesh_sha256: str) -> bool:
        assert mesh_sha256 == MESH
        return self.state is State.WANTED

    async def keep(self, mesh_sha256: str, levels: Sequence[Level], *, at: datetime) -> None:
        self.state, self.levels = State.MADE, list(levels)

    async def refuse(self, mesh_sha256: str, reason: str, *, at: datetime) -> None:
        self.state, self.reason = State.REFUSED, reason


@dataclass
class World:
    """A mesh in a storage, and what makes it light."""

    remembered: Remembered = field(default_factory=Remembered)
    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    outcome: Sequence[LevelFile] | NotMade = field(default_factory=lambda: MADE)
    fails: Exception | None = None
    write_fails: Exception | None = None
    asked: int = 0

    def making(self) -> LevelMaking:
        world: Any = self
        unit: Any = _Unit(self.remembered)
        return LevelMaking(lambda: unit, world, world, world)

    @asynccontextmanager
    async def fetch(self, mesh_sha256: str) -> AsyncIterator[BinaryIO]:
        if self.fails is not None:
            raise self.fails
        yield io.BytesIO(b"mesh")

    async def make(self, mesh: BinaryIO) -> Sequence[LevelFile] | NotMade:
        assert mesh.read() == b"mesh"
        self.asked += 1
        return self.outcome

    async def write(self, key: str, content: bytes, *, content_type: str) -> None:
        if self.write_fails is not None:
            raise self.write_fails
        assert not self.remembered.levels, "what is remembered can be read"
        self.kept[key] = (content, content_type)


class _Unit:
    """A unit of work with only this table."""

    def __init__(self, remembered: Remembered) -> None:
        self.levels = remembered
        self.now = NOW

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        return None

    async def commit(self) -> None:
        self.levels.commits += 1


async def test_levels_are_kept_by_their_mesh_and_then_remembered() -> None:
    world = World()
    assert await world.making().run(MakeLevels(MESH)) == "made"
    assert world.kept == {
        f"levels/{MESH}/coarse.glb": (b"coarse", "model/gltf-binary"),
        f"levels/{MESH}/fine.glb": (b"fine", "model/gltf-binary"),
    }
    assert [(one.name, one.triangle_count, one.size_bytes) for one in world.remembered.levels] == [
        (LevelName.COARSE, 20_000, 6),
        (LevelName.FINE, 200_000, 4),
    ]
    assert (world.remembered.state, world.remembered.commits) == (State.MADE, 1)


@pytest.mark.parametrize("state", [State.MADE, State.REFUSED, None])
async def test_what_is_settled_is_not_made_again(state: State | None) -> None:
    world = World(Remembered(state))
    assert await world.making().run(MakeLevels(MESH)) == "settled"
    await world.making().give_up(MakeLevels(MESH))
    assert world.asked == 0 and world.remembered.state is state


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (World(outcome=NotMade("mesh-empty")), "mesh-empty"),
        (World(fails=ModelGone("gone")), "the model is not in the storage as it was verified"),
    ],
)
async def test_what_cannot_be_made_is_remembered_with_its_reason(world: World, reason: str) -> None:
    assert await world.making().run(MakeLevels(MESH)) == "refused"
    assert (world.remembered.state, world.remembered.reason, world.kept) == (State.REFUSED, reason, {})


@pytest.mark.parametrize("broken", ["fails", "write_fails"])
async def test_a_storage_that_is_away_is_tried_again_and_at_last_given_up(broken: str) -> None:
    world = World()
    setattr(world, broken, away())
    with pytest.raises(Unavailable):
        await world.making().run(MakeLevels(MESH))
    assert world.remembered.state is State.WANTED
    assert await world.making().run(MakeLevels(MESH, last_attempt=True)) == "refused"
    assert world.remembered.reason == "the storage stayed away"


async def test_a_mesh_that_keeps_killing_its_worker_is_given_up() -> None:
    world = World()
    await world.making().give_up(MakeLevels(MESH))
    assert (world.remembered.state, world.remembered.reason) == (State.REFUSED, "too many attempts")


# -- which models need them ---------------------------------------------------------------------------------------------


def upload(size_bytes: int, *, problem: Problem | None = None, form: Format = Format.STL_BINARY) -> Upload:
    started = Upload(UUID(int=1), UUID(int=2), "ring.stl", size_bytes, NOW, NOW + timedelta(minutes=15))
    found = None if problem else form
    return started.settled(Findings(size_bytes, MESH, format=found, problem=problem), NOW)


def test_only_verified_models_above_the_limit_need_levels() -> None:
    assert are_needed(upload(5_000_001), above_bytes=5_000_000)
    assert not are_needed(upload(5_000_000), above_bytes=5_000_000)
    assert are_needed(upload(500, form=Format.GLB), above_bytes=5_000_000), "browsers read STL only"
    assert not are_needed(upload(9_000_000, problem=Problem("x", "x", "x")), above_bytes=5_000_000)
    assert not are_needed(Upload(UUID(int=1), UUID(int=2), "ring.stl", 9_000_000, NOW, NOW), above_bytes=5_000_000)


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("ring.stl", "ring.fine.glb"),
        ("РИНГ.STL", "РИНГ.fine.glb"),
        ("ring", "ring.fine.glb"),
        (".stl", ".fine.glb"),
        ("a.b.3mf", "a.b.fine.glb"),
        ("v1.2", "v1.2.fine.glb"),
    ],
)
def test_a_level_is_called_after_its_file(filename: str, shown: str) -> None:
    assert shown_as(filename, LevelName.FINE) == shown
