"""What pricing keeps of a person: all of it, told to identity; and deleted, when they leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from system.plumbing.auth import Principal, require
from system.pricing.adapters.own_quotes import OwnQuotes
from system.pricing.application.erasure import erase_person
from system.pricing.application.views import quote_view
from system.pricing.entrypoints.api import Own, json_response

internal = APIRouter(prefix="/internal/people")


@internal.get("/{user_id}/data")
async def personal_data(user_id: UUID, own: Own, who: Annotated[Principal, require("service:identity")]) -> Response:
    """Every quote of a person, the newest first, and how many those are: `{"quotes": [...], "quote_count": 2}`.

    Sent as it is read. Should the database go away meanwhile, what came is no JSON, so that nobody takes it for the whole.
    """
    return StreamingResponse(_written(user_id, own), media_type="application/json")


@internal.post("/{user_id}/erasure")
async def erasure(request: Request, user_id: UUID, who: Annotated[Principal, require("service:identity")]) -> Response:
    """Deletes the quotes that no order uses, and says how many; again, nothing is left to delete."""
    erased = await erase_person(user_id, request.app.state.make_uow())
    counts = {"quotes_deleted": erased.deleted, "quotes_kept": erased.kept, "answers_forgotten": erased.answers}
    counts |= {"engravings_forgotten": erased.engravings} if erased.engravings else {}
    return json_response(counts)


async def _written(user_id: UUID, own: OwnQuotes) -> AsyncIterator[bytes]:
    yield b'{"quotes":['
    count = 0
    async for quote in own.all(user_id):
        yield (b"," if count else b"") + orjson.dumps(quote_view(quote))
        count += 1
    yield b'],"quote_count":%d}' % count
