"""Worker processes beside the first one: started while work waits, ended when none does.

The first worker is their supervisor. Each has one end of a socket pair: over it the worker tells what it counted, and when the other
end closes, which it does however the supervisor ends, it gives its work back and is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from prometheus_client import Gauge

from system.plumbing import metrics_of_others
from system.plumbing.metrics_of_others import OTHERS
from system.plumbing.telemetry import log, said_by
from system.pricing.domain.crew import Bounds, workers_wanted

WORKERS = Gauge("alexandrite_pricing_worker_processes", "Worker processes of this supervisor, itself among them.")
LOOK_EVERY_S = 1.0
_TELL_EVERY_S = 2.0
_ENDING_S = 7.0
_LINE_BYTES_MAX = 1 << 20
COMMAND = (sys.executable, "-m", "system.pricing", "work", "--beside")


@dataclass
class _Mate:
    number: int
    process: asyncio.subprocess.Process
    listening: asyncio.Task[None]
    writer: asyncio.StreamWriter


@dataclass
class Crew:
    """The processes beside this one. `waiting_s` says how much work waits, in seconds of one worker; `command` gets a descriptor."""

    waiting_s: Callable[[], Awaitable[float]]
    bounds: Bounds
    command: tuple[str, ...] = COMMAND
    clock: Callable[[], float] = time.monotonic
    _mates: list[_Mate] = field(default_factory=list)
    _calm_since: float | None = None
    _started: int = 0

    async def run(self) -> None:
        """Looks every second until cancelled; then everybody is sent home."""
        try:
            while True:
                try:
                    await self.look()
                except Exception as error:
                    log.error("nobody looked how many workers there should be", error=said_by(error))
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self.dismiss()

    async def dismiss(self) -> None:
        """Sends everybody home and waits until they are gone."""
        await asyncio.gather(*(self._send_home() for _ in list(self._mates)))

    async def signal(self, pid: int, number: int) -> None:
        """Sends one of them a signal that ends it, and waits for its end."""
        mate = next(mate for mate in self._mates if mate.process.pid == pid)
        mate.process.send_signal(number)
        await mate.process.wait()

    async def look(self) -> None:
        """Starts and ends processes as the work that waits demands. One that ended by itself is replaced if it is still wanted."""
        for mate in [mate for mate in self._mates if mate.process.returncode is not None]:
            log.warning("worker ended by itself", status=mate.process.returncode)
            self._mates.remove(mate)
            await self._say_goodbye(mate)
        waiting_s, now = await self.waiting_s(), self.clock()
        self._calm_since = None if waiting_s > 0 else self._calm_since if self._calm_since is not None else now
        calm_for_s = now - self._calm_since if self._calm_since is not None else 0.0
        workers = 1 + len(self._mates)
        wanted = workers_wanted(waiting_s, workers=workers, calm_for_s=calm_for_s, bounds=self.bounds)
        for _ in range(wanted - workers):
            await self._start()
        for _ in range(workers - wanted):
            self._calm_since = now
            await self._send_home()
        if wanted != workers:
            log.info("workers", before=workers, now=wanted, waiting_s=round(waiting_s, 1))
        WORKERS.set(1 + len(self._mates))

    @property
    def pids(self) -> list[int]:
        """The processes beside this one."""
        return [mate.process.pid for mate in self._mates]

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *self.command, str(theirs.fileno()), pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LINE_BYTES_MAX)
        self._started += 1
        listening = asyncio.create_task(_listen(self._started, reader))
        self._mates.append(_Mate(self._started, process, listening, writer))

    async def _send_home(self) -> None:
        mate = self._mates.pop()
        with contextlib.suppress(OSError):
            # Not closed yet: it still tells what it counted last.
            mate.writer.write_eof()
        try:
            async with asyncio.timeout(_ENDING_S):
                await mate.process.wait()
                await mate.listening
        except TimeoutError:
            log.warning("worker did not end", pid=mate.process.pid)
            mate.process.kill()
            await mate.process.wait()
        finally:
            await self._say_goodbye(mate)

    async def _say_goodbye(self, mate: _Mate) -> None:
        mate.writer.close()
        mate.listening.cancel()
        await asyncio.gather(mate.listening, return_exceptions=True)
        OTHERS.retire(mate.number)


async def _listen(number: int, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ValueError, OSError):
        while line := await reader.readline():
            OTHERS.hear(number, json.loads(line))


async def beside(descriptor: int, work: Callable[[], Awaitable[None]]) -> None:
    """Works until whoever holds the other end of the socket lets go of it."""
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
    working = asyncio.ensure_future(work())
    released = asyncio.create_task(reader.read())
    telling = asyncio.create_task(_tell(writer))
    await asyncio.wait({working, released}, return_when=asyncio.FIRST_COMPLETED)
    for task in (working, released, telling):
        task.cancel()
    ended, *_ = await asyncio.gather(working, released, telling, return_exceptions=True)
    with contextlib.suppress(OSError):
        await _tell_once(writer)
        writer.close()
    if isinstance(ended, Exception):
        raise ended


async def _tell(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        await _tell_once(writer)


async def _tell_once(writer: asyncio.StreamWriter) -> None:
    writer.write(json.dumps(metrics_of_others.told()).encode() + b"\n")
    await writer.drain()
