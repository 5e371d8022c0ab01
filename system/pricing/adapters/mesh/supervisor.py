"""Starts the measuring process, hands it one file descriptor, and turns what it says into the domain's words.

A child that crashes, hangs or talks nonsense is a Problem of its model; this process lives on.
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from decimal import Decimal
from typing import Any, BinaryIO

from system.meshes.nursery import Nursery
from system.meshes.process import Child, Limits, started
from system.plumbing.telemetry import log, said_by
from system.pricing.domain.mesh import Disclosure, MeshMeasure, Preview, Problem

_CHILD = "system.pricing.adapters.mesh.child"
_LINE_BYTES_MAX = 1 << 19
"""The largest preview, which is text here, has less than 300 kB."""
_PREVIEWS_MAX = 4
_PREVIEW_TIMEOUT_S = 15.0


class MeshSupervisor:
    """Measures models, each in a process of its own, which draws them too when it `draws`.

    `command` replaces the child in tests that need a hostile one. When it `waits`, one process stays loaded between models, and each
    model's comes from it; whoever made it closes it.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        memory_bytes: int,
        draws: bool = False,
        waits: bool = False,
        command: tuple[str, ...] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._limits = Limits(memory_bytes, max(1, int(timeout_s)), _LINE_BYTES_MAX)
        self._draws = draws
        self._command = command or (sys.executable, "-m", _CHILD)
        self._nursery = Nursery(self._command, self._limits) if waits else None

    async def ready(self) -> None:
        """Begins to load what measures, so that the first model need not wait for it."""
        if self._nursery is not None:
            await self._nursery.ready()

    async def close(self) -> None:
        """Ends what waits for models."""
        if self._nursery is not None:
            await self._nursery.close()

    def _started(self, file: BinaryIO) -> AbstractAsyncContextManager[Child]:
        options = ("draw",) if self._draws else ()
        if self._nursery is not None:
            return self._nursery.started(file, options=options)
        return started(self._command, file, limits=self._limits, options=options)

    async def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem | Preview]:
        """Yields an unchecked MeshMeasure, then a checked one or a Problem; a Problem is always the last. In units of the file.

        After a checked one come the previews that could be drawn: nothing that happens to them is a Problem of the model.
        """
        async with self._started(file) as child:
            deadline = asyncio.get_running_loop().time() + self._timeout_s
            try:
                async with aclosing(_findings(child)) as findings:
                    while True:
                        # Never open across a yield: it would cancel what the caller does with a finding.
                        async with asyncio.timeout_at(deadline):
                            finding = await anext(findings, None)
                            if finding is None:
                                finding = await self._unfinished(child)
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
                log.error("measuring process talked nonsense", error=said_by(error))
                yield Problem.of("analysis-crashed", reason="unreadable findings")

    async def _unfinished(self, child: Child) -> Problem:
        ending = await child.ending()
        log.error("measuring process ended early", status=ending.status, reason=ending.reason, stderr=ending.complaints)
        if ending.ran_out_of_time:
            return Problem.of("analysis-timed-out", timeout_s=f"{self._timeout_s:g}")
        return Problem.of("analysis-crashed", reason=ending.reason)


async def _findings(child: Child) -> AsyncGenerator[MeshMeasure | Problem | Preview]:
    async with aclosing(child.findings()) as findings:
        async for finding in findings:
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
