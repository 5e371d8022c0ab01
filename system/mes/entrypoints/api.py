"""MES over HTTP: the board, the work of operators, the pay ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from system.kernel.errors import Forbidden
from system.mes.adapters.queries import ITEMS_MAX, BoardFilter, MesQueries
from system.mes.application import handlers
from system.mes.application.commands import (
    AssignWorkOrder,
    ClaimWorkOrder,
    CompleteWorkOrder,
    HandOverWorkOrder,
    ReportProgress,
    ReturnWorkOrder,
    ShipWorkOrder,
    StartPacking,
    StartRework,
    UndoCompletion,
)
from system.mes.application.ports import MesUnitOfWork
from system.mes.domain.rules import Terms
from system.mes.domain.work_order import Operator, Parcel
from system.mes.entrypoints import schemas
from system.mes.settings import MesSettings
from system.plumbing.auth import Principal, require
from system.plumbing.sparing import Seldom
from system.plumbing.unit_of_work import IdempotencyKey
from system.plumbing.web import idempotency_key, to_response

MEETING_EVERY_S = 300.0

router = APIRouter()
internal = APIRouter(prefix="/internal")


def _queries(request: Request) -> MesQueries:
    return cast(MesQueries, request.app.state.queries)


def _uow(request: Request) -> MesUnitOfWork:
    return cast(MesUnitOfWork, request.app.state.make_uow())


def _terms(request: Request) -> Terms:
    return cast(MesSettings, request.app.state.settings).terms


async def optional_key(
    request: Request,
    idempotency_key_header: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", min_length=1, max_length=255, description="Makes a repeat answer as the first did."
        ),
    ] = None,
) -> IdempotencyKey | None:
    """The caller's key when one was sent; the work order's state guards without it."""
    return await idempotency_key(request, idempotency_key_header) if idempotency_key_header else None


Reader = Annotated[Principal, require("operator", "seller", "administrator")]
AnOperator = Annotated[Principal, require("operator")]
Assigner = Annotated[Principal, require("seller", "administrator")]
Queries = Annotated[MesQueries, Depends(_queries)]
Uow = Annotated[MesUnitOfWork, Depends(_uow)]
Agreed = Annotated[Terms, Depends(_terms)]
Key = Annotated[IdempotencyKey | None, Depends(optional_key)]
Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX)]


@router.get("/work-orders", response_model=schemas.Board)
async def board(
    request: Request,
    who: Reader,
    queries: Queries,
    status: schemas.WorkableState = "RELEASED",
    material: Annotated[str | None, Query(max_length=60)] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    escalated: bool | None = None,
    mine: bool = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Limit = 50,
) -> Response:
    """Work orders that can be worked on, newest approved first. `mine` shows what the caller holds, in any state of work."""
    await meet(request, who)
    wanted = BoardFilter(
        state=status,
        material=material,
        channel=channel,
        escalated=escalated,
        held_by=who.subject if mine else None,
    )
    return _json(await queries.board(wanted, cursor=cursor, limit=limit))


@router.get("/work-orders/counts", response_model=schemas.Counts)
async def counts(who: Reader, queries: Queries) -> Response:
    """How many work orders wait in each workable state."""
    return _json(await queries.counts())


@router.get("/work-orders/{work_order_id}", response_model=schemas.WorkOrderDetails)
async def work_order(who: Reader, queries: Queries, work_order_id: UUID) -> Response:
    """One work order with its history."""
    return _json(await queries.work_order(work_order_id))


@router.post("/work-orders/{work_order_id}/claim", response_model=schemas.WorkOrderView)
async def claim(who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID) -> Response:
    """Takes the work order. Everyone after the first gets 409 with who was first, and when."""
    command = ClaimWorkOrder(work_order_id, operator_of(who), key)
    return to_response(await handlers.claim_work_order(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/assignment", response_model=schemas.WorkOrderView)
async def assignment(
    who: Assigner, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.Assignment
) -> Response:
    """Gives an escalated work order to an operator."""
    command = AssignWorkOrder(work_order_id, body.operator_id, body.operator_name, operator_of(who), key)
    return to_response(await handlers.assign_work_order(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/handover", response_model=schemas.WorkOrderView)
async def handover(
    who: Assigner, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.Assignment
) -> Response:
    """Gives claimed work to another operator: the first one's pay is reversed, the other is paid."""
    command = HandOverWorkOrder(work_order_id, body.operator_id, body.operator_name, operator_of(who), key)
    return to_response(await handlers.hand_over_work_order(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/return", response_model=schemas.WorkOrderView)
async def give_back(
    who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.WithReason
) -> Response:
    """Puts the work order back on the board and reverses its pay."""
    command = ReturnWorkOrder(work_order_id, operator_of(who), body.reason, key)
    return to_response(await handlers.return_work_order(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/progress", response_model=schemas.WorkOrderView)
async def progress(who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID) -> Response:
    """The piece is still being made: its claim lapses later."""
    command = ReportProgress(work_order_id, operator_of(who), key)
    return to_response(await handlers.report_progress(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/completion", response_model=schemas.WorkOrderView)
async def completion(
    who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.Completion | None = None
) -> Response:
    """The piece is made; its weight may come along."""
    weighed = body or schemas.Completion()
    command = CompleteWorkOrder(work_order_id, operator_of(who), weighed.finished_g, weighed.confirmed, key)
    return to_response(await handlers.complete_work_order(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/undo", response_model=schemas.WorkOrderView)
async def undo(who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID) -> Response:
    """The piece is not made after all: a completion by mistake, soon noticed."""
    command = UndoCompletion(work_order_id, operator_of(who), key)
    return to_response(await handlers.undo_completion(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/rework", response_model=schemas.WorkOrderView)
async def rework(
    who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.WithReason
) -> Response:
    """Takes a made or packed piece back to the bench."""
    command = StartRework(work_order_id, operator_of(who), body.reason, key)
    return to_response(await handlers.start_rework(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/packing", response_model=schemas.WorkOrderView)
async def packing(who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID) -> Response:
    """Begins to pack."""
    command = StartPacking(work_order_id, operator_of(who), key)
    return to_response(await handlers.start_packing(command, uow, terms=terms))


@router.post("/work-orders/{work_order_id}/shipment", response_model=schemas.WorkOrderView)
async def shipment(
    who: AnOperator, uow: Uow, key: Key, terms: Agreed, work_order_id: UUID, body: schemas.Shipping
) -> Response:
    """Hands the parcel to the carrier."""
    command = ShipWorkOrder(work_order_id, operator_of(who), Parcel(body.carrier, body.tracking_number), key)
    return to_response(await handlers.ship_work_order(command, uow, terms=terms))


@router.get("/pay", response_model=schemas.Pay)
async def pay(
    who: Annotated[Principal, require("operator", "administrator")],
    queries: Queries,
    operator_id: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Limit = 50,
) -> Response:
    """The caller's own earnings; an administrator may name another operator."""
    if operator_id is not None and operator_id != who.subject and not who.has("administrator"):
        raise Forbidden("pay-of-another", "You may see your own pay only; ask an administrator for another's.")
    return _json(await queries.pay(operator_id or who.subject, cursor=cursor, limit=limit))


@router.get("/operators", response_model=schemas.Operators)
async def operators(who: Assigner, queries: Queries) -> Response:
    """The operators work can be assigned to."""
    return _json(await queries.operators())


@internal.get("/reconciliation")
async def reconciliation(
    who: Annotated[Principal, require("service:orchestrator")], queries: Queries, since: datetime | None = None
) -> Response:
    """What MES believes of every order that changed since then."""
    return _json(await queries.beliefs(since))


def operator_of(who: Principal) -> Operator:
    """The caller as the domain knows operators."""
    return Operator(who.subject, who.name or who.email)


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


async def meet(request: Request, who: Principal) -> None:
    """Remembers an operator who reads the board; at most one write per operator and MEETING_EVERY_S in this process."""
    met: Seldom = request.app.state.met
    if who.has("operator") and met.is_due(who.subject):
        await handlers.meet_operator(operator_of(who), _uow(request))
