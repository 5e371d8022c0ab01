"""The price book over HTTP, for administrators: read it and its history, see what another would do, publish or plan it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from system.kernel.errors import Invalid, NotFound, Refused
from system.plumbing.auth import Principal, require
from system.pricing.application import price_books
from system.pricing.application.book_views import change_view, ended_plan_view, plan_view, preview_view, record_view
from system.pricing.application.commands import PlanPriceBook, PreviewPriceBook, ReplacePriceBook, WithdrawPlan
from system.pricing.domain.book_changes import changes_between
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.api import Queries, json_response
from system.pricing.entrypoints.schemas import (
    BookRecordsView,
    ChangesView,
    PlansView,
    PlanView,
    PlanWithdrawal,
    PreviewView,
    PriceBookChange,
    PriceBookPlan,
    PriceBookProposal,
    PriceBookView,
)

router = APIRouter(prefix="/price-book", tags=["pricing"])

Administrator = Annotated[Principal, require("administrator")]
IfMatch = Annotated[str | None, Header(alias="if-match", include_in_schema=False)]
# Named here because it is read by hand: a missing header is 428, not a malformed request.
IF_MATCH: dict[str, Any] = {
    "parameters": [{"in": "header", "name": "If-Match", "required": True, "schema": {"type": "string"}}]
}
VERSION_MAX = 999_999_999
RECORDS_MAX = 100
_ETAG = re.compile(r'^(?:W/)?"(\d{1,9})"$')
_Version = Annotated[int, Query(ge=1, le=VERSION_MAX)]


class PreconditionRequired(Refused):
    """A change of a shared thing must name the version it was made from."""

    status = 428


@router.get("", response_model=PriceBookView)
async def read_price_book(
    queries: Queries,
    who: Administrator,
    version: Annotated[int | None, Query(ge=1, le=VERSION_MAX)] = None,
) -> Response:
    """The book in force, or an earlier version of it."""
    return _book(await book_of(queries, version))


@router.put("", response_model=PriceBookView, openapi_extra=IF_MATCH)
async def write_price_book(
    request: Request, body: PriceBookChange, who: Administrator, if_match: IfMatch = None
) -> Response:
    """Makes the next version of the book from the one whose ETag is sent; every version is kept."""
    command = ReplacePriceBook(
        replaces=_version_of(if_match), data=body.book, made_by=who.name, actor_id=who.subject, reason=body.reason
    )
    return _book(await price_books.replace_price_book(command, request.app.state.make_uow()))


@router.get("/versions", response_model=BookRecordsView)
async def list_price_books(
    queries: Queries,
    who: Administrator,
    before: Annotated[int | None, Query(ge=1, le=VERSION_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=RECORDS_MAX)] = 50,
) -> Response:
    """Who made which version, when and why, and how many quotes were priced by it; the newest first."""
    found = await queries.book_records(before=before, limit=limit + 1)
    shown = found[:limit]
    used = await queries.quotes_by_book(record.version for record in shown)
    following = shown[-1].version if len(found) > limit else None
    return json_response(
        {"items": [record_view(record, quotes=used.get(record.version, 0)) for record in shown], "next": following}
    )


@router.get("/changes", response_model=ChangesView)
async def compare_price_books(
    queries: Queries,
    who: Administrator,
    earlier: Annotated[int, Query(alias="from", ge=1, le=VERSION_MAX)],
    later: Annotated[int, Query(alias="to", ge=1, le=VERSION_MAX)],
) -> Response:
    """What differs between two versions, value by value."""
    found = changes_between(await book_of(queries, earlier), await book_of(queries, later))
    return json_response({"items": [change_view(change) for change in found]})


@router.post("/previews", response_model=PreviewView, openapi_extra=IF_MATCH)
async def preview_price_book(
    queries: Queries, body: PriceBookProposal, who: Administrator, if_match: IfMatch = None
) -> Response:
    """What a book, made from the one whose ETag is sent, would do to open quotes and to the catalogue. Keeps nothing."""
    command = PreviewPriceBook(replaces=_version_of(if_match), data=body.book)
    preview = await price_books.preview_price_book(command, queries, now=datetime.now(UTC))
    return json_response(preview_view(preview), headers={"Cache-Control": "no-store"})


@router.get("/plans", response_model=PlansView)
async def list_price_book_plans(queries: Queries, who: Administrator) -> Response:
    """Books that are planned; and, for a week, those that could not start."""
    # Asked for first: who asks for the book starts what is due.
    await queries.book()
    return json_response({"items": [ended_plan_view(known) for known in await queries.plans()]})


@router.put("/plans/{plan_id}", response_model=PlanView, openapi_extra=IF_MATCH)
async def plan_price_book(
    request: Request, plan_id: UUID, body: PriceBookPlan, who: Administrator, if_match: IfMatch = None
) -> Response:
    """Plans a book, made from the one whose ETag is sent, under an id of the caller's. The same id again is the same plan."""
    command = PlanPriceBook(
        plan_id=plan_id,
        replaces=_version_of(if_match),
        data=body.book,
        reason=body.reason,
        starts_at=body.starts_at,
        made_by=who.name,
        actor_id=who.subject,
    )
    plan = await price_books.plan_price_book(command, request.app.state.make_uow())
    return json_response(plan_view(plan) | {"outcome": None, "told": None})


@router.post("/plans/{plan_id}/withdrawal", status_code=204)
async def withdraw_price_book_plan(
    request: Request, plan_id: UUID, body: PlanWithdrawal, who: Administrator
) -> Response:
    """Takes a planned book back before it starts."""
    command = WithdrawPlan(plan_id=plan_id, reason=body.reason, withdrawn_by=who.name, actor_id=who.subject)
    await price_books.withdraw_plan(command, request.app.state.make_uow())
    return Response(status_code=204)


async def book_of(queries: Any, version: int | None) -> PriceBook:
    """A version, or the one in force. Raises NotFound."""
    book: PriceBook | None = await queries.book(version)
    if book is None:
        raise NotFound("price-book-unknown", f"There is no version {version} of the price book.")
    return book


def _version_of(if_match: str | None) -> int:
    if if_match is None:
        raise PreconditionRequired("if-match-required", "Send If-Match with the ETag of the price book you changed.")
    match = _ETAG.match(if_match.strip())
    if match is None:
        raise Invalid("if-match-invalid", 'If-Match is the ETag of one version, such as "3".')
    return int(match[1])


def _book(book: PriceBook) -> Response:
    return json_response(
        {"version": book.version, "book": book.to_data()},
        headers={"ETag": f'"{book.version}"', "Cache-Control": "no-store"},
    )
