"""For identity alone: what the shop holds of a person, and taking it out."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from system.plumbing.auth import require
from system.plumbing.erasure import Erased
from system.shop.adapters.people import PeopleQueries
from system.shop.application.people import erase_person, own_data

router = APIRouter(prefix="/internal/people", dependencies=[require("service:identity")])


def _people(request: Request) -> PeopleQueries:
    return cast(PeopleQueries, request.app.state.people)


People = Annotated[PeopleQueries, Depends(_people)]


@router.get("/{person}/open-orders")
async def open_orders(person: UUID, people: People) -> dict[str, list[str]]:
    """The numbers of the person's orders that are still on their way."""
    return {"numbers": await people.open_orders(person)}


@router.get("/{person}/data")
async def data_of_person(person: UUID, people: People) -> dict[str, Any]:
    """Everything the shop knows of the person."""
    return own_data(await people.orders(person))


@router.post("/{person}/erasure")
async def erase(request: Request, person: UUID) -> Erased:
    """Takes the person out of their orders. Repeatable. 409 `orders-open`."""
    return await erase_person(person, request.app.state.make_uow)
