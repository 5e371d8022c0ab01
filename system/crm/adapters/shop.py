"""The shop over HTTP: it writes to customers by e-mail, and knows what it wrote."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from system.kernel.errors import Unavailable
from system.plumbing.service_client import ServiceClient
from system.plumbing.tokens import Principal


class HttpShop:
    """The shop's internal address."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def notices(self, order_id: UUID, *, who: Principal) -> list[dict[str, Any]]:
        """The letters by e-mail about an order, the oldest first. Raises Unavailable."""
        response = await self._client.request("GET", "shop", f"/internal/orders/{order_id}/notices", acting_for=who)
        if response.status_code != httpx.codes.OK:
            raise Unavailable("shop-refused", f"The shop refused our request ({response.status_code}).")
        items = response.json().get("items")
        if not isinstance(items, list):
            raise Unavailable("shop-refused", "The shop answered something else than its letters.")
        return items

    async def tell(self, order_id: UUID, letter_id: UUID) -> None:
        """Has the customer told that a seller wrote this letter; however often, they hear of it once. Raises Unavailable."""
        response = await self._client.request(
            "POST", "shop", f"/internal/orders/{order_id}/news", json={"letter_id": str(letter_id)}
        )
        if response.status_code == httpx.codes.NOT_FOUND and _code(response) == "order-not-found":
            # An order that the shop never had: nobody is there to be told.
            return
        if response.status_code != httpx.codes.OK:
            # Also a shop of the release before, which has no such address yet.
            raise Unavailable("shop-refused", f"The shop refused our request ({response.status_code}).")


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""
