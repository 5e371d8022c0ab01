"""The orchestrator over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from system.crm.application.ports import OrchestratorReply, Repair
from system.crm.domain.errors import NothingToRepair, OrderNotFound, TransitionRefused
from system.kernel.errors import Unavailable
from system.plumbing.service_client import ServiceClient
from system.plumbing.tokens import Principal


class HttpOrchestrator:
    """Closes, cancels, reads and repairs by asking the orchestrator's internal API in the seller's name."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def close(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        """Closes a shipped order. Raises TransitionRefused, OrderNotFound, Unavailable."""
        return await self._ask(order_id, "closure", {"actor": _named(who), "reason": reason}, who)

    async def cancel(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        """Cancels an order or begins to. Raises TransitionRefused, OrderNotFound, Unavailable."""
        body = {"actor": _named(who), "actor_kind": "seller", "reason": reason}
        return await self._ask(order_id, "cancellation", body, who)

    async def timeline(self, order_id: UUID, *, who: Principal) -> dict[str, Any]:
        """Everything that happened to the order. Raises OrderNotFound, Unavailable."""
        response = await self._client.request(
            "GET", "orchestrator", f"/internal/orders/{order_id}/timeline", acting_for=who
        )
        if response.status_code != 200:
            raise _refusal(response, order_id)
        told: dict[str, Any] = response.json()
        return told

    async def repair(self, order_id: UUID, *, who: Principal) -> Repair:
        """Has a hanging order tried again. Raises NothingToRepair, OrderNotFound, Unavailable."""
        response = await self._client.request(
            "POST", "orchestrator", f"/internal/orders/{order_id}/repair", json={"actor": _named(who)}, acting_for=who
        )
        if response.status_code == 409:
            raise NothingToRepair
        if response.status_code != 200:
            raise _refusal(response, order_id)
        done: dict[str, Any] = response.json()
        return Repair(done["replayed"], done["resent"], tuple(done["not_answering"]))

    async def _ask(self, order_id: UUID, what: str, body: dict[str, Any], who: Principal) -> OrchestratorReply:
        response = await self._client.request(
            "POST", "orchestrator", f"/internal/orders/{order_id}/{what}", json=body, acting_for=who
        )
        if response.status_code in (200, 202):
            return OrchestratorReply(is_final=response.status_code == 200, order=response.json())
        raise _refusal(response, order_id)


def _refusal(response: httpx.Response, order_id: UUID) -> Exception:
    try:
        problem: dict[str, Any] = response.json()
    except ValueError:
        problem = {}
    if response.status_code == 409:
        return TransitionRefused(
            detail=problem.get("detail", "The order's status does not allow it."),
            order_status=problem.get("order_status"),
            allowed=tuple(problem.get("allowed", ())),
        )
    if response.status_code == 404:
        return OrderNotFound(str(order_id))
    # Our own request was not understood: a fault between two services, never the seller's.
    return Unavailable(
        "orchestrator-refused", f"The orchestrator refused our request ({response.status_code}); support has been told."
    )


def _named(who: Principal) -> str:
    return who.name or who.email
