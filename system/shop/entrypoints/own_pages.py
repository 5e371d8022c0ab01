"""A customer's own models and prices, kept by other services: with one of them away its page says so. No script is needed."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import AlexandriteError, Unavailable
from system.pagekit.pages import Said, is_piece
from system.plumbing.auth import Principal
from system.shop.adapters.own_things import OwnModels, OwnQuotes
from system.shop.adapters.people import PeopleQueries
from system.shop.domain.people import ModelInUse
from system.shop.entrypoints.cart_pages import Customer
from system.shop.entrypoints.pages import BASE, Shown, count_cart

MODELS = f"{BASE}/models"
QUOTES = f"{BASE}/quotes"
PAGE_ROWS = 20
T = TypeVar("T")

router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])
After = Annotated[str | None, Query(max_length=500)]


class Models(Protocol):
    """The files service, about one person's models."""

    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnModels:
        """Some models, the newest first. Raises Unavailable."""

    async def delete(self, person: UUID, file_id: UUID) -> None:
        """Deletes one. Raises Unavailable."""


class Quotes(Protocol):
    """The pricing service, about one person's prices."""

    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnQuotes:
        """Some prices, the newest first. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class OwnThings:
    """Whom these pages ask; `main.py` puts it on `app.state.own`."""

    models: Models
    quotes: Quotes


def _own(request: Request) -> OwnThings:
    return cast(OwnThings, request.app.state.own)


def _people(request: Request) -> PeopleQueries:
    return cast(PeopleQueries, request.app.state.people)


Own = Annotated[OwnThings, Depends(_own)]
People = Annotated[PeopleQueries, Depends(_people)]


@dataclass(frozen=True, slots=True)
class AtModels:
    """One request about the customer's models, with all that answers it."""

    request: Request
    own: Own
    people: People
    pages: Shown

    async def shows(
        self, who: Principal, *, after: str | None = None, refused: AlexandriteError | None = None
    ) -> Response:
        """The models; without them when files does not answer. What was refused is said above them."""
        found, away = await _asked(self.own.models.page(who.subject, after=after, limit=PAGE_ROWS))
        models = found.items if found else []
        used = await self.people.in_orders(who.subject, [model.file_id for model in models])
        piece = is_piece(self.request) and bool(after)
        said: Said | None = self.pages.refusal(self.request, refused) if refused else None
        return self.pages.render(
            self.request,
            "models_rows.html" if piece else "models.html",
            who=who,
            items=models,
            used=used,
            away=away,
            said=said,
            more=_more(MODELS, found.next if found else None),
            status=refused.status if refused else 200,
        )


Visit = Annotated[AtModels, Depends()]


@router.get("/models")
async def models_page(visit: Visit, who: Customer, after: After = None) -> Response:
    """The models that the customer sent, the newest first; asked by htmx with `after`: the next rows only."""
    return await visit.shows(who, after=after)


@router.post("/models/{file_id}/deletion")
async def delete_model(visit: Visit, who: Customer, file_id: UUID) -> Response:
    """Deletes a model that no order needs, and shows the others; the page again, saying why not."""
    try:
        if number := (await visit.people.in_orders(who.subject, [file_id])).get(file_id):
            raise ModelInUse(file_id, number=number)
        await visit.own.models.delete(who.subject, file_id)
    except (ModelInUse, Unavailable) as refused:
        return await visit.shows(who, refused=refused)
    return RedirectResponse(MODELS, status_code=303)


@router.get("/quotes")
async def quotes_page(request: Request, who: Customer, own: Own, pages: Shown, after: After = None) -> Response:
    """The prices that the customer asked for, the newest first; asked by htmx with `after`: the next rows only."""
    found, away = await _asked(own.quotes.page(who.subject, after=after, limit=PAGE_ROWS))
    piece = is_piece(request) and bool(after)
    return pages.render(
        request,
        "quotes_rows.html" if piece else "quotes.html",
        who=who,
        items=found.items if found else [],
        away=away,
        at=datetime.now(UTC),
        more=_more(QUOTES, found.next if found else None),
    )


async def _asked(asking: Awaitable[T]) -> tuple[T | None, bool]:
    """What the other service said, or None and that it is away."""
    try:
        return await asking, False
    except Unavailable:
        return None, True


def _more(address: str, following: str | None) -> str | None:
    return f"{address}?{urlencode({'after': following})}" if following else None
