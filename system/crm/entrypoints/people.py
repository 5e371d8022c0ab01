"""For identity alone: what CRM holds of a customer, and taking it out."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter, Request

from system.crm.adapters.people import PeopleQueries
from system.crm.application.people import erase_person
from system.plumbing.auth import require
from system.plumbing.erasure import Erased, Reach

router = APIRouter(prefix="/internal/people", dependencies=[require("service:identity")])


@router.get("/{person}/data")
async def data_of_person(request: Request, person: UUID) -> dict[str, Any]:
    """The person's letters, and what sellers wrote down about them."""
    return await cast(PeopleQueries, request.app.state.people).own_data(person)


@router.post("/{person}/erasure")
async def erase(request: Request, person: UUID, reach: Reach | None = None) -> Erased:
    """Takes the person out of their orders and of what was written about them. Repeatable."""
    return await erase_person(person, reach or Reach(), request.app.state.make_uow)
