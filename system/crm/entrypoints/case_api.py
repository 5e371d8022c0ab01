"""CRM over HTTP: returns and complaints, and the sellers' word on them."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from system.crm.adapters.cases import Which
from system.crm.application.cases import decide_case
from system.crm.application.commands import DecideCase
from system.crm.domain.case import CaseState
from system.crm.entrypoints import case_schemas
from system.crm.entrypoints.api import Cases, Key, Limit, PageCursor, Staff, Uow, seller_of
from system.plumbing.auth import Principal
from system.plumbing.web import to_response

router = APIRouter()
CASE = "/orders/{order_id}/cases/{case_id}"


@router.get("/cases", response_model=case_schemas.CasePage)
async def list_cases(
    who: Staff, cases: Cases, state: CaseState = CaseState.OPEN, cursor: PageCursor = None, limit: Limit = 50
) -> Response:
    """Returns and complaints in a state. Those that wait for us: the nearest deadline first; others: the newest change first."""
    return _json(await cases.listed(cast(Which, str(state)), cursor=cursor, limit=limit))


@router.post(f"{CASE}/acceptance", response_model=case_schemas.CaseView)
async def acceptance(
    who: Staff, uow: Uow, key: Key, cases: Cases, order_id: UUID, case_id: UUID, body: case_schemas.AnswerBody
) -> Response:
    """Accepts it. The customer reads where a return goes to, and what you write; of a complaint, what happens next."""
    return await _decide(CaseState.ACCEPTED, who, uow, key, cases, order_id, case_id, body)


@router.post(f"{CASE}/refusal", response_model=case_schemas.CaseView)
async def refusal(
    who: Staff, uow: Uow, key: Key, cases: Cases, order_id: UUID, case_id: UUID, body: case_schemas.AnswerBody
) -> Response:
    """Refuses it; the customer reads why."""
    return await _decide(CaseState.REFUSED, who, uow, key, cases, order_id, case_id, body)


@router.post(f"{CASE}/question", response_model=case_schemas.CaseView)
async def case_question(
    who: Staff, uow: Uow, key: Key, cases: Cases, order_id: UUID, case_id: UUID, body: case_schemas.AnswerBody
) -> Response:
    """Asks the customer, who answers by a letter: then it waits for us again."""
    return await _decide(CaseState.ANSWERED, who, uow, key, cases, order_id, case_id, body)


@router.post(f"{CASE}/closure", response_model=case_schemas.CaseView)
async def case_closure(
    who: Staff, uow: Uow, key: Key, cases: Cases, order_id: UUID, case_id: UUID, body: case_schemas.AnswerBody
) -> Response:
    """Nothing more is to be done about it."""
    return await _decide(CaseState.CLOSED, who, uow, key, cases, order_id, case_id, body)


async def _decide(
    state: CaseState,
    who: Principal,
    uow: Uow,
    key: Key,
    cases: Cases,
    order_id: UUID,
    case_id: UUID,
    body: case_schemas.AnswerBody,
) -> Response:
    command = DecideCase(order_id, case_id, seller_of(who), state, body.text, key, body.seen_version)
    return to_response(await decide_case(command, uow, terms=cases.terms))


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
