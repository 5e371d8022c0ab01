"""The measuring process: whatever happens to it, the worker hears a reason and lives on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.models3d import model
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.domain.mesh import MeshMeasure, Preview, Problem
from system.pricing.domain.setback import Setback
from system.pricing.domain.stages import Stage, Step

MEMORY_BYTES = 1_150 * 1024 * 1024


async def findings_of(
    name: str, script: str | None = None, *, timeout_s: float = 30.0, memory_bytes: int = MEMORY_BYTES
) -> list[MeshMeasure | Problem]:
    """What a supervisor says about a model; `script` replaces the measuring process by another program."""
    command = (sys.executable, "-c", script) if script is not None else None
    supervisor = MeshSupervisor(timeout_s=timeout_s, memory_bytes=memory_bytes, command=command)
    with model(name).open("rb") as file:
        findings = [finding async for finding in supervisor.measure(file)]
    return [finding for finding in findings if isinstance(finding, (MeshMeasure, Problem))]


def problem_of(findings: list[MeshMeasure | Problem]) -> Problem:
    assert isinstance(findings[-1], Problem)
    return findings[-1]


async def test_first_look_comes_before_the_checked_measure() -> None:
    first, checked = await findings_of("inside-out-ring")
    assert isinstance(first, MeshMeasure)
    assert isinstance(checked, MeshMeasure)
    assert (first.checked, checked.checked) == (False, True)
    assert first.volume_mm3 < checked.volume_mm3
    assert checked.disclosures[0].detail.startswith("307 facets faced inwards")


async def test_first_look_is_there_while_the_check_still_runs() -> None:
    script = (
        "import sys, time\n"
        'print(\'{"stage": "measured", "volume": "1", "area": "1", "extents": ["1","1","1"], "triangle_count": 1}\', flush=True)\n'
        "time.sleep(60)"
    )
    supervisor = MeshSupervisor(timeout_s=30, memory_bytes=MEMORY_BYTES, command=(sys.executable, "-c", script))
    started = time.monotonic()
    with model("torus-ring").open("rb") as file:
        findings = supervisor.measure(file)
        first = await anext(findings)
        await findings.aclose()
    assert isinstance(first, MeshMeasure)
    assert time.monotonic() - started < 10, "leaving early ends the process; nobody waits for it"


async def test_slow_reader_of_findings_is_not_cancelled() -> None:
    """The limit is the process's, not that of whoever stores what it found."""
    measured = {"stage": "measured", "volume": "1", "area": "6", "extents": ["1", "1", "1"], "triangle_count": 12}
    script = f"print({json.dumps(json.dumps(measured))}, flush=True)\nimport time\ntime.sleep(60)"
    supervisor = MeshSupervisor(timeout_s=2.0, memory_bytes=MEMORY_BYTES, command=(sys.executable, "-S", "-c", script))
    with model("torus-ring").open("rb") as file:
        findings = supervisor.measure(file)
        assert isinstance(await anext(findings), MeshMeasure)
        deadline_passed = asyncio.Event()
        asyncio.get_running_loop().call_later(2.2, deadline_passed.set)
        await deadline_passed.wait()
        await findings.aclose()


async def test_refused_file_is_a_problem_with_its_facts() -> None:
    first, problem = await findings_of("half-open-shell")
    assert isinstance(first, MeshMeasure)
    assert isinstance(problem, Problem)
    assert problem.code == "mesh-not-closed"
    assert problem.detail.startswith("19 edges")


async def test_process_that_hangs_is_ended() -> None:
    started = time.monotonic()
    problem = problem_of(await findings_of("torus-ring", "import time; time.sleep(60)", timeout_s=0.5))
    assert problem.code == "analysis-timed-out"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os; os._exit(7)", "exit status 7"),
        ("raise SystemExit(0)", "exit status 0"),
        ("print('{')", "unreadable"),
        ("print('{}')", "unreadable"),
        ('print(\'{"stage": "refused", "code": "no-such-code", "facts": {}}\')', "unreadable"),
        ("import sys; sys.stderr.write('x' * 10_000_000); sys.exit(9)", "exit status 9"),
        ("print('x' * 1_000_000)", "unreadable"),
    ],
)
async def test_process_that_fails_is_a_problem_of_its_model(script: str, reason: str) -> None:
    problem = problem_of(await findings_of("torus-ring", script))
    assert problem.code == "analysis-crashed"
    assert reason in problem.detail


CHECKED = {
    "stage": "checked", "volume": "1", "area": "6", "extents": ["1", "1", "1"], "triangle_count": 12,
    "bodies": 1, "cavities": 0, "oriented": True, "degenerate_facets": 0,
}  # fmt: skip
WALLS = {"p1": 1, "p5": 1, "median": 1, "min_place": [0, 0, 0], "samples": 400, "histogram": [[1, 1]]}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"bodies": "several"}, id="no-number"),
        pytest.param({"roughness": "NaN"}, id="not-finite"),
        pytest.param({"thickness": {"p1": 1}}, id="half-a-thickness"),
        pytest.param({"thickness": WALLS | {"min_place": [0, 0]}}, id="no-place"),
        pytest.param({"thickness": WALLS | {"min_place": [0, 0, float("nan")]}}, id="nowhere"),
        pytest.param({"thickness": WALLS | {"p1": float("inf")}}, id="no-thickness"),
    ],
)
async def test_findings_that_are_nonsense_are_no_measure(told: dict[str, Any]) -> None:
    problem = problem_of(await findings_of("torus-ring", f"print({json.dumps(CHECKED | told)!r})"))
    assert "unreadable" in problem.detail


async def test_findings_of_a_process_that_knows_less_are_a_measure() -> None:
    (sparse,) = await findings_of("torus-ring", f"print({json.dumps(CHECKED | {'thickness': WALLS})!r})")
    assert isinstance(sparse, MeshMeasure) and sparse.character is not None
    assert sparse.character.thickness is not None and sparse.character.apart is None


async def test_too_little_memory_is_a_reason() -> None:
    problem = problem_of(await findings_of("pave-ring-1m", memory_bytes=250 * 1024 * 1024))
    assert (problem.code, "memory" in problem.detail) == ("analysis-crashed", True)


async def test_a_million_facets_fit_into_seconds_and_the_limits() -> None:
    started = time.monotonic()
    first, checked = await findings_of("pave-ring-1m")
    assert isinstance(first, MeshMeasure)
    assert isinstance(checked, MeshMeasure)
    assert checked.triangle_count == 1_004_000
    assert time.monotonic() - started < 30, "seconds, even on a busy machine"


async def test_worker_goes_on_after_a_crash() -> None:
    await findings_of("torus-ring", "import os; os.abort()")
    assert isinstance((await findings_of("torus-ring"))[-1], MeshMeasure)


DRAWS = """
from fixtures.models3d import model
from system.pricing.adapters.mesh.preview import draw
from system.meshes.stl import read_stl
assert len(draw(read_stl(model('torus-ring').open('rb')))) == 2
"""
LIMITED = """
import sys
from system.meshes.sandbox import limit
from system.meshes.sandbox import forbid_sockets
limit(memory_bytes=1 << 30, cpu_s=5)
assert forbid_sockets(), "no filter"
{attempt}
"""


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        ("import socket; socket.socket()", "PermissionError"),
        ("import socket; socket.socketpair()", "PermissionError"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError"),
        (DRAWS + "import socket; socket.socket()", "PermissionError"),
        ("bytearray(2 << 30)", "MemoryError"),
        ("open('WRITTEN', 'wb', buffering=0).write(b'x')", "File too large"),
    ],
)
def test_limits_hold(attempt: str, refusal: str, tmp_path: Path) -> None:
    attempt = attempt.replace("WRITTEN", str(tmp_path / "written"))
    root = Path(__file__).parents[4]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED.format(attempt=attempt)], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert refusal in ended.stderr


async def test_processor_time_is_limited() -> None:
    script = "from system.meshes.sandbox import limit\nlimit(memory_bytes=1 << 30, cpu_s=1)\nwhile True: pass"
    problem = problem_of(await findings_of("torus-ring", script))
    assert problem.code == "analysis-timed-out"


# -- drawing -------------------------------------------------------------------------------------------------------------

FOUND = {"volume": "1", "area": "1", "extents": ["1", "1", "1"], "triangle_count": 1}
MEASURED = "".join(
    f"print({json.dumps({'stage': stage} | FOUND)!r}, flush=True)\n" for stage in ("measured", "checked")
)


async def drawn(name: str, script: str | None = None) -> list[MeshMeasure | Problem | Preview]:
    """Everything a supervisor that draws says about a model."""
    command = (sys.executable, "-c", script) if script is not None else None
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=MEMORY_BYTES, draws=True, command=command)
    with model(name).open("rb") as file:
        findings = [finding async for finding in supervisor.measure(file)]
    return [finding for finding in findings if isinstance(finding, (MeshMeasure, Problem, Preview))]


async def test_pictures_come_after_the_checked_measure() -> None:
    _, checked, *pictures = await drawn("inside-out-ring")
    assert isinstance(checked, MeshMeasure) and checked.checked
    assert [(each.size_px, each.png[:4]) for each in pictures if isinstance(each, Preview)] == [
        (96, b"\x89PNG"),
        (320, b"\x89PNG"),
    ]


async def test_what_is_turned_is_drawn_as_it_was_turned() -> None:
    assert (await drawn("inverted-ring"))[2:] == (await drawn("torus-ring"))[2:]


async def test_what_cannot_be_made_is_not_drawn() -> None:
    assert isinstance((await drawn("half-open-shell"))[-1], Problem)


async def test_nobody_draws_who_is_not_asked() -> None:
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=MEMORY_BYTES)
    with model("torus-ring").open("rb") as file:
        assert not [each async for each in supervisor.measure(file) if isinstance(each, Preview)]


@pytest.mark.parametrize(
    "script",
    [
        "import os; os._exit(9)",
        "import os; os.abort()",
        "print('{')",
        "print('{}')",
        "print('x' * 2_000_000)",
        'print(\'{"stage": "drawn", "size_px": 96, "png": "?"}\')',
        'print(\'{"stage": "refused", "code": "mesh-empty", "facts": {}}\')',
        "import time; time.sleep(60)",
    ],
)
async def test_whatever_becomes_of_the_picture_the_measure_holds(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("system.pricing.adapters.mesh.supervisor._PREVIEW_TIMEOUT_S", 0.5)
    findings = await drawn("torus-ring", MEASURED + script)
    assert [type(finding) for finding in findings] == [MeshMeasure, MeshMeasure]


async def test_a_picture_before_the_measure_is_nonsense() -> None:
    script = 'print(\'{"stage": "drawn", "size_px": 96, "png": ""}\')'
    assert problem_of([each for each in await drawn("torus-ring", script) if isinstance(each, Problem)])


STEP = 'print(\'{"stage": "at", "step": "thickness", "triangle_count": 7}\', flush=True)\n'


async def steps_of(script: str | None) -> list[MeshMeasure | Problem | Preview | Step]:
    """Everything that a supervisor says which tells steps."""
    command = (sys.executable, "-c", script) if script is not None else None
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=MEMORY_BYTES, tells=True, command=command)
    with model("torus-ring").open("rb") as file:
        return [finding async for finding in supervisor.measure(file) if not isinstance(finding, Setback)]


async def test_steps_are_told_to_whoever_wants_them() -> None:
    reads, first_look, walls, checked = await steps_of(None)
    assert isinstance(first_look, MeshMeasure) and isinstance(checked, MeshMeasure)
    assert reads == Step(Stage.FIRST_LOOK, checked.triangle_count)
    assert walls == Step(Stage.THICKNESS, checked.triangle_count)


async def test_whoever_does_nothing_but_say_how_far_it_is_talks_nonsense() -> None:
    *steps, last = await steps_of(STEP * 100)
    assert set(steps) == {Step(Stage.THICKNESS, 7)}
    assert isinstance(last, Problem) and last.facts == {"reason": "unreadable findings"}
