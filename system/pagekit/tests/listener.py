"""Somebody who watches a stream of changes, for the integration tests of the services."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID


class Listener:
    """One open stream, read as the server sends it."""

    def __init__(self, app: Any, path: str, headers: dict[str, str], query: str = "") -> None:
        self.app, self.path, self.query = app, path, query
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.status = 0
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Listener:
        self._task = asyncio.create_task(self.app(self._scope(), self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await asyncio.wait_for(self._task, 10)

    def _scope(self) -> dict[str, Any]:
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": self.path, "raw_path": self.path.encode(), "query_string": self.query.encode(), "root_path": "",
            "headers": self.headers, "server": ("service", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        for line in message.get("body", b"").decode().splitlines():
            self.lines.put_nowait(line)

    async def change_about(self, thing: UUID, *, within_s: float = 3.0) -> dict[str, Any]:
        """The next event that names the thing. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                line = await self.lines.get()
                if line.startswith("data: {") and str(thing) in line:
                    said: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    return said
