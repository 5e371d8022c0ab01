"""Starts the process that makes levels, and writes what it says: of what that process says only numbers are believed, and checked."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64decode
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, BinaryIO

import numpy as np

from system.files.adapters.levels.glb import Quantized, glb_of
from system.files.application.ports import NotMade
from system.files.domain.level import BYTES_MAX, LevelFile, LevelName
from system.meshes.process import Child, Limits, started
from system.plumbing.telemetry import log, said_by

_CHILD = "system.files.adapters.levels.child"
_LINE_BYTES_MAX = 8 << 20
"""The finest level, which is text here, has less than 6 MB."""


class SandboxedLevelMaker:
    """Makes levels, each mesh's in a process of its own. `command` replaces the child in tests that need a hostile one."""

    def __init__(
        self, *, timeout_s: float, cpu_s: int, memory_bytes: int, command: tuple[str, ...] | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._limits = Limits(memory_bytes, cpu_s, _LINE_BYTES_MAX)
        self._command = command or (sys.executable, "-m", _CHILD)

    async def make(self, mesh: BinaryIO) -> Sequence[LevelFile] | NotMade:
        """A level of every name, or why there are none."""
        async with started(self._command, mesh, limits=self._limits) as child:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._heard(child)
            except TimeoutError:
                return NotMade(f"not done within {self._timeout_s:g} s")
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                log.error("process that makes levels talked nonsense", error=said_by(error))
                return NotMade("what came was no level")

    async def _heard(self, child: Child) -> Sequence[LevelFile] | NotMade:
        made: dict[LevelName, LevelFile] = {}
        async with aclosing(child.findings()) as findings:
            async for finding in findings:
                if finding["stage"] == "refused":
                    return NotMade(str(finding["code"]))
                level = _level_of(finding)
                if level.name in made:
                    raise ValueError(f"the level {level.name} came twice")
                made[level.name] = level
        ending = await child.ending()
        if ending.status == 0 and len(made) == len(LevelName):
            return [made[name] for name in LevelName]
        log.error(
            "process that makes levels ended early",
            status=ending.status,
            reason=ending.reason,
            stderr=ending.complaints,
        )
        return NotMade("processor time was up" if ending.ran_out_of_time else ending.reason)


def _level_of(finding: dict[str, Any]) -> LevelFile:
    """Raises ValueError, KeyError, TypeError or OverflowError for what is no level of ours."""
    name = LevelName(finding["name"])
    low, high = ((float(x), float(y), float(z)) for x, y, z in (finding["low"], finding["high"]))
    triangles = np.frombuffer(b64decode(finding["triangles"], validate=True), dtype="<u4").reshape(-1, 3)
    steps = np.frombuffer(b64decode(finding["steps"], validate=True), dtype="<u2").reshape(-1, 3)
    content = glb_of(
        Quantized(low, high, steps.astype(np.uint16), triangles.astype(np.uint32), float(finding.get("scale", 1.0)))
    )
    if len(content) > BYTES_MAX[name]:
        raise ValueError(f"the level {name} has {len(content)} bytes")
    return LevelFile(name, len(triangles), content)
