"""For the shop: the prices that a person asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from system.kernel.errors import Invalid
from system.plumbing.auth import require
from system.plumbing.web import Cursor
from system.pricing.adapters.people import PeopleQueries
from system.pricing.application.views import quote_view
from system.pricing.domain.quote import Quote, QuoteKind

NOT_IN_A_LIST = ("breakdown", "mesh")

router = APIRouter(prefix="/internal/people")


def _people(request: Request) -> PeopleQueries:
    return cast(PeopleQueries, request.app.state.people)


People = Annotated[PeopleQueries, Depends(_people)]


@router.get("/{person}/quotes", dependencies=[require("service:shop")])
async def quotes_of_person(
    person: UUID,
    people: People,
    kind: QuoteKind | None = None,
    after: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    """The person's quotes, the newest first, without breakdown and measure; `next` leads on."""
    found = await people.own_quotes(person, kind=kind, before=_place(after), limit=limit + 1)
    shown = found[:limit]
    following = Cursor.encode(shown[-1].created_at.isoformat(), shown[-1].quote_id) if len(found) > limit else None
    body = {"items": [_row(each) for each in shown], "next": following}
    return Response(orjson.dumps(body), media_type="application/json")


def _row(quote: Quote) -> dict[str, Any]:
    return {name: value for name, value in quote_view(quote).items() if name not in NOT_IN_A_LIST}


def _place(cursor: str | None) -> tuple[datetime, UUID] | None:
    keys = Cursor.decode(cursor, keys=2)
    try:
        return (datetime.fromisoformat(keys[0]), UUID(keys[1])) if keys else None
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error
