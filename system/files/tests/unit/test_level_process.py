"""The process that makes levels: whatever happens to it, the worker hears a reason and lives on."""

from __future__ import annotations

import io
import json
import struct
import sys
import tempfile

import numpy as np
import pytest

from fixtures.models3d import model, shapes, writers
from fixtures.models3d.generate import binary_stl, text_stl
from system.files.adapters.levels.maker import SandboxedLevelMaker
from system.files.application.ports import NotMade
from system.files.domain.level import BYTES_MAX, LevelFile, LevelName

MEMORY_BYTES = 1_150 * 1024 * 1024
RING = shapes.torus(17.0, 2.0, segments=60, sides=20)
NUMBERS = '"low": [0,0,0], "high": [1,1,1], "steps": "AAAAAAAAAAAAAAAAAAAAAAAA", "triangles": "AAAAAAEAAAACAAAA"'


async def made_of(
    content: bytes, script: str | None = None, *, timeout_s: float = 30.0, memory_bytes: int = MEMORY_BYTES
) -> list[LevelFile] | NotMade:
    """What becomes of a file; `script` replaces the process by another program."""
    command = (sys.executable, "-c", script) if script is not None else None
    maker = SandboxedLevelMaker(timeout_s=timeout_s, cpu_s=30, memory_bytes=memory_bytes, command=command)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        made = await maker.make(file)
    return made if isinstance(made, NotMade) else list(made)


@pytest.mark.parametrize("content", [binary_stl(RING, title="x"), text_stl(RING, title="x")], ids=["binary", "text"])
async def test_a_small_mesh_has_its_own_triangles_at_every_level(content: bytes) -> None:
    made = await made_of(content)
    assert isinstance(made, list)
    assert [(one.name, one.triangle_count) for one in made] == [
        (LevelName.COARSE, len(RING)),
        (LevelName.FINE, len(RING)),
    ]
    assert all(one.content.startswith(b"glTF") for one in made)


@pytest.mark.parametrize(
    ("content", "scale"),
    [
        (writers.write_glb(RING / 1000), 1000.0),
        (writers.write_3mf(RING / 25.4, unit="inch"), 25.4),
        (writers.write_obj(RING), None),
    ],
    ids=["metres", "inches", "nothing said"],
)
async def test_a_level_is_in_millimetres_and_says_what_it_was(content: bytes, scale: float | None) -> None:
    made = await made_of(content)
    assert isinstance(made, list)
    (length,) = struct.unpack_from("<I", made[0].content, 12)
    told = json.loads(made[0].content[20 : 20 + length])
    assert told["asset"]["extras"].get("scale") == scale
    assert np.allclose(told["nodes"][0]["scale"], np.ptp(RING.reshape(-1, 3), axis=0), rtol=1e-5)


async def test_a_million_triangles_become_two_levels_within_the_limits() -> None:
    made = await made_of(model("pave-ring-1m").read_bytes())
    assert isinstance(made, list)
    coarse, fine = made
    assert 15_000 < coarse.triangle_count < 23_100 and 150_000 < fine.triangle_count < 231_000
    assert all(len(one.content) < BYTES_MAX[one.name] for one in made)
    assert sum(len(one.content) for one in made) < model("pave-ring-1m").stat().st_size / 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not-a-model"),
        (b"PK" + bytes(range(1, 200)), "not-a-model"),
        (binary_stl(RING, title="x")[:-30], "mesh-truncated"),
        (binary_stl(RING[:0], title="x"), "mesh-empty"),
        (binary_stl(np.zeros_like(RING), title="x"), "mesh-empty"),
        (binary_stl(np.full_like(RING, np.inf), title="x"), "mesh-not-finite"),
    ],
)
async def test_what_cannot_be_read_has_a_reason(content: bytes, reason: str) -> None:
    assert await made_of(content) == NotMade(reason)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise SystemExit(7)", "exit status 7"),
        ("raise SystemExit(0)", "exit status 0"),
        ("print('{')", "what came was no level"),
        ("print('[]')", "what came was no level"),
        ("print('{}')", "what came was no level"),
        ("print('x' * (9 << 20))", "what came was no level"),
        ('print(\'{"stage": "level", "name": "finest", NUMBERS}\')', "what came was no level"),
        ('print(\'{"stage": "level", "name": "fine", NUMBERS}\\n\' * 2)', "what came was no level"),
        (
            'print(\'{"stage": "level", "name": "fine", NUMBERS}\'.replace("EAAAAC", "EAAAAD"))',
            "what came was no level",
        ),
        ('print(\'{"stage": "level", "name": "fine", NUMBERS}\')', "exit status 0"),
        ("import time; time.sleep(60)", "not done within 0.5 s"),
    ],
)
async def test_a_process_that_fails_is_a_reason(script: str, reason: str) -> None:
    timeout_s = 0.5 if "sleep" in script else 30.0
    assert await made_of(b"x", script.replace("NUMBERS", NUMBERS), timeout_s=timeout_s) == NotMade(reason)


async def test_too_little_memory_is_a_reason() -> None:
    made = await made_of(model("pave-ring-1m").read_bytes(), memory_bytes=300 * 1024 * 1024)
    assert isinstance(made, NotMade) and ("memory" in made.reason or "SIG" in made.reason)


async def test_what_is_heard_is_read_from_the_start_of_the_file() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(binary_stl(RING, title="x"))
        file.seek(0, io.SEEK_END)
        maker = SandboxedLevelMaker(timeout_s=30.0, cpu_s=30, memory_bytes=MEMORY_BYTES)
        assert not isinstance(await maker.make(file), NotMade)
