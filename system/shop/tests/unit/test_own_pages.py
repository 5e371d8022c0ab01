"""A customer's own models and prices as pages, with the services that keep them faked or away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import OKPKey

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.unit.test_web import settings_of
from system.plumbing.tokens import Principal, TokenAuthority
from system.plumbing.web import make_app
from system.shop.adapters.own_things import HttpOwnModels, HttpOwnQuotes, OwnModel, OwnModels, OwnQuote, OwnQuotes
from system.shop.entrypoints import own_pages, pages
from system.shop.settings import ShopSettings
from system.shop.tests.bench import customer
from system.shop.tests.unit.test_buying_pages import NothingRevoked

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "identity"})
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})
NOW = datetime.now(UTC)
PRICE = {"amount": "10450.00", "currency": "RUB"}


@dataclass
class Neighbours:
    """Files, pricing and the shop's own orders, as these pages ask them."""

    models: list[OwnModel] = field(default_factory=list)
    quotes: list[OwnQuote] = field(default_factory=list)
    used: dict[UUID, str] = field(default_factory=dict)
    away: bool = False
    following: str | None = None
    asked: list[tuple[UUID, str | None]] = field(default_factory=list)
    deleted: list[tuple[UUID, UUID]] = field(default_factory=list)

    def _answers(self, person: UUID, after: str | None) -> None:
        self.asked.append((person, after))
        if self.away:
            raise Unavailable("files-unavailable", "The files service does not answer just now.")

    async def in_orders(self, person: UUID, file_ids: Iterable[UUID]) -> dict[UUID, str]:
        return {file_id: self.used[file_id] for file_id in file_ids if file_id in self.used}


class Models(Neighbours):
    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnModels:
        self._answers(person, after)
        return OwnModels(items=self.models, next=self.following)

    async def delete(self, person: UUID, file_id: UUID) -> None:
        self._answers(person, None)
        self.deleted.append((person, file_id))


class Quotes(Neighbours):
    async def page(self, person: UUID, *, after: str | None, limit: int) -> OwnQuotes:
        self._answers(person, after)
        return OwnQuotes(items=self.quotes, next=self.following)


@dataclass
class Own:
    """The pages, and who comes to them."""

    http: httpx.AsyncClient
    models: Models
    quotes: Quotes
    anna: Principal
    headers: dict[str, str]

    async def get(self, path: str, **more: str) -> httpx.Response:
        return await self.http.get(path, headers=self.headers | more)

    async def post(self, path: str) -> httpx.Response:
        return await self.http.post(path, headers=self.headers)


@pytest.fixture
async def own() -> AsyncIterator[Own]:
    settings = ShopSettings(jwks=JWKS)
    shown = pages.pages_of(settings)
    app = make_app(settings, routers=[], pages=[shown.router(), own_pages.router])
    shown.install(app)
    models, quotes, anna = Models(), Quotes(), customer()
    app.state.own = own_pages.OwnThings(models, quotes)
    app.state.people = models
    app.state.revocations = NothingRevoked()
    app.dependency_overrides[pages.count_cart] = lambda: None
    key = KEY.as_pem(private=True).decode()
    authority = TokenAuthority(ServiceSettings(service="identity", jwks=JWKS, signing_key=key))
    headers = {
        "Authorization": f"Bearer {authority.issue_for_user(anna)}",
        "Accept": "text/html",
        "Accept-Language": "en",
        "Sec-Fetch-Site": "same-origin",
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield Own(client, models, quotes, anna, headers)


def model(name: str = "ring.stl", **more: Any) -> OwnModel:
    return OwnModel(**({"file_id": new_id(), "filename": name, "size_bytes": 1_234_567, "created_at": NOW} | more))


def quote(**more: Any) -> OwnQuote:
    values = {
        "quote_id": new_id(),
        "status": "READY",
        "material": "gold_585",
        "quantity": 1,
        "file_id": new_id(),
        "total": PRICE,
        "created_at": NOW,
        "valid_until": NOW + timedelta(hours=5),
    }
    return OwnQuote.model_validate(values | more)


async def test_a_model_has_its_picture_its_size_and_the_way_to_a_price(own: Own) -> None:
    own.models.models = [one] = [model("pavé & co.stl")]

    page = (await own.get("/shop/models")).text

    assert f'src="/api/files/v1/uploads/{one.file_id}/preview' in page
    assert "pavé &amp; co.stl" in page and "1.2 MB" in page and f'href="/shop/make/{one.file_id}"' in page
    assert f'action="/shop/models/{one.file_id}/deletion"' in page
    assert own.models.asked == [(own.anna.subject, None)]


async def test_a_model_of_an_order_offers_no_deletion_and_says_why(own: Own) -> None:
    own.models.models = [one] = [model()]
    own.models.used = {one.file_id: "A-26000123"}

    page = (await own.get("/shop/models")).text
    refused = await own.post(f"/shop/models/{one.file_id}/deletion")

    assert "A-26000123" in page and "/deletion" not in page
    assert refused.status_code == 409 and 'data-code="model-in-use"' in refused.text
    assert own.models.deleted == []


async def test_a_deleted_model_leads_back_to_the_others(own: Own) -> None:
    one = model()
    answer = await own.post(f"/shop/models/{one.file_id}/deletion")
    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/models")
    assert own.models.deleted == [(own.anna.subject, one.file_id)]


async def test_where_a_price_holds_the_page_says_until_when(own: Own) -> None:
    own.quotes.quotes = [
        quote(),
        over := quote(valid_until=NOW - timedelta(hours=1)),
        quote(status="ESTIMATED", total=None, estimate=PRICE, valid_until=None),
        quote(status="FAILED", total=None, valid_until=None),
    ]

    page = (await own.get("/shop/quotes")).text

    rows = page.split('<li class="own-row"')[1:]
    assert "Holds until" in rows[0] and "RUB 10,450" in rows[0] and "Gold 585" in rows[0]
    assert "Held until" in rows[1] and "data-again" in rows[1] and f'href="/shop/make/{over.file_id}"' in rows[1]
    assert "Being calculated" in rows[2] and "about" in rows[2]
    assert "Cannot be made as it is" in rows[3]
    states = ("READY", "over", "ESTIMATED", "FAILED")
    assert all(f'data-state="{state}"' in row for state, row in zip(states, rows, strict=True))


@pytest.mark.parametrize(("path", "which"), [("/shop/models", "models"), ("/shop/quotes", "quotes")])
async def test_a_list_goes_on_where_it_ended(own: Own, path: str, which: str) -> None:
    neighbour: Neighbours = getattr(own, which)
    neighbour.models, neighbour.quotes, neighbour.following = [model()], [quote()], "next-page"

    page = (await own.get(path)).text
    piece = await own.get(f"{path}?after=next-page", **{"HX-Request": "true"})

    assert f'href="{path}?after=next-page"' in page and "<html" in page
    assert "<html" not in piece.text and "own-row" in piece.text
    assert neighbour.asked == [(own.anna.subject, None), (own.anna.subject, "next-page")]


@pytest.mark.parametrize(("path", "which"), [("/shop/models", "models"), ("/shop/quotes", "quotes")])
async def test_nothing_and_nobody_there_are_two_different_pages(own: Own, path: str, which: str) -> None:
    neighbour: Neighbours = getattr(own, which)
    empty = await own.get(path)
    neighbour.away = True
    away = await own.get(path)

    assert empty.status_code == away.status_code == 200
    assert 'class="nothing"' in empty.text and "data-away" not in empty.text
    assert "data-away" in away.text and 'class="nothing"' not in away.text
    assert 'href="/shop/orders"' in away.text, "the rest is there"


async def test_with_files_away_nothing_is_deleted_and_the_page_says_so(own: Own) -> None:
    own.models.away = True
    answer = await own.post(f"/shop/models/{new_id()}/deletion")
    assert answer.status_code == 503 and 'data-code="files-unavailable"' in answer.text


@pytest.mark.parametrize("path", ["/shop/models", "/shop/quotes"])
async def test_a_stranger_is_led_to_the_sign_in(own: Own, path: str) -> None:
    answer = await own.http.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


# -- how the other services are asked ----------------------------------------------------------------------------------------


def far(answer: httpx.Response) -> tuple[ServiceClient, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return ServiceClient(settings_of("shop"), transport=httpx.MockTransport(answers)), asked


async def test_pricing_is_asked_for_prices_of_own_models() -> None:
    person = new_id()
    told = {"items": [quote().model_dump(mode="json") | {"owner_id": str(person)}], "next": "more"}
    client, asked = far(httpx.Response(200, json=told))

    page = await HttpOwnQuotes(client).page(person, after="here", limit=20)

    assert (page.next, page.items[0].material) == ("more", "gold_585")
    assert asked[0].url.path == f"/internal/people/{person}/quotes"
    assert dict(asked[0].url.params) == {"limit": "20", "after": "here", "kind": "custom"}


@pytest.mark.parametrize("status", [204, 404])
async def test_a_model_that_is_gone_already_is_deleted(status: int) -> None:
    person, file_id = new_id(), new_id()
    client, asked = far(httpx.Response(status))

    await HttpOwnModels(client).delete(person, file_id)

    assert (asked[0].method, asked[0].url.path) == ("DELETE", f"/internal/people/{person}/uploads/{file_id}")


@pytest.mark.parametrize(
    "answer", [httpx.Response(403), httpx.Response(200, json={"items": "none"}), httpx.Response(500)]
)
async def test_an_answer_that_makes_no_sense_is_as_none(answer: httpx.Response) -> None:
    client, _ = far(answer)
    with pytest.raises(Unavailable):
        await HttpOwnModels(client).page(new_id(), after=None, limit=20)
