"""Starts a process that reads a stranger's mesh, hands it one file descriptor, and hears what it says.

    async with started(command, file, limits=limits, options=("draw",)) as child:
        async for finding in child.findings(): ...
        ending = await child.ending()

Whatever the child does, this process lives on: it crashes, hangs or talks nonsense behind a pipe.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from system.meshes.child import OUT_OF_MEMORY

_COMPLAINT_BYTES_MAX = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child may take. A line longer than `line_bytes_max` is nonsense."""

    memory_bytes: int
    cpu_s: int
    line_bytes_max: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended. `complaints` is the end of its error stream."""

    status: int
    complaints: str

    @property
    def ran_out_of_time(self) -> bool:
        """True when its processor time was up."""
        return self.status == -signal.SIGXCPU

    @property
    def was_killed(self) -> bool:
        """True when somebody ended it who is not the limit of its time or memory."""
        return self.status == -signal.SIGKILL

    @property
    def reason(self) -> str:
        """In a few words."""
        if self.status == OUT_OF_MEMORY:
            return "too little memory"
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


class Child:
    """One running child."""

    def __init__(
        self,
        said: asyncio.StreamReader,
        complaints: asyncio.StreamReader,
        wait: Callable[[], Awaitable[int]],
        kill: Callable[[], None],
    ) -> None:
        self._said = said
        self._complaints = asyncio.create_task(_complaints(complaints))
        self._status = asyncio.ensure_future(wait())
        self._kill = kill

    async def findings(self) -> AsyncGenerator[dict[str, Any]]:
        """What it says, line by line, until it ends. Raises ValueError for what is no JSON object in a line of fair length."""
        while line := await self._said.readline():
            finding = json.loads(line)
            if not isinstance(finding, dict):
                raise ValueError("a finding is an object")
            yield finding

    async def ending(self) -> Ending:
        """Waits for its end."""
        return Ending(await asyncio.shield(self._status), await self._complaints)

    async def close(self) -> None:
        """Ends it where it stands."""
        self._kill()
        await self._status
        self._complaints.cancel()
        await asyncio.gather(self._complaints, return_exceptions=True)


@asynccontextmanager
async def started(
    command: Sequence[str], file: BinaryIO, *, limits: Limits, options: Sequence[str] = ()
) -> AsyncIterator[Child]:
    """A child that reads `file` from its start; it is ended with the block."""
    # A descriptor of its own: the child reads from the start, and nothing it does moves ours.
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    process = await asyncio.create_subprocess_exec(
        *command,
        str(file.fileno()),
        str(limits.memory_bytes),
        str(limits.cpu_s),
        *options,
        limit=limits.line_bytes_max,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=(file.fileno(),),
        env=environment(),
    )
    assert process.stdout is not None and process.stderr is not None

    def kill() -> None:
        if process.returncode is None:
            process.kill()

    child = Child(process.stdout, process.stderr, process.wait, kill)
    try:
        yield child
    finally:
        await child.close()


def environment() -> dict[str, str]:
    """What a child knows of the world."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(part for part in (os.getcwd(), *sys.path) if part),
        "PYTHONDONTWRITEBYTECODE": "1",
        # More threads would each reserve address space, which is limited.
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        # Where compiled loops are kept.
        **{name: value for name, value in os.environ.items() if name.startswith("NUMBA_")},
    }


async def _complaints(stream: asyncio.StreamReader) -> str:
    """The end of what the child wrote to its error stream, read all along so that it never blocks on it."""
    kept = b""
    while part := await stream.read(4096):
        kept = (kept + part)[-_COMPLAINT_BYTES_MAX:]
    return kept.decode(errors="replace")
