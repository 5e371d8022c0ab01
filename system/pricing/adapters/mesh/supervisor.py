"""Starts the measuring process, hands it one file descriptor, and turns what it says into the domain's words.

A child that crashes, hangs or talks nonsense is a Problem of its model; this process lives on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import asdict
from decimal import Decimal
from typing import Any, BinaryIO, TypeVar

from system.meshes.nursery import Nursery
from system.meshes.process import Child, Limits, started
from system.plumbing.telemetry import log, said_by
from system.pricing.application.ports import MeasuringKilled
from system.pricing.domain.allowance import Allowance
from system.pricing.domain.mesh import Character, Disclosure, LengthUnit, MeshMeasure, Preview, Problem, Thickness
from system.pricing.domain.setback import ALLOWANCE_EXCEEDED, Setback
from system.pricing.domain.stages import Stage, Step

Read = TypeVar("Read")

_CHILD = "system.pricing.adapters.mesh.child"
_LINE_BYTES_MAX = 1 << 19
"""The largest preview, which is text here, has less than 300 kB."""
_PREVIEWS_MAX = 4
_STEPS_MAX = 16
"""A child that says no more than how far it is talks nonsense."""
_PREVIEW_TIMEOUT_S = 15.0
_EXCEEDED = frozenset({"analysis-crashed", "analysis-timed-out"})


class MeshSupervisor:
    """Measures models, each in a process of its own, which draws them too when it `draws`; `tells`: also the steps that it takes.

    `command` replaces the child in tests that need a hostile one. `allowance_of` says what a file of so many bytes may take at first;
    `timeout_s` and `memory_bytes` are the most. When it `waits`, one process stays loaded between models, and each model's comes
    from it; whoever made it closes it.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        memory_bytes: int,
        draws: bool = False,
        tells: bool = False,
        waits: bool = False,
        command: tuple[str, ...] | None = None,
        allowance_of: Callable[[int], Allowance] | None = None,
    ) -> None:
        self._most = Allowance(timeout_s, memory_bytes)
        self._allowance_of = allowance_of or (lambda file_bytes: self._most)
        self._draws = draws
        self._tells = tells
        self._command = command or (sys.executable, "-m", _CHILD)
        self._nursery = Nursery(self._command, _limits(self._most)) if waits else None

    async def ready(self) -> None:
        """Begins to load what measures, so that the first model need not wait for it."""
        if self._nursery is not None:
            await self._nursery.ready()

    async def close(self) -> None:
        """Ends what waits for models."""
        if self._nursery is not None:
            await self._nursery.close()

    def _started(self, file: BinaryIO, allowed: Allowance) -> AbstractAsyncContextManager[Child]:
        options = ("draw",) if self._draws else ()
        if self._nursery is not None:
            return self._nursery.started(file, limits=_limits(allowed), options=options)
        return started(self._command, file, limits=_limits(allowed), options=options)

    async def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem | Preview | Setback | Step]:
        """As `_measured`, within what a file of this size may take; when that is too little, once more with the most there is.

        Raises MeasuringKilled when the system ended the process: that is nothing the model can help.
        """
        file.flush()
        allowed = self._allowance_of(os.fstat(file.fileno()).st_size)
        if allowed != self._most:
            async with aclosing(self._measured(file, allowed)) as findings:
                async for finding in findings:
                    if isinstance(finding, Problem) and finding.code in _EXCEEDED:
                        log.warning("measured again with the most there is", code=finding.code, **asdict(allowed))
                        yield Setback(ALLOWANCE_EXCEEDED, {"problem": finding.code, **asdict(allowed)})
                        break
                    yield finding
                else:
                    return
        async with aclosing(self._measured(file, self._most)) as findings:
            async for finding in findings:
                yield finding

    async def _measured(
        self, file: BinaryIO, allowed: Allowance
    ) -> AsyncGenerator[MeshMeasure | Problem | Preview | Step]:
        """Yields an unchecked MeshMeasure, then a checked one or a Problem; a Problem is always the last. In units of the file.
        Steps may come before and between them.

        After a checked one come the previews that could be drawn: nothing that happens to them is a Problem of the model.
        """
        async with self._started(file, allowed) as child:
            deadline = asyncio.get_running_loop().time() + allowed.timeout_s
            try:
                async with aclosing(_findings(child)) as findings:
                    steps = 0
                    while True:
                        # Never open across a yield: it would cancel what the caller does with a finding.
                        async with asyncio.timeout_at(deadline):
                            finding = await anext(findings, None)
                            if finding is None:
                                finding = await _unfinished(child, allowed)
                        if isinstance(finding, Preview):
                            raise ValueError("drawn before it was measured")
                        if isinstance(finding, Step):
                            steps += 1
                            if steps > _STEPS_MAX:
                                raise ValueError("too many steps")
                            if self._tells:
                                yield finding
                            continue
                        yield finding
                        if isinstance(finding, Problem):
                            return
                        if finding.checked:
                            break
                    if self._draws:
                        async for preview in _drawn(findings):
                            yield preview
            except TimeoutError:
                yield Problem.of("analysis-timed-out", timeout_s=f"{allowed.timeout_s:g}")
            except (ValueError, KeyError, TypeError, ArithmeticError) as error:
                log.error("measuring process talked nonsense", error=said_by(error))
                yield Problem.of("analysis-crashed", reason="unreadable findings")


def _limits(allowed: Allowance) -> Limits:
    return Limits(allowed.memory_bytes, max(1, int(allowed.timeout_s)), _LINE_BYTES_MAX)


async def _unfinished(child: Child, allowed: Allowance) -> Problem:
    ending = await child.ending()
    log.error("measuring process ended early", status=ending.status, reason=ending.reason, stderr=ending.complaints)
    if ending.ran_out_of_time:
        return Problem.of("analysis-timed-out", timeout_s=f"{allowed.timeout_s:g}")
    if ending.was_killed:
        raise MeasuringKilled
    return Problem.of("analysis-crashed", reason=ending.reason)


async def _findings(child: Child) -> AsyncGenerator[MeshMeasure | Problem | Preview | Step]:
    async with aclosing(child.findings()) as findings:
        async for finding in findings:
            yield _SAID_AT.get(finding["stage"], _measure_of)(finding)


async def _drawn(findings: AsyncGenerator[MeshMeasure | Problem | Preview | Step]) -> AsyncGenerator[Preview]:
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


def _step_of(finding: dict[str, Any]) -> Step:
    return Step(Stage(finding["step"]), int(finding["triangle_count"]))


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
        unit=LengthUnit(finding["unit"]) if "unit" in finding else None,
        character=_character_of(finding) if "bodies" in finding else None,
    )


def _character_of(finding: dict[str, Any]) -> Character:
    thickness = finding.get("thickness")
    return Character(
        bodies=int(finding["bodies"]),
        cavities=int(finding["cavities"]),
        oriented=bool(finding["oriented"]),
        degenerate_facets=int(finding["degenerate_facets"]),
        duplicate_facets=_if_told(finding, "duplicate_facets", int),
        apart=_if_told(finding, "apart", int),
        hull_volume_mm3=_if_told(finding, "hull_volume", _decimal),
        overlap_mm3=_if_told(finding, "overlap", _decimal) or Decimal(0),
        roughness=_if_told(finding, "roughness", _decimal),
        thickness=_thickness_of(thickness) if thickness else None,
    )


def _thickness_of(told: dict[str, Any]) -> Thickness:
    x, y, z = (float(_decimal(value)) for value in told["min_place"])
    return Thickness(
        p1_mm=_decimal(told["p1"]),
        p5_mm=_decimal(told["p5"]),
        median_mm=_decimal(told["median"]),
        place=(x, y, z),
        samples=int(told["samples"]),
        histogram=tuple((_decimal(upto), _decimal(share)) for upto, share in told["histogram"]),
        points=tuple((float(x), float(y), float(z), float(thick)) for x, y, z, thick in told.get("points", ())),
    )


def _decimal(told: float | str) -> Decimal:
    """A finite number. Raises ValueError on another."""
    number = Decimal(str(told))
    if not number.is_finite():
        raise ValueError(f"{told!r} is no measure")
    return number


def _if_told(finding: dict[str, Any], name: str, read: Callable[[Any], Read]) -> Read | None:
    return None if finding.get(name) is None else read(finding[name])


_SAID_AT: Mapping[str, Callable[[dict[str, Any]], MeshMeasure | Problem | Preview | Step]] = {
    "at": _step_of,
    "refused": _problem_of,
    "drawn": _preview_of,
}
