"""A line between the services and their broker that can be cut or made to swallow what the broker says. Standard library only.

    python3 proxy.py LISTEN_PORT BROKER_HOST:PORT DESK

It reads what to do from DESK/proxy.json, {"id": "7f3a", "do": "reset" | "swallow" | "pass"}, and tells in DESK/proxy.told.json
what was done: {"id", "connections", "reset", "swallowed"}. `reset` cuts every connection with a TCP reset, once. `swallow` drops
the broker's confirms (AMQP basic.ack) on their way to the services until told to `pass`; everything else goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any

FRAME_HEADER = struct.Struct(">BHI")
METHOD_FRAME = 1
BASIC_ACK = struct.pack(">HH", 60, 80)
FRAME_END_BYTES = 1
LOOK_EVERY_S = 0.05
READ_BYTES = 65_536


class Frames:
    """Cuts a stream of the broker's bytes into AMQP frames. The broker sends no protocol header unless it refuses one."""

    def __init__(self) -> None:
        self._rest = b""

    def whole(self, more: bytes) -> list[bytes]:
        """The frames that are complete now."""
        self._rest += more
        frames = []
        while len(self._rest) >= FRAME_HEADER.size:
            if self._rest.startswith(b"AMQP"):
                # It speaks another protocol and says so; nothing of that is a frame.
                frames.append(self._rest)
                self._rest = b""
                break
            _, _, size = FRAME_HEADER.unpack_from(self._rest)
            end = FRAME_HEADER.size + size + FRAME_END_BYTES
            if len(self._rest) < end:
                break
            frames.append(self._rest[:end])
            self._rest = self._rest[end:]
        return frames


def is_confirm(frame: bytes) -> bool:
    """Whether a frame from the broker is a publisher's confirm: the only basic.ack that a broker sends."""
    return frame[0] == METHOD_FRAME and frame[FRAME_HEADER.size : FRAME_HEADER.size + 4] == BASIC_ACK


@dataclass
class Proxy:
    """Passes connections on, and does to them what it is told."""

    upstream: tuple[str, int]
    swallowing: bool = False
    reset: int = 0
    swallowed: int = 0
    open_lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, port: int, host: str = "0.0.0.0") -> asyncio.Server:  # noqa: S104  inside its container
        """Listens; returns the server."""
        return await asyncio.start_server(self._line, host, port)

    def do(self, what: str) -> None:
        """Carries out one order. Raises ValueError for one that it does not know."""
        if what not in ("reset", "swallow", "pass"):
            raise ValueError(f"a proxy can reset, swallow or pass, not {what!r}")
        self.swallowing = what == "swallow"
        if what == "reset":
            for writer in list(self.open_lines):
                _cut(writer)
                self.reset += 1

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            _cut(writer)
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return
        both = {writer, far_writer}
        self.open_lines |= both
        there = asyncio.create_task(self._pass(reader, far_writer))
        back = asyncio.create_task(self._pass(far_reader, writer, frames=Frames()))
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        self.open_lines -= both
        for end in both:
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, frames: Frames | None = None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                for piece in [data] if frames is None else frames.whole(data):
                    if frames is not None and self.swallowing and is_confirm(piece):
                        self.swallowed += 1
                        continue
                    writer.write(piece)
                await writer.drain()


def _cut(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with a reset instead of a goodbye."""
    end = writer.get_extra_info("socket")
    if end is not None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def obey(proxy: Proxy, desk: str) -> None:
    """Looks for orders until cancelled, and tells what was done."""
    done = ""
    while True:
        order = _read(os.path.join(desk, "proxy.json"))
        if order is not None and order["id"] != done:
            done = order["id"]
            proxy.do(order["do"])
        _tell(
            os.path.join(desk, "proxy.told.json"),
            {
                "id": done,
                "connections": len(proxy.open_lines) // 2,
                "reset": proxy.reset,
                "swallowed": proxy.swallowed,
            },
        )
        await asyncio.sleep(LOOK_EVERY_S)


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            order: dict[str, Any] = json.load(file)
            return order
    except (OSError, ValueError):
        return None


def _tell(path: str, told: dict[str, Any]) -> None:
    """Written beside and renamed: nobody reads half of it."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.replace(f"{path}.new", path)


async def main(port: int, upstream: str, desk: str) -> None:
    """Serves until the container ends."""
    host, _, far_port = upstream.rpartition(":")
    proxy = Proxy((host, int(far_port)))
    async with await proxy.serve(port):
        await obey(proxy, desk)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
