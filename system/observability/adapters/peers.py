"""What the orchestrator knows of orders, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from system.kernel.errors import Unavailable
from system.observability.domain.stages import Stage
from system.plumbing.service_client import ServiceClient

ORCHESTRATOR = "orchestrator"


class HttpOrders:
    """Asks for no longer than a page can wait."""

    def __init__(self, client: ServiceClient, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def timeline(self, order: str) -> dict[str, Any] | None:
        """Everything that happened to the order with this id or number; None when there is none. Raises Unavailable."""
        answer = await self._get(f"/internal/orders/{quote(order, safe='')}/timeline")
        if answer.status_code == 404:
            return None
        return _body(answer)

    async def order_id(self, number: str) -> str | None:
        """The id of the order with this id or number; None when there is none. Raises Unavailable."""
        answer = await self._get(f"/internal/orders/{quote(number, safe='')}")
        if answer.status_code == 404:
            return None
        return str(_body(answer)["order_id"])

    async def stages(self, since: datetime, until: datetime) -> list[Stage]:
        """How long orders stayed in each status, of the stays that ended in the period. Raises Unavailable."""
        answer = await self._get("/internal/stages", since=since.isoformat(), until=until.isoformat())
        return [Stage(**told) for told in _body(answer)["stages"]]

    async def _get(self, path: str, **query: str) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._client.request("GET", ORCHESTRATOR, path, params=query)
        except TimeoutError as error:
            raise Unavailable("orchestrator-slow", "The orchestrator does not answer in time.") from error


def _body(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code >= 400:
        raise Unavailable("orchestrator-refused", f"The orchestrator refused: {answer.status_code}.")
    body: dict[str, Any] = answer.json()
    return body
