"""Starts the measuring process, hands it one file descriptor, and turns what it says into the domain's words.

A child that crashes, hangs or talks nonsense is a Problem of its model; this process lives on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any, BinaryIO

from system.plumbing.telemetry import log
from system.pricing.domain.mesh import Disclosure, MeshMeasure, Preview, Problem

_CHILD = "system.pricing.adapters.mesh.child"
_COMPLAINT_BYTES_MAX = 2000
_LINE_BYTES_MAX = 1 << 19
"""The largest preview, which is text here, has less than 300 kB."""
_PREVIEWS_MAX = 4
_PREVIEW_TIMEOUT_S = 15.0


class MeshSupervisor:
    """Measures models, each in a process of its own, which draws them too when it `draws`.

    `command` replaces the child in tests that need a hostile one.
    """

    def __init__(
        self, *, timeout_s: float, memory_bytes: int, draws: bool = False, command: tuple[str, ...] | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._draws = draws
        self._command = command or (sys.executable, "-m", _CHILD)

    async def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem | Preview]:
        """Yields an unchecked MeshMeasure, then a checked one or a Problem; a Problem is always the last. In units of the file.

        After a checked one come the previews that could be drawn: nothing that happens to them is a Problem of the model.
        """
        process = await self._start(file)
        complaints = asyncio.create_task(_complaints(process))
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with aclosing(_findings(process)) as findings:
                while True:
                    # Never open across a yield: it would cancel what the caller does with a finding.
                    async with asyncio.timeout_at(deadline):
                        finding = await anext(findings, None)
                        if finding is None:
                            finding = await self._unfinished(process, complaints)
                    if isinstance(finding, Preview):
                        raise ValueError("drawn before it was measured")
                    yield finding
                    if isinstance(finding, Problem):
                        return
                    if finding.checked:
                        break
                if self._draws:
                    async for preview in _drawn(findings):
                        yield preview
        except TimeoutError:
            yield Problem.of("analysis-timed-out", timeout_s=f"{self._timeout_s:g}")
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            log.error("measuring process talked nonsense", error=str(error))
            yield Problem.of("analysis-crashed", reason="unreadable findings")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            complaints.cancel()
            await asyncio.gather(complaints, return_exceptions=True)

    async def _start(self, file: BinaryIO) -> asyncio.subprocess.Process:
        # A descriptor of its own: the child reads from the start, and nothing it does moves ours.
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        cpu_s = max(1, int(self._timeout_s))
        return await asyncio.create_subprocess_exec(
            *self._command,
            str(file.fileno()),
            str(self._memory_bytes),
            str(cpu_s),
            *(["draw"] if self._draws else []),
            limit=_LINE_BYTES_MAX,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(file.fileno(),),
            env={
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": os.pathsep.join(part for part in (os.getcwd(), *sys.path) if part),
                "PYTHONDONTWRITEBYTECODE": "1",
                # More threads would each reserve address space, which is limited.
                "OPENBLAS_NUM_THREADS": "1",
                "MALLOC_ARENA_MAX": "2",
            },
        )

    async def _unfinished(self, process: asyncio.subprocess.Process, complaints: asyncio.Task[str]) -> Problem:
        status = await process.wait()
        reason = _reason(status)
        log.error("measuring process ended early", status=status, reason=reason, stderr=await complaints)
        if status == -signal.SIGXCPU:
            return Problem.of("analysis-timed-out", timeout_s=f"{self._timeout_s:g}")
        return Problem.of("analysis-crashed", reason=reason)


def _reason(status: int) -> str:
    if status == 3:
        return "too little memory"
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exit status {status}"


async def _findings(process: asyncio.subprocess.Process) -> AsyncGenerator[MeshMeasure | Problem | Preview]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        finding = json.loads(line)
        yield _SAID_AT.get(finding["stage"], _measure_of)(finding)


async def _drawn(findings: AsyncGenerator[MeshMeasure | Problem | Preview]) -> AsyncGenerator[Preview]:
    """The previews among what is still found, as long as they come in time. Raises nothing: the model has its measure."""
    for number in range(_PREVIEWS_MAX):
        try:
            async with asyncio.timeout(_PREVIEW_TIMEOUT_S):
                finding = await anext(findings, None)
        except (TimeoutError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            log.warning("model not drawn", error=repr(error))
            return
        if not isinstance(finding, Preview):
            if number == 0:
                log.warning("model not drawn", error="no picture came")
            return
        yield finding


async def _complaints(process: asyncio.subprocess.Process) -> str:
    """The end of what the child wrote to its error stream, read all along so that it never blocks on it."""
    assert process.stderr is not None
    kept = b""
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-_COMPLAINT_BYTES_MAX:]
    return kept.decode(errors="replace")


def _preview_of(finding: dict[str, Any]) -> Preview:
    return Preview(int(finding["size_px"]), b64decode(finding["png"], validate=True))


def _problem_of(finding: dict[str, Any]) -> Problem:
    places = [(float(x), float(y), float(z)) for x, y, z in finding.get("places", ())]
    return Problem.of(finding["code"], **finding["facts"]).at(places)


def _measure_of(finding: dict[str, Any]) -> MeshMeasure:
    x, y, z = (Decimal(extent) for extent in finding["extents"])
    return MeshMeasure(
        volume_mm3=Decimal(finding["volume"]),
        area_mm2=Decimal(finding["area"]),
        extents_mm=(x, y, z),
        triangle_count=int(finding["triangle_count"]),
        shell_count=int(finding.get("shell_count", 0)),
        checked=finding["stage"] == "checked",
        disclosures=tuple(Disclosure(found["code"], found["facts"]) for found in finding.get("disclosures", ())),
    )


_SAID_AT: Mapping[str, Callable[[dict[str, Any]], MeshMeasure | Problem | Preview]] = {
    "refused": _problem_of,
    "drawn": _preview_of,
}
