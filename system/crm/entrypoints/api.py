"""CRM over HTTP: the approval queue, the search, the sellers' decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from system.crm.adapters.care_queries import CareQueries
from system.crm.adapters.cases import CaseQueries
from system.crm.adapters.queries import ITEMS_MAX, CrmQueries
from system.crm.application import handlers
from system.crm.application.commands import (
    ApproveOrder,
    AskCustomer,
    CancelOrder,
    CloseOrder,
    ReceiveLetter,
    RejectOrder,
    RepairOrder,
)
from system.crm.application.ports import CrmUnitOfWork, CustomerMail, Orchestrator
from system.crm.domain.letter import Letter, Side
from system.crm.domain.sales_order import Seller
from system.crm.entrypoints import schemas
from system.crm.entrypoints.story import Story, as_view, story_of
from system.crm.settings import CrmSettings
from system.kernel.errors import Invalid, NotFound, Unavailable
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.auth import Principal, require
from system.plumbing.unit_of_work import IdempotencyKey
from system.plumbing.web import idempotency_key, to_response

router = APIRouter()
internal = APIRouter(prefix="/internal")


def _queries(request: Request) -> CrmQueries:
    return cast(CrmQueries, request.app.state.queries)


def _cases(request: Request) -> CaseQueries:
    return cast(CaseQueries, request.app.state.cases)


def _care(request: Request) -> CareQueries:
    return cast(CareQueries, request.app.state.care)


def _uow(request: Request) -> CrmUnitOfWork:
    return cast(CrmUnitOfWork, request.app.state.make_uow())


def _shop(request: Request) -> CustomerMail:
    return cast(CustomerMail, request.app.state.shop)


def _orchestrator(request: Request) -> Orchestrator:
    return cast(Orchestrator, request.app.state.orchestrator)


def _at_risk_margin_s(request: Request) -> int:
    return cast(CrmSettings, request.app.state.settings).at_risk_margin_s


async def seen_version(
    if_match: Annotated[
        str | None, Header(max_length=40, description="The ETag you read; refuses a decision on an older view.")
    ] = None,
) -> int | None:
    """The version the seller looked at. Raises Invalid when the header is not one of our ETags."""
    if if_match is None or if_match == "*":
        return None
    text = if_match.removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("etag-invalid", "If-Match takes the ETag of the order as you read it.")
    return int(text)


Staff = Annotated[Principal, require("seller", "administrator")]
Shop = Annotated[Principal, require("service:shop")]
Queries = Annotated[CrmQueries, Depends(_queries)]
Care = Annotated[CareQueries, Depends(_care)]
Cases = Annotated[CaseQueries, Depends(_cases)]
Uow = Annotated[CrmUnitOfWork, Depends(_uow)]
TheShop = Annotated[CustomerMail, Depends(_shop)]
TheOrchestrator = Annotated[Orchestrator, Depends(_orchestrator)]
Key = Annotated[IdempotencyKey, Depends(idempotency_key)]
Margin = Annotated[int, Depends(_at_risk_margin_s)]
SeenVersion = Annotated[int | None, Depends(seen_version)]
Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX)]
PageCursor = Annotated[str | None, Query(max_length=500)]


@router.get("/approvals", response_model=schemas.OrderPage)
async def approvals(
    who: Staff,
    queries: Queries,
    margin_s: Margin,
    at_risk: bool = False,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> Response:
    """Orders that wait for a seller's decision, the most urgent first."""
    return _json(await queries.approvals(due_within_s=margin_s if at_risk else None, cursor=cursor, limit=limit))


@router.get("/orders", response_model=schemas.OrderPage)
async def orders(
    who: Staff,
    queries: Queries,
    query: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="number, e-mail, phone, reference, parcel, or words of it"),
    ] = None,
    status: OrderStatus | None = None,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> Response:
    """Orders, the newest first: all, those in a status, or those that a customer's words name."""
    words = query.strip() if query else None
    return _json(await queries.orders(query=words or None, status=status, cursor=cursor, limit=limit))


@router.get("/orders/{order_id}", response_model=schemas.OrderDetails)
async def order(who: Staff, queries: Queries, cases: Cases, order_id: UUID) -> Response:
    """One order. Its ETag is its version; send it as If-Match with a decision."""
    found = await whole_order(queries, cases, order_id)
    return _json(found, headers={"ETag": f'"{found["version"]}"'})


@router.get("/orders/{order_id}/story", response_model=schemas.StoryView)
async def order_story(
    who: Staff,
    queries: Queries,
    cases: Cases,
    kept: Care,
    orchestrator: TheOrchestrator,
    shop: TheShop,
    order_id: UUID,
) -> Response:
    """What happened to the order in every service and what sellers noted, and what to do when it hangs. A service that does not
    answer is named."""
    order = await whole_order(queries, cases, order_id)
    story, _ = await hear_story(order, orchestrator, shop, who=who, notes=await noted_of(order, kept))
    return _json(as_view(story))


@router.post("/orders/{order_id}/approval", response_model=schemas.DecidedOrder)
async def approval(who: Staff, uow: Uow, key: Key, margin_s: Margin, seen: SeenVersion, order_id: UUID) -> Response:
    """Confirms the order for production. The first decision counts; later ones get 409 with who decided what, and when."""
    command = ApproveOrder(order_id, seller_of(who), key, seen)
    return to_response(await handlers.approve_order(command, uow, at_risk_margin_s=margin_s))


@router.post("/orders/{order_id}/rejection", response_model=schemas.DecidedOrder)
async def rejection(
    who: Staff, uow: Uow, key: Key, margin_s: Margin, seen: SeenVersion, order_id: UUID, body: schemas.WithReason
) -> Response:
    """Refuses the order; the customer reads the reason."""
    command = RejectOrder(order_id, seller_of(who), body.reason, key, seen)
    return to_response(await handlers.reject_order(command, uow, at_risk_margin_s=margin_s))


@router.post("/orders/{order_id}/closure", response_model=schemas.EndedOrder)
async def closure(
    who: Staff, uow: Uow, key: Key, orchestrator: TheOrchestrator, order_id: UUID, body: schemas.WithReason
) -> Response:
    """Closes a shipped order by hand. The orchestrator decides; 409 names what its status allows."""
    return to_response(await handlers.close_order(CloseOrder(order_id, who, body.reason, key), uow, orchestrator))


@router.post(
    "/orders/{order_id}/cancellation",
    response_model=schemas.EndedOrder,
    responses={202: {"model": schemas.EndedOrder, "description": "MES is asked for the work orders first"}},
)
async def cancellation(
    who: Staff, uow: Uow, key: Key, orchestrator: TheOrchestrator, order_id: UUID, body: schemas.WithReason
) -> Response:
    """Cancels the order, until it is shipped."""
    return to_response(await handlers.cancel_order(CancelOrder(order_id, who, body.reason, key), uow, orchestrator))


@router.post("/orders/{order_id}/repair", response_model=schemas.RepairedOrder)
async def repair(who: Staff, uow: Uow, key: Key, orchestrator: TheOrchestrator, order_id: UUID) -> Response:
    """Tries a hanging order again: parked messages are delivered once more, or else the silent service is asked once more."""
    return to_response(await handlers.repair_order(RepairOrder(order_id, who, key), uow, orchestrator))


@router.post("/orders/{order_id}/questions", status_code=201, response_model=schemas.LetterView)
async def question(who: Staff, uow: Uow, key: Key, order_id: UUID, body: schemas.QuestionBody) -> Response:
    """Asks the customer for a change or an answer. The order waits for them from now on, and the queue says so."""
    return to_response(await handlers.ask_customer(AskCustomer(order_id, seller_of(who), body.text, key), uow))


@internal.get("/orders/{order_id}/letters")
async def letters(who: Shop, queries: Queries, cases: Cases, order_id: UUID) -> Response:
    """What customer and sellers wrote to each other, the oldest first, with the customer's returns and complaints."""
    return _json({"items": await queries.letters(order_id)} | await cases.of_customer(order_id, now=datetime.now(UTC)))


@internal.post("/orders/{order_id}/letters", status_code=201)
async def letter(who: Shop, uow: Uow, cases: Cases, order_id: UUID, body: schemas.LetterBody) -> Response:
    """A customer's letter; with a `kind` it opens a return or a complaint."""
    written = Letter(body.letter_id, order_id, Side.CUSTOMER, body.author, body.text, body.at)
    return to_response(await handlers.receive_letter(ReceiveLetter(written, body.wish()), uow, terms=cases.terms))


@internal.get("/reconciliation")
async def reconciliation(
    who: Annotated[Principal, require("service:orchestrator")], queries: Queries, since: datetime | None = None
) -> Response:
    """What CRM believes of every order that changed since then."""
    return _json(await queries.beliefs(since))


async def whole_order(queries: CrmQueries, cases: CaseQueries, order_id: UUID) -> dict[str, Any]:
    """One order with its returns and complaints. Raises OrderNotFound."""
    return await queries.order(order_id) | {"cases": await cases.shown(order_id)}


async def noted_of(order: dict[str, Any], kept: CareQueries) -> list[dict[str, Any]]:
    """What sellers noted about the order and about its customer."""
    customer = order["customer"]
    return await kept.notes_of_story(UUID(order["order_id"]), UUID(customer["id"]) if customer else None)


async def hear_story(
    order: dict[str, Any],
    orchestrator: Orchestrator,
    shop: CustomerMail | None,
    *,
    who: Principal,
    notes: Sequence[dict[str, Any]] = (),
) -> tuple[Story, dict[str, Any] | None]:
    """The story of an order, and the orchestrator's telling of it: None, and the story says so, when that could not be had.

    Without a `shop` the letters by e-mail are left out: whoever looks at the road alone has no use for them.
    """
    try:
        told = await orchestrator.timeline(UUID(order["order_id"]), who=who)
    except (Unavailable, NotFound):
        # It knows more than CRM, and less when its own word of this order has not come yet.
        told = None
    try:
        notices = await shop.notices(UUID(order["order_id"]), who=who) if shop is not None else []
    except Unavailable:
        notices = None
    return story_of(order, told, notices, now=datetime.now(UTC), notes=notes), told


def seller_of(who: Principal) -> Seller:
    """The signed-in person as a seller."""
    return Seller(who.subject, who.name or who.email)


def _json(body: dict[str, Any], *, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)
