"""The other services over HTTP, at their internal addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from system.kernel.errors import Invalid, NotFound, Unavailable
from system.plumbing.service_client import ServiceClient
from system.plumbing.tokens import Principal


class HttpPeers:
    """Asks one service at a time; who asks several decides what a missing answer means."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def messages(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """The messages a service holds, by order_id, or by state (one or several). Raises Unavailable."""
        response = await self._client.request("GET", service, "/internal/messages", params=query)
        items: list[dict[str, Any]] = self._body(service, response)["items"]
        return items

    async def setbacks(self, order_id: str) -> list[dict[str, Any]]:
        """What held up the calculations behind an order's prices; nothing of a release that notes none. Raises Unavailable."""
        response = await self._client.request("GET", "pricing", f"/internal/orders/{order_id}/setbacks")
        if response.status_code == 404:
            return []
        items: list[dict[str, Any]] = self._body("pricing", response)["items"]
        return items

    async def replay(self, service: str, order: dict[str, Any], *, acting_for: Principal | None) -> dict[str, Any]:
        """Has a service deliver messages again; it audits that itself. Raises Invalid when it refuses, Unavailable."""
        response = await self._client.request("POST", service, "/internal/replays", json=order, acting_for=acting_for)
        return self._body(service, response)

    async def republish(self, service: str, wish: dict[str, Any]) -> int:
        """Has a service publish again what it published since a moment; how many messages. Raises Invalid, Unavailable."""
        response = await self._client.request("POST", service, "/internal/outbox/replays", json=wish)
        return int(self._body(service, response)["count"])

    async def audit(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Who did what there, the newest first; `query` as the service's internal API takes it. Raises Unavailable."""
        response = await self._client.request("GET", service, "/internal/audit", params=query)
        items: list[dict[str, Any]] = self._body(service, response)["items"]
        return items

    async def beliefs(self, service: str, since: datetime) -> dict[str, dict[str, Any]]:
        """What a service believes of the orders that changed since then. Raises Unavailable."""
        response = await self._client.request(
            "GET", service, "/internal/reconciliation", params={"since": since.isoformat()}
        )
        orders: dict[str, dict[str, Any]] = self._body(service, response)["orders"]
        return orders

    @staticmethod
    def _body(service: str, response: httpx.Response) -> dict[str, Any]:
        if response.status_code == 404:
            raise NotFound("not-offered", f"The {service} service has nothing at {response.request.url.path}.")
        body: dict[str, Any] = response.json()
        if response.status_code == 422:
            raise Invalid(str(body.get("code", "invalid")), str(body.get("detail", "The service refused the request.")))
        if response.status_code >= 400:
            raise Unavailable(
                f"{service}-refused", f"The {service} service refused: {body.get('detail', response.status_code)}"
            )
        return body
