"""HTTP: support's views for sellers and administrators, and the commands of shop and CRM under /internal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from system.kernel.errors import Invalid
from system.orchestrator.adapters.peers import HttpPeers
from system.orchestrator.adapters.queries import OrderQueries
from system.orchestrator.application import handlers, reconciliation, repairs, replays, timeline
from system.orchestrator.application.commands import CancelOrder, CloseOrder, ResendStep
from system.orchestrator.application.desk import Desk
from system.orchestrator.application.replays import ReplayMessages
from system.orchestrator.domain.budgets import Attention
from system.orchestrator.domain.errors import OrderUnknown
from system.orchestrator.domain.status import Status
from system.orchestrator.entrypoints import schemas
from system.orchestrator.settings import OrchestratorSettings
from system.plumbing.auth import Principal, require
from system.plumbing.telemetry import trace_id_of
from system.plumbing.web import Cursor, to_response

Staff = Annotated[Principal, require("seller", "administrator")]
Administrator = Annotated[Principal, require("administrator")]
Caller = Annotated[Principal, require("service:shop", "service:crm")]
Asking = Annotated[Principal, require("service:shop", "service:crm", "service:observability")]
Seller = Annotated[Principal, require("service:crm")]
Reader = Annotated[Principal, require("service:crm", "service:observability")]
Observer = Annotated[Principal, require("service:observability")]
PAGE_KEYS = 2


class Desks:
    """What the endpoints need of this process, kept by `main.py` on the application's state."""

    def __init__(self, *, desk: Desk, queries: OrderQueries, peers: HttpPeers, settings: OrchestratorSettings) -> None:
        self.desk = desk
        self.queries = queries
        self.peers = peers
        self.settings = settings


def routes() -> list[APIRouter]:
    """The public and the internal routes."""
    return [_orders(), _operations(), _internal()]


def _of(request: Request) -> Desks:
    desks: Desks = request.app.state.desks
    return desks


def _orders() -> APIRouter:
    router = APIRouter(tags=["orders"])

    @router.get("/orders")
    async def list_orders(
        request: Request,
        who: Staff,
        attention: Literal["stuck", "at_risk"] | None = None,
        status: Status | None = None,
        query: Annotated[
            str | None, Query(max_length=200, description="number, id, e-mail or partner reference")
        ] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> schemas.OrderPage:
        """Orders that need attention, orders in a status, or orders found by what a customer says."""
        queries, after = _of(request).queries, _after(cursor)
        if query is not None:
            return _page(await queries.search(query, limit=limit), limit=0, keys=())
        if attention is not None:
            kind = Attention(attention)
            found = await queries.needing_attention(kind, after=after, limit=limit)
            moment = "budget_until" if kind is Attention.STUCK else "promise_at"
            return _page(found, limit=limit, keys=(moment, "status_since"))
        if status is not None:
            return _page(await queries.by_status(status, after=after, limit=limit), limit=limit, keys=("status_since",))
        return _page(await queries.newest(after=after, limit=limit), limit=limit, keys=("changed_at",))

    @router.get("/orders/{order}")
    async def get_order(request: Request, who: Staff, order: str) -> schemas.OrderDetails:
        """One order, by id or number."""
        return schemas.OrderDetails.model_validate(await _details(request, order))

    @router.get("/orders/{order}/timeline")
    async def get_timeline(request: Request, who: Staff, order: str) -> schemas.Timeline:
        """Everything that happened to the order in every service, and what to do when it is stuck."""
        return await timeline_of(_of(request), order)

    @router.post("/orders/{order}/resend")
    async def resend_step(request: Request, who: Administrator, order: str) -> schemas.CommandResult:
        """Sends the waiting commands of a stuck order once more."""
        found = await _details(request, order)
        command = ResendStep(found["order_id"], who.name or who.email)
        answer = await handlers.resend_step(command, request.app.state.make_uow(), _of(request).desk)
        return schemas.CommandResult.model_validate(answer.body)

    return router


def _operations() -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/reconciliation")
    async def get_reconciliation(
        request: Request, who: Administrator, since: datetime | None = None
    ) -> schemas.ReconciliationReport:
        """What the services disagree about, and messages without an effect."""
        report = await reconcile(_of(request), since)
        return schemas.ReconciliationReport.model_validate(report, from_attributes=True)

    @router.get("/messages")
    async def get_messages(
        request: Request,
        who: Administrator,
        state: Annotated[list[Literal["parked", "dead", "retry", "held", "refused", "waiting"]], Query()],
        type: str | None = None,
    ) -> schemas.MessagePage:
        """Messages of every service in these states."""
        items, silent = await replays.list_attention(_of(request).peers, list(state), message_type=type)
        return schemas.MessagePage(items=items, not_answering=silent)

    @router.post("/replays")
    async def post_replay(request: Request, who: Administrator, body: schemas.ReplayRequest) -> schemas.ReplayResult:
        """Has messages delivered again, with the same ids; audited."""
        command = ReplayMessages(
            actor=who.name or who.email,
            service=body.service,
            ids=tuple(body.ids),
            type=body.type,
            state=body.state,
            dry_run=body.dry_run,
            amended_body=body.amended_body,
            principal=who,
        )
        result = await replays.replay_messages(command, request.app.state.make_uow, _of(request).peers)
        return schemas.ReplayResult.model_validate(result)

    return router


def _internal() -> APIRouter:
    router = APIRouter(prefix="/internal")

    @router.get("/orders/{order}")
    async def get_internal_order(request: Request, who: Asking, order: str) -> schemas.OrderDetails:
        return schemas.OrderDetails.model_validate(await _details(request, order))

    @router.post("/orders/{order_id}/cancellation")
    async def cancel(request: Request, who: Caller, order_id: UUID, body: schemas.CancellationRequest) -> Response:
        command = CancelOrder(order_id, body.actor, body.actor_kind, body.reason)
        return to_response(await handlers.cancel_order(command, request.app.state.make_uow(), _of(request).desk))

    @router.post("/orders/{order_id}/closure")
    async def close(request: Request, who: Seller, order_id: UUID, body: schemas.ClosureRequest) -> Response:
        command = CloseOrder(order_id, body.actor, body.reason)
        return to_response(await handlers.close_order(command, request.app.state.make_uow(), _of(request).desk))

    @router.get("/orders/{order}/timeline")
    async def get_internal_timeline(request: Request, who: Reader, order: str) -> schemas.Timeline:
        return await timeline_of(_of(request), order)

    @router.get("/stages")
    async def get_stages(request: Request, who: Observer, since: datetime, until: datetime) -> schemas.StageTimes:
        return schemas.StageTimes(stages=await _of(request).queries.stage_times(since, until))

    @router.post("/orders/{order_id}/repair")
    async def repair(
        request: Request, who: Seller, order_id: UUID, body: schemas.RepairRequest
    ) -> schemas.RepairResult:
        desks = _of(request)
        command = repairs.RepairOrder(order_id, body.actor, who)
        done = await repairs.repair_order(command, request.app.state.make_uow, desks.peers, desks.desk)
        return schemas.RepairResult.model_validate(done)

    return router


async def timeline_of(desks: Desks, key: str) -> schemas.Timeline:
    """The timeline of the order with this id or number. Raises OrderUnknown."""
    order = await desks.queries.one(key)
    if order is None:
        raise OrderUnknown(key)
    history, notes = await desks.queries.story(order["order_id"])
    order_id = str(order["order_id"])
    (entries, silent), (setbacks, without) = await asyncio.gather(
        timeline.message_entries(desks.peers, order_id), timeline.setback_entries(desks.peers, order_id)
    )
    silent = without | silent
    entries += setbacks
    entries += [_status_entry(row) for row in history] + [_note_entry(row) for row in notes]
    return schemas.Timeline.model_validate(
        {
            "order": order,
            "entries": timeline.in_order(entries),
            "stuck": order["stuck"],
            "not_answering": silent,
        },
        from_attributes=True,
    )


async def reconcile(desks: Desks, since: datetime | None) -> reconciliation.Report:
    """The reconciliation report since then, or over the configured window."""
    start = since or datetime.now(UTC) - timedelta(seconds=desks.settings.reconciliation_window_s)
    if start.tzinfo is None:
        raise Invalid("since-without-zone", "Give `since` with its time zone, as in 2026-01-31T00:00:00Z.")
    return await reconciliation.reconcile(
        desks.queries, desks.peers, since=start, grace_s=desks.settings.reconciliation_grace_s
    )


def _status_entry(row: Any) -> timeline.Entry:
    details = {"from": row.from_status, "to": row.to_status, "actor": row.actor, "reason": row.reason, "seq": row.seq}
    title = f"{row.to_status} by {row.actor}" + (f": {row.reason}" if row.reason else "")
    return timeline.Entry(row.at, "orchestrator", "status", title, details)


def _note_entry(row: Any) -> timeline.Entry:
    kind: timeline.Kind = {"replayed": "replay", "resent": "retry"}.get(row.kind, "note")  # type: ignore[assignment]
    details = {"note": row.kind, **row.details}
    return timeline.Entry(row.at, "orchestrator", kind, row.title, details, trace_id_of(row.traceparent))


async def _details(request: Request, key: str) -> dict[str, Any]:
    order = await _of(request).queries.one(key)
    if order is None:
        raise OrderUnknown(key)
    return order


def _after(cursor: str | None) -> list[Any] | None:
    keys = Cursor.decode(cursor, keys=PAGE_KEYS)
    if keys is None:
        return None
    try:
        return [datetime.fromisoformat(keys[0]).isoformat(), str(UUID(keys[1]))]
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error


def _page(found: list[dict[str, Any]], *, limit: int, keys: tuple[str, ...]) -> schemas.OrderPage:
    """A page; its cursor is the first of `keys` that the last row has, and the row's id. `limit` 0: there is no next page."""
    following = None
    if limit and len(found) == limit:
        last = found[-1]
        moment = next(last[key] for key in keys if last[key] is not None)
        following = Cursor.encode(moment.isoformat(), str(last["order_id"]))
    return schemas.OrderPage(items=[schemas.OrderSummary.model_validate(item) for item in found], next=following)
