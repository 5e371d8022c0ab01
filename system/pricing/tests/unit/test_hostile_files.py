"""Files made to hurt: each is answered with its own problem, or measured, within seconds, taking no memory for what it announces."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.models3d.hostile import ACCEPTED, HOSTILE
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.domain.mesh import MeshMeasure, Problem
from system.pricing.tests.unit.hurting import (
    ADDRESS_SPACE_BYTES,
    MEMORY_OVER_IDLE_BYTES_MAX,
    SECONDS_MAX,
    Asked,
)

READ = ("stl", "obj", "ply", "gltf", "3mf")
"""Formats that are read: add one when its reader lands. A file of another one is refused, with whatever is said of strangers."""
LARGE = {name for name in HOSTILE if "50-mb" in name or "-million" in name} | {
    "obj-many-corners",
    "ply-header-without-end",
    "gltf-description-of-50-mb",
    "3mf-bomb",
    "stl-inward-crowd",
    "stl-inward-multitude",
    "stl-fan",
    "gltf-chain",
    "stl-text-endfacets",
}
"""Those that take a second to make or to read; the others are for each pull request."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LARGE else name for name in HOSTILE]
)
def test_hostile_file_is_answered(name: str, answer_to: Asked) -> None:
    case = HOSTILE[name]
    told = answer_to(case.write)
    *findings, ended = told["findings"]
    assert (told["status"], ended["stage"]) == (0, "ended"), findings
    assert told["cpu_s"] < SECONDS_MAX
    assert ended["memory_bytes"] < MEMORY_OVER_IDLE_BYTES_MAX
    last = findings[-1]
    said = ACCEPTED if last["stage"] == "checked" else last["code"]
    assert said in case.said if case.format in (*READ, "other") else last["stage"] == "refused"


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 60
    assert {case.format for case in HOSTILE.values()} == {"stl", "obj", "ply", "gltf", "3mf", "other"}


@pytest.mark.parametrize("name", ["stl-count-beyond-size", "stl-too-many"])
async def test_worker_hears_the_problem_of_a_hostile_file(name: str, tmp_path: Path) -> None:
    case = HOSTILE[name]
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=ADDRESS_SPACE_BYTES)
    with (tmp_path / "file").open("w+b") as file:
        case.write(file)
        findings = [finding async for finding in supervisor.measure(file)]
    assert isinstance(findings[-1], Problem)
    assert findings[-1].code in case.said


async def test_a_harmless_oddity_is_measured(tmp_path: Path) -> None:
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=ADDRESS_SPACE_BYTES)
    with (tmp_path / "file").open("w+b") as file:
        HOSTILE["stl-binary-called-solid"].write(file)
        findings = [finding async for finding in supervisor.measure(file)]
    assert isinstance(findings[-1], MeshMeasure)
