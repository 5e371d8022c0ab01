"""What every service answers to the orchestrator: its messages, dead and parked ones, and their replay.

Publishing again since a moment is open to every receiver as well, each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from system.kernel.errors import Forbidden, Invalid
from system.kernel.ids import bucket_of
from system.messages import catalogue
from system.messages.envelope import Message
from system.plumbing.auth import Principal, require
from system.plumbing.consumer import Reaction, Undecodable, decode
from system.plumbing.outbox_replays import ReplayOutbox, order_replay
from system.plumbing.schema import audit_log, dead_letter, inbox, outbox
from system.plumbing.telemetry import trace_id_of
from system.plumbing.unit_of_work import UnitOfWork

Orchestrator = Annotated[Principal, require("service:orchestrator")]
Receiver = Annotated[Principal, require(*(f"service:{name}" for name in catalogue.services()))]
Box = Literal["inbox", "outbox", "dead_letter"]
ATTENTION = ("retry", "waiting", "held", "parked", "refused", "dead")
LIST_MAX = 500


class Replay(BaseModel):
    """Which messages to deliver again: by id, or all of one type and state. `amended` replaces the body of a single one."""

    actor: str
    ids: list[UUID] = Field(default_factory=list, max_length=1000)
    type: str | None = None
    state: Literal["parked", "dead", "refused", "retry"] | None = None
    dry_run: bool = False
    amended: dict[str, Any] | None = None


def router(
    make_uow: Callable[[], UnitOfWork], reactions: Mapping[type[Message], Reaction], on_replayed: Callable[[], None]
) -> APIRouter:
    """The routes under /internal; the gateway never leads here."""
    routes = APIRouter(prefix="/internal")

    @routes.get("/messages")
    async def messages(
        who: Orchestrator,
        order_id: str | None = None,
        state: Annotated[list[str] | None, Query()] = None,
        type: str | None = None,
    ) -> dict[str, Any]:
        if order_id is None and state is None:
            raise Invalid("filter-missing", "Name an order_id or a state.")
        async with make_uow() as uow:
            return {"items": await list_messages(uow, order_id=order_id, states=state, message_type=type)}

    @routes.get("/audit")
    async def audit(
        who: Orchestrator,
        before: datetime | None = None,
        actor: str | None = None,
        subject: str | None = None,
        limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 100,
    ) -> dict[str, Any]:
        async with make_uow() as uow:
            return {"items": await list_audit(uow, before=before, actor=actor, subject=subject, limit=limit)}

    @routes.post("/replays")
    async def replays(who: Orchestrator, replay: Replay) -> dict[str, Any]:
        if not replay.ids and (replay.type is None or replay.state is None):
            raise Invalid("replay-unnamed", "Name ids, or a type together with a state.")
        if replay.amended is not None and len(replay.ids) != 1:
            raise Invalid("amended-many", "An amended body fits exactly one message; name its id alone.")
        async with make_uow() as uow:
            chosen = await _choose(uow, replay)
            if not replay.dry_run:
                for item in chosen:
                    await _replay_one(uow, item, replay, reactions)
                await uow.commit()
                on_replayed()
        return {"dry_run": replay.dry_run, "items": chosen}

    @routes.post("/outbox/replays", status_code=202)
    async def outbox_replays(who: Receiver, wish: ReplayOutbox) -> dict[str, int]:
        if who.service != "orchestrator" and wish.to != who.service:
            raise Forbidden(
                "replay-for-others", "A service has messages published again for itself alone: name it in `to`."
            )
        async with make_uow() as uow:
            count = await order_replay(uow, wish, asked_by=wish.actor or f"service:{who.service}")
            await uow.commit()
        on_replayed()
        return {"count": count}

    return routes


async def list_audit(
    uow: UnitOfWork, *, before: datetime | None, actor: str | None, subject: str | None, limit: int
) -> list[dict[str, Any]]:
    """Who did what to which thing, the newest first: before a moment, by people whose name holds `actor`, to one subject."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    query = query.where(audit_log.c.at < before) if before else query
    query = query.where(audit_log.c.actor.icontains(actor, autoescape=True)) if actor else query
    query = query.where(audit_log.c.subject == subject) if subject else query
    return [
        {
            "at": row.at.isoformat(),
            "actor": row.actor,
            "action": row.action,
            "subject": row.subject,
            "details": row.details,
        }
        for row in await uow.connection.execute(query)
    ]


async def list_messages(
    uow: UnitOfWork, *, order_id: str | None, states: list[str] | None, message_type: str | None = None
) -> list[dict[str, Any]]:
    """Sent, received and dead messages of an order, or those in the given states; oldest first, at most LIST_MAX each."""
    items: list[dict[str, Any]] = []
    items += await _from_inbox(uow, order_id, states, message_type)
    items += await _from_outbox(uow, order_id, states, message_type)
    items += await _from_dead_letters(uow, order_id, states, message_type)
    return sorted(items, key=lambda item: item["at"])


async def _from_inbox(
    uow: UnitOfWork, order_id: str | None, states: list[str] | None, message_type: str | None
) -> list[dict[str, Any]]:
    query = select(inbox).order_by(inbox.c.received_at).limit(LIST_MAX)
    query = query.where(inbox.c.subject == order_id) if order_id else query
    query = query.where(inbox.c.state.in_(states)) if states else query
    query = query.where(inbox.c.type == message_type) if message_type else query
    return [
        {
            "id": str(row.event_id),
            "box": "inbox",
            "type": row.type,
            "order_id": row.subject,
            "state": row.state,
            "at": row.received_at.isoformat(),
            "occurred_at": row.occurred_at.isoformat(),
            "processed_at": row.processed_at.isoformat() if row.processed_at else None,
            "source": row.source,
            "sequence": row.sequence,
            "attempts": row.attempts,
            "error": row.last_error,
            "next_attempt_at": row.next_attempt_at.isoformat() if row.state == "retry" else None,
            "trace_id": trace_id_of(row.traceparent),
            "body": row.envelope,
        }
        for row in await uow.connection.execute(query)
    ]


async def _from_outbox(
    uow: UnitOfWork, order_id: str | None, states: list[str] | None, message_type: str | None
) -> list[dict[str, Any]]:
    query = select(outbox).order_by(outbox.c.id).limit(LIST_MAX)
    query = query.where(outbox.c.subject == order_id) if order_id else query
    query = query.where(outbox.c.type == message_type) if message_type else query
    if states:
        conditions = []
        if "parked" in states:
            conditions.append(outbox.c.parked_at.is_not(None) & outbox.c.published_at.is_(None))
        if "retry" in states:
            conditions.append((outbox.c.attempts > 0) & outbox.c.published_at.is_(None) & outbox.c.parked_at.is_(None))
        if not conditions:
            return []
        query = query.where(or_(*conditions))
    return [
        {
            "id": str(row.event_id),
            "box": "outbox",
            "type": row.type,
            "order_id": row.subject,
            "state": "published" if row.published_at else "parked" if row.parked_at else "pending",
            "at": row.occurred_at.isoformat(),
            "published_at": row.published_at.isoformat() if row.published_at else None,
            "source": row.source,
            "sequence": row.sequence,
            "attempts": row.attempts,
            "error": row.last_error,
            "trace_id": trace_id_of(row.traceparent),
        }
        for row in await uow.connection.execute(query)
    ]


async def _from_dead_letters(
    uow: UnitOfWork, order_id: str | None, states: list[str] | None, message_type: str | None
) -> list[dict[str, Any]]:
    query = select(dead_letter).order_by(dead_letter.c.received_at).limit(LIST_MAX)
    query = query.where(dead_letter.c.subject == order_id) if order_id else query
    query = query.where(dead_letter.c.state.in_(states)) if states else query
    query = query.where(dead_letter.c.type == message_type) if message_type else query
    return [
        {
            "id": str(row.id),
            "box": "dead_letter",
            "type": row.type,
            "order_id": row.subject,
            "state": row.state,
            "at": row.received_at.isoformat(),
            "times": row.times,
            "error": row.reason,
            "text": row.body.decode(errors="replace")[:20_000],
        }
        for row in await uow.connection.execute(query)
    ]


async def _choose(uow: UnitOfWork, replay: Replay) -> list[dict[str, Any]]:
    if replay.ids:
        wanted = {str(chosen) for chosen in replay.ids}
        items = []
        for table, column in ((inbox, inbox.c.event_id), (outbox, outbox.c.event_id), (dead_letter, dead_letter.c.id)):
            query = select(column).where(column.in_(replay.ids))
            items += [
                {"id": str(found), "box": table.name} for found in (await uow.connection.execute(query)).scalars()
            ]
        missing = wanted - {item["id"] for item in items}
        if missing:
            raise Invalid("message-unknown", f"No such message here: {', '.join(sorted(missing))}.")
        return items
    assert replay.state is not None
    found = await list_messages(uow, order_id=None, states=[replay.state], message_type=replay.type)
    return [{"id": item["id"], "box": item["box"]} for item in found]


async def _replay_one(
    uow: UnitOfWork, item: dict[str, Any], replay: Replay, reactions: Mapping[type[Message], Reaction]
) -> None:
    again = {"attempts": 0, "last_error": None, "next_attempt_at": func.clock_timestamp()}
    if item["box"] == "outbox":
        # The same id again: whoever recorded it before only acknowledges.
        await uow.connection.execute(
            update(outbox)
            .where(outbox.c.event_id == UUID(item["id"]))
            .values(published_at=None, parked_at=None, **again)
        )
    elif item["box"] == "inbox":
        row = (await uow.connection.execute(select(inbox).where(inbox.c.event_id == UUID(item["id"])))).one()
        if row.state == "done":
            item["outcome"] = "already done"
            return
        envelope = dict(row.envelope)
        if replay.amended is not None:
            envelope["data"] = replay.amended
            _check(orjson.dumps(envelope), reactions)
        await uow.connection.execute(
            update(inbox)
            .where(inbox.c.event_id == row.event_id)
            .values(state="waiting", processed_at=None, envelope=envelope, **again)
        )
    else:
        await _replay_dead_letter(uow, item, replay, reactions)
    await uow.audit(
        actor=replay.actor,
        action="replay",
        subject=f"{item['box']}:{item['id']}",
        details={"amended": replay.amended} if replay.amended is not None else {},
    )


async def _replay_dead_letter(
    uow: UnitOfWork, item: dict[str, Any], replay: Replay, reactions: Mapping[type[Message], Reaction]
) -> None:
    row = (await uow.connection.execute(select(dead_letter).where(dead_letter.c.id == UUID(item["id"])))).one()
    body = orjson.dumps(replay.amended) if replay.amended is not None else bytes(row.body)
    envelope = _check(body, reactions)
    # Straight into the inbox: the poller delivers it, and an id that already took effect stays done.
    recorded = await uow.connection.execute(
        upsert(inbox)
        .values(
            event_id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            subject=envelope.subject,
            sequence=envelope.sequence,
            bucket=bucket_of(envelope.subject),
            state="waiting",
            envelope=envelope.model_dump(mode="json"),
            traceparent=envelope.traceparent,
            occurred_at=envelope.time,
        )
        .on_conflict_do_nothing()
    )
    item["outcome"] = "delivered" if recorded.rowcount else "already received"
    await uow.connection.execute(
        update(dead_letter)
        .where(dead_letter.c.id == row.id)
        .values(state="replayed", settled_at=func.clock_timestamp())
    )


def _check(body: bytes, reactions: Mapping[type[Message], Reaction]) -> Any:
    try:
        envelope, _ = decode(body, reactions)
    except Undecodable as error:
        raise Invalid("message-unreadable", f"It still cannot be read: {error}. Amend it first.") from error
    return envelope
