"""`python -m perf.streams`: many open boards that listen, in a process of their own: what reads them slows nobody who is measured.

Reads one JSON line: `url`, `ca`, and `boards`, each with a `token` and the `since` of its page. Says `open` when every stream is open,
listens until its input ends, and then says in one JSON line what was heard: `heard` (by work order and moment of change, when by the
clock each board heard it first, or null), `reopened` (how often a stream ended early) and `reloads` (how often a board was told to
load its page again).

The streams are read as plainly as can be: what this process uses of the machine, the system that is measured does not have.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httptools
import uvloop

PATH = "/mes/events"
OPEN_S_MAX = 60.0
PAUSE_S = 0.2
_WORK_ORDER = re.compile(rb'"work_order_id":"([0-9a-f-]{36})"')


@dataclass
class Heard:
    """What all boards heard."""

    boards: int
    at: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    opened: set[int] = field(default_factory=set)
    all_open: asyncio.Event = field(default_factory=asyncio.Event)
    reopened: int = 0
    reloads: int = 0

    def open(self, board: int) -> None:
        """A board's stream began."""
        self.opened.add(board)
        if len(self.opened) == self.boards:
            self.all_open.set()

    def told(self) -> dict[str, Any]:
        """For the process that started this one."""
        heard = {change: [by.get(board) for board in range(self.boards)] for change, by in self.at.items()}
        return {"heard": heard, "reopened": self.reopened, "reloads": self.reloads}


@dataclass
class Board:
    """One open board: follows its stream, and comes back from where it was when the stream ends."""

    number: int
    heard: Heard
    since: str
    _rest: bytes = b""

    async def follow(self, url: str, token: str, secure: ssl.SSLContext | None) -> None:
        """Listens for ever."""
        while True:
            with contextlib.suppress(OSError):
                await self._listen(url, token, secure)
            self.heard.reopened += 1
            self._rest = b""
            await asyncio.sleep(PAUSE_S)

    async def _listen(self, url: str, token: str, secure: ssl.SSLContext | None) -> None:
        """One stream until it ends. Raises OSError when there is none."""
        asked = urlsplit(url)
        request = (
            f"GET {PATH}?{urlencode({'since': self.since})} HTTP/1.1\r\nhost: {asked.netloc}\r\n"
            f"authorization: Bearer {token}\r\naccept: text/event-stream\r\nconnection: close\r\n\r\n"
        )
        connection, stream = await asyncio.get_running_loop().create_connection(
            lambda: Stream(lambda: self.heard.open(self.number), lambda body: self.take(body, at=time.time())),
            asked.hostname or "",
            asked.port or 443,
            ssl=secure,
        )
        try:
            connection.write(request.encode())
            await stream.ended.wait()
        finally:
            connection.abort()

    def take(self, chunk: bytes, *, at: float) -> None:
        """Notes the changes in what came at this moment; a part of an event waits for its other part."""
        *events, self._rest = (self._rest + chunk).split(b"\n\n")
        for event in events:
            lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
            if lines.get(b"event") == b"reload":
                self.heard.reloads += 1
            work_order = _WORK_ORDER.search(lines.get(b"data", b""))
            if lines.get(b"event") != b"work-order" or work_order is None:
                continue
            self.since = lines[b"id"].decode()
            self.heard.at[f"{work_order[1].decode()} {self.since}"].setdefault(self.number, at)


class Stream(asyncio.Protocol):
    """The answer of one connection: tells that it is one, and each piece of its body."""

    def __init__(self, opened: Callable[[], None], took: Callable[[bytes], None]) -> None:
        self._opened, self._took = opened, took
        self._parser = httptools.HttpResponseParser(self)
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """From the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.ended.set()

    def connection_lost(self, error: Exception | None) -> None:
        """From the connection."""
        self.ended.set()

    def on_headers_complete(self) -> None:
        """From the parser. Whatever is no stream ends."""
        if self._parser.get_status_code() == 200:
            self._opened()
        else:
            self.ended.set()

    def on_body(self, body: bytes) -> None:
        """From the parser."""
        self._took(body)

    def on_message_complete(self) -> None:
        """From the parser."""
        self.ended.set()


async def listen(wanted: dict[str, Any], ended: asyncio.Event) -> dict[str, Any]:
    """Opens every board and listens until the end. Raises TimeoutError when not all can be opened."""
    boards = wanted["boards"]
    heard = Heard(len(boards))
    secure = ssl.create_default_context(cafile=wanted["ca"]) if wanted["url"].startswith("https:") else None
    following = [
        asyncio.create_task(Board(number, heard, board["since"]).follow(wanted["url"], board["token"], secure))
        for number, board in enumerate(boards)
    ]
    try:
        async with asyncio.timeout(OPEN_S_MAX):
            await heard.all_open.wait()
        print("open", flush=True)
        await ended.wait()
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    return heard.told()


async def _main() -> int:
    said = asyncio.StreamReader(limit=2**26)
    # Not in a thread: one that waits for input would keep a process that failed from ending.
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    wanted = json.loads(await said.readline())
    ended = asyncio.Event()

    async def wait_for_end() -> None:
        await said.read()
        ended.set()

    waiting = asyncio.create_task(wait_for_end())
    print(json.dumps(await listen(wanted, ended)), flush=True)
    await waiting
    return 0


if __name__ == "__main__":
    raise SystemExit(uvloop.run(_main()))
