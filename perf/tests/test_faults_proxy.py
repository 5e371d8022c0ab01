"""The line between services and broker, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from perf.faults.proxy import Frames, Proxy, is_confirm, obey

FRAME_END = b"\xce"
ACK = struct.pack(">BHI", 1, 1, 13) + struct.pack(">HH", 60, 80) + b"\x00" * 9 + FRAME_END
OTHER = struct.pack(">BHI", 1, 1, 4) + struct.pack(">HH", 10, 31) + FRAME_END
Far = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def line(far: Far) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy before a server that behaves as given."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await far(reader, writer)
        finally:
            writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as upstream:
        proxy = Proxy(("127.0.0.1", upstream.sockets[0].getsockname()[1]))
        async with await proxy.serve(0, "127.0.0.1") as server:
            yield proxy, server.sockets[0].getsockname()[1]


async def gone(writer: asyncio.StreamWriter, proxy: Proxy) -> None:
    """Our end is closed, and the proxy has put its ends away."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    async with asyncio.timeout(5):
        while proxy.open_lines:
            await asyncio.sleep(0.01)


def test_frames_are_cut_wherever_the_network_broke_them() -> None:
    frames = Frames()
    found = [frame for byte in ACK + OTHER for frame in frames.whole(bytes([byte]))]
    assert found == [ACK, OTHER]


def test_only_a_confirm_is_taken_for_one() -> None:
    assert is_confirm(ACK)
    assert not is_confirm(OTHER)
    assert not is_confirm(struct.pack(">BHI", 3, 1, 4) + struct.pack(">HH", 60, 80) + FRAME_END)


async def answers_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(100):
        writer.write(ACK + OTHER)
        await writer.drain()


def test_confirms_are_swallowed_until_told_to_pass() -> None:
    async def play() -> None:
        async with line(answers_twice) as (proxy, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            proxy.do("swallow")
            writer.write(b"publish")
            assert await reader.readexactly(len(OTHER)) == OTHER
            assert proxy.swallowed == 1
            proxy.do("pass")
            writer.write(b"publish")
            assert await reader.readexactly(len(ACK + OTHER)) == ACK + OTHER
            await gone(writer, proxy)

    asyncio.run(play())


def test_a_reset_cuts_every_connection() -> None:
    async def play() -> None:
        async with line(answers_twice) as (proxy, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"publish")
            await reader.readexactly(len(ACK + OTHER))
            proxy.do("reset")
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            assert proxy.reset == 2
            await gone(writer, proxy)

    asyncio.run(play())


def test_a_broker_that_is_away_cuts_whoever_comes() -> None:
    async def play() -> None:
        proxy = Proxy(("127.0.0.1", 9))
        async with await proxy.serve(0, "127.0.0.1") as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            await gone(writer, proxy)

    asyncio.run(play())


def test_it_obeys_the_desk_once_and_tells(tmp_path: Path) -> None:
    async def play() -> None:
        async with line(answers_twice) as (proxy, _):
            (tmp_path / "proxy.json").write_text(json.dumps({"id": "one", "do": "swallow"}), encoding="utf-8")
            obeying = asyncio.create_task(obey(proxy, str(tmp_path)))
            async with asyncio.timeout(5):
                while not proxy.swallowing or not (tmp_path / "proxy.told.json").exists():
                    await asyncio.sleep(0.01)
            proxy.swallowing = False
            (tmp_path / "proxy.told.json").unlink()
            async with asyncio.timeout(5):
                # It has looked at the same order again when it tells of it again.
                while not (tmp_path / "proxy.told.json").exists():
                    await asyncio.sleep(0.01)
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)
            assert not proxy.swallowing, "an order is carried out once"
            assert json.loads((tmp_path / "proxy.told.json").read_text(encoding="utf-8"))["id"] == "one"

    asyncio.run(play())


def test_an_order_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'dance'"):
        Proxy(("127.0.0.1", 1)).do("dance")
