"""Each model is measured by a fork of a process that is loaded: as well apart from the others as one started anew."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest

from fixtures.models3d import model
from system.meshes.nursery import Nursery
from system.meshes.process import Ending, Limits
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.domain.mesh import MeshMeasure, Preview, Problem
from system.pricing.domain.setback import Setback
from system.pricing.domain.stages import Step

LIMITS = Limits(memory_bytes=600 * 1024 * 1024, cpu_s=2, line_bytes_max=1 << 16)
ODD = """
import os, sys
from system.meshes.child import run
def work(file, report, options):
    report({"pid": os.getpid(), "parent": os.getppid(), "read": len(file.read()), "open": sorted(os.listdir("/proc/self/fd"))})
    exec(options[0])
sys.exit(run(sys.argv[1:], lambda: work))
"""


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    """One whose children do as their option says."""
    made = Nursery((sys.executable, "-c", ODD), LIMITS)
    yield made
    await made.close()


async def ended(nursery: Nursery, option: str) -> tuple[list[dict[str, object]], Ending]:
    with model("torus-ring").open("rb") as file:
        async with nursery.started(file, options=(option,)) as child:
            return [finding async for finding in child.findings()], await child.ending()


async def test_each_file_has_a_process_of_its_own_with_nothing_but_it(nursery: Nursery) -> None:
    found = [await ended(nursery, "pass") for _ in range(3)]
    told = [findings[0] for findings, ending in found]
    assert len({finding["pid"] for finding in told}) == 3
    assert len({finding["parent"] for finding in told}) == 1
    assert all(finding["read"] == model("torus-ring").stat().st_size for finding in told)
    # Nothing, what it says, what it complains, its file, and the list that is being read.
    assert all(len(finding["open"]) == 5 for finding in told)  # type: ignore[arg-type]
    assert all(ending.status == 0 for findings, ending in found)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("os._exit(7)", "exit status 7"),
        ("os.abort()", "SIGABRT"),
        ("raise RuntimeError('a bug')", "exit status 1"),
        ("bytearray(2 << 30)", "too little memory"),
        ("import socket; socket.socket()", "exit status 1"),
        ("open('/tmp/written-by-a-fork', 'wb', buffering=0).write(b'x')", "exit status 1"),
    ],
    ids=["exits", "aborts", "raises", "takes too much", "opens a socket", "writes a file"],
)
async def test_one_that_fails_is_told_and_the_next_one_is_well(nursery: Nursery, option: str, reason: str) -> None:
    _, ending = await ended(nursery, option)
    assert reason in ending.reason
    assert (await ended(nursery, "pass"))[1].status == 0


async def test_complaints_are_heard(nursery: Nursery) -> None:
    assert "RuntimeError: a bug" in (await ended(nursery, "raise RuntimeError('a bug')"))[1].complaints


async def test_leaving_early_ends_it(nursery: Nursery) -> None:
    with model("torus-ring").open("rb") as file:
        async with nursery.started(file, options=("import time; time.sleep(600)",)) as child:
            first = await anext(aiter(child.findings()))
    with pytest.raises(ProcessLookupError):
        os.kill(first["pid"], 0)


async def test_when_the_parent_is_ended_the_next_file_finds_another(nursery: Nursery) -> None:
    findings, _ = await ended(nursery, "pass")
    parent = findings[0]["parent"]
    _, ending = await ended(nursery, "os.kill(os.getppid(), 9)")
    assert ending.status in (0, -9)
    again, ending = await ended(nursery, "pass")
    assert (ending.status, again[0]["parent"] == parent) == (0, False)


async def test_models_measured_at_once_are_each_measured_right() -> None:
    supervisor = MeshSupervisor(timeout_s=60, memory_bytes=1_150 * 1024 * 1024, draws=True, waits=True)

    async def measured(name: str) -> list[MeshMeasure | Problem | Preview]:
        with model(name).open("rb") as file:
            return [finding async for finding in supervisor.measure(file) if not isinstance(finding, Setback | Step)]

    try:
        ring, open_one, pave, inverted = await asyncio.gather(
            *(measured(name) for name in ("torus-ring", "half-open-shell", "pave-ring", "inverted-ring"))
        )
    finally:
        await supervisor.close()
    assert isinstance(open_one[-1], Problem) and open_one[-1].code == "mesh-not-closed"
    assert ring[2:] == inverted[2:] and len(ring) == 4
    assert isinstance(pave[1], MeshMeasure) and pave[1].disclosures[0].code == "overlap-counted-once"
