"""Pricing over HTTP: the queue of calculations, for whoever leads the shift."""

from __future__ import annotations

from typing import Any

from system.kernel.errors import Unavailable
from system.plumbing.service_client import ServiceClient


class HttpCalculations:
    """Asks pricing's internal address."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def queue(self) -> dict[str, Any]:
        """What is being calculated and what waits. Raises Unavailable."""
        response = await self._client.request("GET", "pricing", "/internal/calculations")
        if response.status_code != 200:
            raise Unavailable("pricing-refused", f"Pricing refused our request ({response.status_code}).")
        queue: dict[str, Any] = response.json()
        return queue
