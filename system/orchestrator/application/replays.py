"""Replay: a person has messages delivered again. Each service executes its own; here it is ordered and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from system.kernel.errors import Invalid
from system.orchestrator.application.fan_out import SERVICES, ask_all
from system.orchestrator.application.ports import OrchestratorUnitOfWork, Peers

ATTENTION_STATES = ("parked", "dead", "retry", "held", "refused", "waiting")


@dataclass(frozen=True, slots=True)
class ReplayMessages:
    """Which messages of which service to deliver again. `service` None: every service, by type and state."""

    actor: str
    service: str | None = None
    ids: tuple[UUID, ...] = ()
    type: str | None = None
    state: str | None = None
    dry_run: bool = False
    amended_body: dict[str, Any] | None = None
    principal: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RepublishSince:
    """What every service, or the named ones, published since a moment is published again: after a restore, or for `to` alone."""

    actor: str
    since: datetime
    to: str | None = None
    types: tuple[str, ...] = ()
    services: tuple[str, ...] = SERVICES


async def list_attention(
    peers: Peers, states: list[str], *, message_type: str | None = None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Messages of all services in these states, the oldest first, each with its service; and who did not answer."""
    query: dict[str, Any] = {"state": states} | ({"type": message_type} if message_type else {})
    answers, silent = await ask_all(SERVICES, lambda service: peers.messages(service, query))
    items = [item | {"service": service} for service, found in answers.items() for item in found]
    return sorted(items, key=lambda item: str(item["at"])), silent


async def replay_messages(
    command: ReplayMessages, make_uow: Callable[[], OrchestratorUnitOfWork], peers: Peers
) -> dict[str, Any]:
    """Orders the replay, then audits it and notes it on the orders concerned. Raises Invalid; Unavailable when nobody answered."""
    if command.service is not None and command.service not in SERVICES:
        raise Invalid("service-unknown", f"There is no service {command.service}; there are: {', '.join(SERVICES)}.")
    if command.service is None and command.ids:
        raise Invalid("service-missing", "Name the service that holds these messages.")
    order = {
        "actor": command.actor,
        "ids": [str(each) for each in command.ids],
        "type": command.type,
        "state": command.state,
        "dry_run": command.dry_run,
        "amended": command.amended_body,
    }
    services = SERVICES if command.service is None else (command.service,)
    known, _ = await list_attention(peers, list(ATTENTION_STATES))
    answers, silent = await ask_all(
        services, lambda service: peers.replay(service, order, acting_for=command.principal)
    )
    items = [item | {"service": service} for service, answer in answers.items() for item in answer["items"]]
    if not command.dry_run and items:
        orders = {(item["service"], item["id"]): item.get("order_id") for item in known}
        await _write_down(command, items, orders, make_uow)
    return {"dry_run": command.dry_run, "items": items, "not_answering": silent}


async def republish_since(
    command: RepublishSince, make_uow: Callable[[], OrchestratorUnitOfWork], peers: Peers
) -> tuple[dict[str, int], dict[str, str]]:
    """How many messages each service publishes again, and who did not answer; safe to repeat. Raises Invalid."""
    if unknown := sorted(set(command.services) - set(SERVICES)):
        raise Invalid("service-unknown", f"No service {', '.join(unknown)} publishes; {', '.join(SERVICES)} do.")
    wish = {
        "since": command.since.isoformat(),
        "to": command.to,
        "types": list(command.types) or None,
        "actor": command.actor,
    }
    counts, silent = await ask_all(command.services, lambda service: peers.republish(service, wish))
    async with make_uow() as uow:
        details = wish | {"counts": counts, "not_answering": sorted(silent)}
        await uow.audit(actor=command.actor, action="republish_ordered", subject=command.to or "all", details=details)
        await uow.commit()
    return counts, silent


async def _write_down(
    command: ReplayMessages,
    items: list[dict[str, Any]],
    orders: dict[tuple[str, str], str | None],
    make_uow: Callable[[], OrchestratorUnitOfWork],
) -> None:
    concerned: dict[UUID, list[str]] = {}
    for item in items:
        order_id = _uuid(orders.get((item["service"], item["id"])))
        if order_id is not None:
            concerned.setdefault(order_id, []).append(f"{item['service']} {item['id']}")
    async with make_uow() as uow:
        details = {"items": items, "amended": command.amended_body}
        await uow.audit(actor=command.actor, action="replay_ordered", subject=command.service or "all", details=details)
        for order_id, messages in sorted(concerned.items()):
            await uow.lock(order_id)
            order = await uow.orders.find(order_id)
            if order is not None:
                title = f"{command.actor} had {len(messages)} message(s) delivered again"
                order.note("replayed", title, now=uow.now, actor=command.actor, messages=messages)
                await uow.orders.save(order)
        await uow.commit()


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None  # A dead letter may claim any subject.
