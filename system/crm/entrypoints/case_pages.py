"""Pages of returns and complaints: those that wait for us, what stands above the queue, and a seller's word on the order's page."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import PlainTextResponse

from system.crm.adapters.cases import Which
from system.crm.application.cases import decide_case
from system.crm.application.commands import DecideCase
from system.crm.domain.case import CaseState
from system.crm.entrypoints.api import Cases, Staff, seller_of
from system.crm.entrypoints.pages import BASE, ORDER, PAGE_ROWS, AtOrder, PageCursor, Shown, Visit, arrive
from system.pagekit.pages import is_piece
from system.plumbing.auth import Principal

ANSWER_CHARACTERS_MAX = 2000
TABS: tuple[Which, ...] = ("open", "answered", "accepted", "refused", "closed")
CASE = f"{ORDER}/cases/{{case_id}}"
Answer = Annotated[str, Form(max_length=ANSWER_CHARACTERS_MAX)]
Seen = Annotated[int | None, Form(ge=0)]

router = APIRouter(prefix=BASE, dependencies=[Depends(arrive)])


@router.get("/cases")
async def cases_page(
    request: Request, who: Staff, cases: Cases, pages: Shown, state: Which = "open", cursor: PageCursor = None
) -> Response:
    """Returns and complaints in a state; asked by htmx: the list or its next rows only."""
    found = await cases.listed(state, cursor=cursor, limit=PAGE_ROWS)
    more = f"{BASE}/cases?{urlencode({'state': state, 'cursor': found['next']})}" if found["next"] else None
    template = "cases.html"
    if is_piece(request):
        template = "case_rows.html" if cursor else "case_list.html"
    return pages.render(request, template, who=who, cases=found["items"], more=more, state=state, tabs=TABS)


@router.get("/cases/waiting")
async def waiting_piece(request: Request, who: Staff, cases: Cases, pages: Shown) -> Response:
    """What stands above the queue, for a page that heard of a change."""
    return pages.render(request, "cases_waiting.html", who=who, waiting=await cases.waiting())


@router.get("/cases/count")
async def waiting_count(who: Staff, cases: Cases) -> Response:
    """The number in the header, for a page that heard of a change."""
    return PlainTextResponse(str(await cases.count()), headers={"Cache-Control": "no-store"})


@router.post(f"{CASE}/acceptance")
async def acceptance_form(
    visit: AtOrder, who: Staff, case_id: UUID, text: Answer = "", seen_version: Seen = None
) -> Response:
    """Accepts it."""
    return await _decide(visit, who, case_id, CaseState.ACCEPTED, text, seen_version)


@router.post(f"{CASE}/refusal")
async def refusal_form(
    visit: AtOrder, who: Staff, case_id: UUID, text: Answer = "", seen_version: Seen = None
) -> Response:
    """Refuses it, and says why."""
    return await _decide(visit, who, case_id, CaseState.REFUSED, text, seen_version)


@router.post(f"{CASE}/question")
async def question_form(
    visit: AtOrder, who: Staff, case_id: UUID, text: Answer = "", seen_version: Seen = None
) -> Response:
    """Asks the customer."""
    return await _decide(visit, who, case_id, CaseState.ANSWERED, text, seen_version)


@router.post(f"{CASE}/closure")
async def closure_form(
    visit: AtOrder, who: Staff, case_id: UUID, text: Answer = "", seen_version: Seen = None
) -> Response:
    """Nothing more is to be done about it."""
    return await _decide(visit, who, case_id, CaseState.CLOSED, text, seen_version)


async def _decide(
    visit: Visit, who: Principal, case_id: UUID, state: CaseState, text: str, seen_version: int | None
) -> Response:
    command = DecideCase(visit.order_id, case_id, seller_of(who), state, text.strip(), seen_version=seen_version)
    return await visit.does(who, lambda: decide_case(command, visit.uow, terms=visit.cases.terms))
