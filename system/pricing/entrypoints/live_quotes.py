"""A quote as it comes to be, for whoever waits for it: server-sent events, from one reader of the database for all who wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from system.pagekit import live
from system.pagekit.following import State, Streams, follow, has_heard
from system.pagekit.languages import LANGUAGES
from system.plumbing.auth import Principal, require
from system.pricing.adapters.queries import PricingQueries
from system.pricing.application.views import quote_now
from system.pricing.domain.progress import Place
from system.pricing.domain.quote import Quote
from system.pricing.entrypoints.api import READERS, Queries, Queue, quote_for

# Of more than this at once nobody is told one by one: whoever listens comes again.
CHANGED_AT_ONCE_MAX = 2000

router = APIRouter(tags=["pricing"])


def watch_of(queries: PricingQueries) -> live.Watch:
    """What every open stream of this process is told from: which quotes changed, whichever worker did it."""

    async def find(since: datetime) -> Sequence[live.Found]:
        found = await queries.changed_since(since, limit=CHANGED_AT_ONCE_MAX + 1)
        if len(found) > CHANGED_AT_ONCE_MAX:
            raise live.TooMuch
        return [(version, version[1]) for version in found]

    async def load(found: Sequence[live.Found]) -> Sequence[live.Change]:
        # What became of them, the streams that are about them read themselves: of most of them nobody wants to hear.
        return [live.Change(version, at, "quote", dict.fromkeys(LANGUAGES, "")) for version, at in found]

    return live.Watch(find, load, now=lambda: datetime.now(UTC))


def _state(quote: Quote, place: Place | None, now: datetime) -> State:
    shown = quote_now(quote, place, now=now)
    return State(orjson.dumps(shown).decode(), quote.finished_at or now, quote.status.is_final)


@router.get(
    "/quotes/{quote_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `quote`, each with the whole quote as `GET` shows it: at once, on each change, the last one final",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "Nothing more comes: `Last-Event-ID` names the final state"},
        429: {"description": "So many streams are open already"},
    },
)
async def quote_events(
    request: Request,
    quote_id: UUID,
    queries: Queries,
    calculations: Queue,
    who: Annotated[Principal, require(*READERS)],
) -> Response:
    """A quote of one's own as it comes to be (server-sent events), until it is READY or FAILED; `beat` says that the line holds."""
    quote = await quote_for(who, quote_id, queries)
    if quote.status.is_final and has_heard(request, _state(quote, None, datetime.now(UTC))):
        return Response(status_code=204)

    async def look(changed: bool) -> State:
        nonlocal quote
        if changed:
            quote = await quote_for(who, quote_id, queries)
        place = None if quote.status.is_final else await calculations.place_of(quote_id)
        return _state(quote, place, datetime.now(UTC))

    watch: live.Watch = request.app.state.watch
    streams: Streams = request.app.state.streams
    return follow(
        request,
        watch,
        streams,
        whom=who.subject,
        name="quote",
        about=lambda change: cast(tuple[UUID, datetime], change.version)[0] == quote_id,
        look=look,
    )
