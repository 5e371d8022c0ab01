"""One process that has loaded everything, from which each file gets one by fork: loading takes a second, forking milliseconds.

    nursery = Nursery(command, limits)
    async with nursery.started(file, options=("draw",)) as child: ...

The parent in there never reads a byte of a file; what reads one reads only that one, and ends. It works under the same limits, which
the fork inherits or narrows, and each fork has its own processor time. When it cannot be had, a child is started the slow way.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO

from system.meshes.child import SERVES
from system.meshes.process import Child, Limits, environment, started

_STATUS_BYTES = 4


class Nursery:
    """Starts children of one kind. `close` it with the loop it was used in; when this process ends, so does everything in there."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._command = tuple(command)
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def started(
        self, file: BinaryIO, *, limits: Limits | None = None, options: Sequence[str] = ()
    ) -> AsyncIterator[Child]:
        """A child that reads `file` from its start, within narrower `limits` if any; it is ended with the block."""
        limits = limits or self._limits
        child = await self._forked(file, limits, options)
        if child is None:
            async with started(self._command, file, limits=limits, options=options) as slow:
                yield slow
            return
        try:
            yield child
        finally:
            await child.close()

    async def ready(self) -> None:
        """Begins to load, so that the first file need not wait for it. Does nothing while it is there."""
        if self._loop is not asyncio.get_running_loop():
            # Of a loop that is over: without its control socket it ends.
            self._forget()
            self._loop, self._starting = asyncio.get_running_loop(), asyncio.Lock()
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()

    async def _start(self) -> None:
        self._forget()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                f"{SERVES}{theirs.fileno()}",
                str(self._limits.memory_bytes),
                str(self._limits.cpu_s),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment(),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._control = ours

    async def close(self) -> None:
        """Ends it, and all that came from it."""
        process = self._process
        self._forget()
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _forget(self) -> None:
        if self._control is not None:
            self._control.close()
        self._process = self._control = None

    async def _forked(self, file: BinaryIO, limits: Limits, options: Sequence[str]) -> Child | None:
        await self.ready()
        assert self._control is not None
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        ours, theirs = socket.socketpair()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        try:
            socket.send_fds(
                self._control,
                [json.dumps([limits.memory_bytes, limits.cpu_s, *options]).encode()],
                [file.fileno(), out_write, err_write, theirs.fileno()],
            )
        except OSError:
            # It is gone, or does not listen: the next one will find another.
            self._forget()
            for descriptor in (out_read, err_read):
                os.close(descriptor)
            ours.close()
            return None
        finally:
            theirs.close()
            os.close(out_write)
            os.close(err_write)
        out, _ = await _reader(out_read, self._limits.line_bytes_max)
        err, _ = await _reader(err_read, 1 << 16)
        status_reader, status_writer = await asyncio.open_connection(sock=ours)

        async def wait() -> int:
            try:
                return int.from_bytes(await status_reader.readexactly(_STATUS_BYTES), "little", signed=True)
            except (asyncio.IncompleteReadError, OSError):
                return -signal.SIGKILL
            finally:
                status_writer.close()

        def kill() -> None:
            # The end of what we say is what ends a child that still runs; how it ended is told as ever.
            if not status_writer.is_closing():
                with suppress(OSError):
                    status_writer.write_eof()

        return Child(out, err, wait, kill)


async def _reader(descriptor: int, limit: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport
