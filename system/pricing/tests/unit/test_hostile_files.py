"""Files made to hurt: each is answered with its own problem, or measured, within seconds, taking no memory for what it announces."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.models3d.hostile import ACCEPTED, HOSTILE, PLAIN, Hostile
from system.meshes.model import read_model
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.domain.mesh import MeshMeasure, Problem

READ = ("stl", "obj", "ply", "gltf", "3mf")
"""Formats that are read: add one when its reader lands. A file of another one is refused, with whatever is said of strangers."""
SECONDS_MAX = 5
MEMORY_OVER_IDLE_BYTES_MAX = 200 << 20
ADDRESS_SPACE_BYTES = 1_150 << 20
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
ROOT = Path(__file__).parents[4]
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def answer_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Hostile], Answer]]:
    """Measures a file in a fork of a process that has the limits of the measuring one."""
    folder = tmp_path_factory.mktemp("hostile")
    plain = []
    for kind, write in PLAIN.items():
        plain.append(folder / f"plain.{kind}")
        with plain[-1].open("w+b") as file:
            write(file)
            # Compiled and kept by this process: the other one may not write, and would compile again for each file.
            read_model(file)
    command = [sys.executable, "-m", "system.pricing.tests.unit.nursery", str(ADDRESS_SPACE_BYTES), str(SECONDS_MAX)]
    with subprocess.Popen(
        [*command, *map(str, plain)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as nursery:
        assert nursery.stdin is not None and nursery.stdout is not None

        def answer(case: Hostile) -> Answer:
            assert nursery.stdin is not None and nursery.stdout is not None
            path = folder / "file"
            with path.open("wb") as file:
                case.write(file)
            print(path, file=nursery.stdin, flush=True)
            told: Answer = json.loads(nursery.stdout.readline())
            path.unlink()
            return told

        yield answer
        nursery.stdin.close()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LARGE else name for name in HOSTILE]
)
def test_hostile_file_is_answered(name: str, answer_to: Callable[[Hostile], Answer]) -> None:
    case = HOSTILE[name]
    told = answer_to(case)
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
