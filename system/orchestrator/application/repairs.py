"""Repair: what whoever looks after an order can do when it hangs, without knowing in which service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from system.orchestrator.application import handlers
from system.orchestrator.application.commands import ResendStep
from system.orchestrator.application.desk import Desk
from system.orchestrator.application.fan_out import SERVICES, ask_all
from system.orchestrator.application.ports import OrchestratorUnitOfWork, Peers
from system.orchestrator.application.replays import ReplayMessages, replay_messages

PARKED = "parked"


@dataclass(frozen=True, slots=True)
class RepairOrder:
    """A seller has a hanging order tried again. `principal` is who the services are told."""

    order_id: UUID
    actor: str
    principal: Any = field(default=None, compare=False)


async def repair_order(
    command: RepairOrder, make_uow: Callable[[], OrchestratorUnitOfWork], peers: Peers, desk: Desk
) -> dict[str, Any]:
    """Has the order's parked messages delivered again; where none is parked, asks the silent service once more.

    Both are safe to repeat: messages keep their ids, and a step that was asked twice is answered as once. Raises NothingToResend
    when nothing of the order is parked and no step waits, OrderUnknown; Unavailable when the service that holds one is silent.
    """
    held, silent = await ask_all(
        SERVICES, lambda service: peers.messages(service, {"order_id": str(command.order_id), "state": [PARKED]})
    )
    parked = {service: tuple(UUID(item["id"]) for item in items) for service, items in held.items() if items}
    replayed: list[dict[str, Any]] = []
    for service, ids in parked.items():
        wish = ReplayMessages(command.actor, service=service, ids=ids, principal=command.principal)
        done = await replay_messages(wish, make_uow, peers)
        replayed += done["items"]
        silent |= done["not_answering"]
    is_resent = False
    if not replayed:
        await handlers.resend_step(ResendStep(command.order_id, command.actor), make_uow(), desk)
        is_resent = True
    return {"replayed": len(replayed), "resent": is_resent, "not_answering": silent}
