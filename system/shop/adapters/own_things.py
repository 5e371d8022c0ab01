"""A customer's models and prices, which other services keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel

from system.messages.envelope import MoneyV1
from system.plumbing.service_client import ServiceClient
from system.shop.adapters.answers import misunderstood, read


class OwnModel(BaseModel):
    """A model that the customer sent and that can be made."""

    file_id: UUID
    filename: str
    size_bytes: int
    created_at: datetime


class OwnModels(BaseModel):
    """Some of them, the newest first; `next` leads on."""

    items: list[OwnModel]
    next: str | None = None


class OwnQuote(BaseModel):
    """A price that the customer asked for."""

    quote_id: UUID
    status: Literal["QUEUED", "ANALYSING", "ESTIMATED", "READY", "FAILED"]
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    estimate: MoneyV1 | None = None
    total: MoneyV1 | None = None
    created_at: datetime
    valid_until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether one may order at this price."""
        return self.valid_until is not None and now < self.valid_until

    def is_over(self, now: datetime) -> bool:
        """Whether the price was firm and is not any more."""
        return self.valid_until is not None and not self.holds(now)


class OwnQuotes(BaseModel):
    """Some of them, the newest first; `next` leads on."""

    items: list[OwnQuote]
    next: str | None = None


class HttpOwnModels:
    """Files' list of a person's models."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnModels:
        """At most so many models. Raises Unavailable."""
        answer = await self._client.request(
            "GET", "files", f"/internal/people/{person}/uploads", params=_page(after, limit)
        )
        return read("files", answer, OwnModels)

    async def delete(self, person: UUID, file_id: UUID) -> None:
        """Deletes a model; one that is gone already is no matter. Raises Unavailable."""
        answer = await self._client.request("DELETE", "files", f"/internal/people/{person}/uploads/{file_id}")
        if answer.status_code not in (httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND):
            raise misunderstood("files", answer)


class HttpOwnQuotes:
    """Pricing's list of the prices that a person asked for."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnQuotes:
        """At most so many prices of the customer's own models; goods have theirs in the catalogue. Raises Unavailable."""
        params = _page(after, limit) | {"kind": "custom"}
        answer = await self._client.request("GET", "pricing", f"/internal/people/{person}/quotes", params=params)
        return read("pricing", answer, OwnQuotes)


def _page(after: str | None, limit: int) -> dict[str, Any]:
    return {"limit": limit} | ({"after": after} if after else {})
