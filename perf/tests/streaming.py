"""A server of streams for boards that listen, in this process."""

from __future__ import annotations

import asyncio

WORK_ORDER = "019abd3e-6a11-7c44-9b02-5e8d1a4f6c21"
AT = "2026-05-03T12:00:00.250000+00:00"
EVENT = f'id: {AT}\nevent: work-order\ndata: {{"work_order_id":"{WORK_ORDER}","state":"CLAIMED"}}\n\n'.encode()


class Streaming:
    """Streams that tell one event each and end; the first time a board comes, its stream ends before the event."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answering: list[asyncio.Task[None] | None] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answering.append(asyncio.current_task())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1000\n\n")
        if "since=before" not in head or len(self.asked) > 2:
            writer.write(EVENT)
            await writer.drain()
        if "since=before" not in head:
            # Until the board is closed.
            await reader.read()
        writer.close()
        await writer.wait_closed()
