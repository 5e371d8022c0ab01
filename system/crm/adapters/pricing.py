"""Pricing over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from system.kernel.errors import Unavailable
from system.plumbing.service_client import ServiceClient
from system.plumbing.tokens import Principal


class HttpQuotes:
    """Looks quotes up at pricing's internal address."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def of(self, quote_ids: list[UUID], *, who: Principal) -> dict[str, dict[str, Any]]:
        """The known ones of these quotes by their id. Raises Unavailable."""
        if not quote_ids:
            return {}
        body = {"quote_ids": [str(each) for each in quote_ids]}
        response = await self._client.request("POST", "pricing", "/internal/quotes/lookup", json=body, acting_for=who)
        if response.status_code != 200:
            raise Unavailable("pricing-refused", f"Pricing refused our request ({response.status_code}).")
        return {item["quote_id"]: item for item in response.json()["items"]}
