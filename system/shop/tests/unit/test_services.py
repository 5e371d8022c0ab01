"""The services around the shop: the fakes and the HTTP adapters keep the same promises.

The far side of HTTP is a small application that answers as those services' contracts say, backed by the very same fakes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import OKPKey

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.service_client import ServiceClient
from system.shop.adapters.services import HttpFiles, HttpIdentity, HttpLetters, HttpOrchestrator, HttpPricing
from system.shop.application.ports import CancellationOutcome, CareWish, Files, Letter, ModelFile, Orchestrator, Pricing
from system.shop.domain.errors import CancellationRefused, CareRefused, NotForSale, wire
from system.shop.domain.quote import Quote, QuoteProblem
from system.shop.settings import ShopSettings
from system.shop.tests.bench import customer, rub
from system.shop.tests.fakes import FakeFiles, FakeOrchestrator, FakePricing

ANNA = customer()


@dataclass
class Side:
    """The ports under test, and the fakes behind them."""

    pricing: Pricing
    files: Files
    orchestrator: Orchestrator
    far_pricing: FakePricing
    far_files: FakeFiles
    far_orchestrator: FakeOrchestrator
    seen: list[httpx.Request]


def quote_json(quote: Quote) -> dict[str, Any]:
    return {
        "quote_id": str(quote.id),
        "owner_id": str(quote.owner_id),
        "status": "FAILED" if quote.problem else "READY" if quote.total else "ESTIMATED",
        "kind": quote.kind,
        "material": quote.material,
        "quantity": quote.quantity,
        "ring_size": quote.ring_size,
        "file_id": str(quote.file_id) if quote.file_id else None,
        "sku": quote.sku,
        "estimate": wire(quote.estimate) if quote.estimate else None,
        "total": wire(quote.total) if quote.total else None,
        "problem": {"code": quote.problem.code, "title": "Open", "detail": quote.problem.detail}
        if quote.problem
        else None,
        "a_field_of_the_future": True,
    }


def problem(status: int, code: str, **more: Any) -> JSONResponse:
    return JSONResponse({"code": code, "detail": f"{code}, sorry.", "status": status} | more, status_code=status)


def far_side(pricing: FakePricing, files: FakeFiles, orchestrator: FakeOrchestrator) -> FastAPI:
    app = FastAPI()

    @app.exception_handler(Unavailable)
    async def away(_: Request, error: Exception) -> Response:
        return problem(503, "away")

    @app.post("/internal/quotes")
    async def make(request: Request) -> Response:
        body = await request.json()
        line_id = UUID(request.headers["idempotency-key"])
        try:
            quote = await pricing.quote_ready_made(
                sku=body["sku"],
                quantity=body["quantity"],
                ring_size=body.get("ring_size"),
                line_id=line_id,
                acting_for=ANNA,
            )
        except NotForSale:
            return problem(422, "sku-unknown")
        return JSONResponse(quote_json(quote))

    @app.post("/internal/quotes/lookup")
    async def lookup(body: dict[str, list[UUID]]) -> dict[str, Any]:
        return {"items": [quote_json(quote) for quote in (await pricing.quotes(body["quote_ids"])).values()]}

    @app.post("/internal/catalogue-prices")
    async def prices(body: dict[str, list[str]]) -> dict[str, Any]:
        return {"prices": {sku: wire(price) for sku, price in (await pricing.catalogue_prices(body["skus"])).items()}}

    @app.get("/internal/files/{file_id}")
    async def file(file_id: UUID) -> Response:
        found = await files.model(file_id, acting_for=ANNA)
        if found is None:
            return problem(404, "upload-not-found")
        content = {"file_id": str(found.id), "owner_id": str(found.owner_id), "status": found.status}
        return JSONResponse(content | {"filename": found.filename, "sha256": "0" * 64})

    @app.post("/internal/orders/{order_id}/cancellation")
    async def cancel(order_id: UUID, body: dict[str, Any]) -> Response:
        assert body["actor_kind"] == "customer"
        try:
            outcome = await orchestrator.cancel(order_id, reason=body["reason"], acting_for=ANNA)
        except CancellationRefused as refused:
            return problem(409, "transition-not-allowed", **refused.extra)
        return JSONResponse({}, status_code=200 if outcome is CancellationOutcome.CANCELLED else 202)

    return app


@pytest.fixture(params=["fake", "http"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    pricing, files, orchestrator = FakePricing(), FakeFiles(), FakeOrchestrator()
    if request.param == "fake":
        yield Side(pricing, files, orchestrator, pricing, files, orchestrator, [])
        return
    seen: list[httpx.Request] = []

    class Recorded(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return await super().handle_async_request(request)

    client = ServiceClient(settings(), transport=Recorded(far_side(pricing, files, orchestrator)))
    yield Side(HttpPricing(client), HttpFiles(client), HttpOrchestrator(client), pricing, files, orchestrator, seen)
    await client.close()


def settings() -> ShopSettings:
    key = OKPKey.generate_key("Ed25519").as_pem(private=True).decode()
    return ShopSettings(signing_key=key, services_url_template="http://{service}.test")


async def ready_made(side: Side, *, line_id: UUID | None = None, sku: str = "ring-classic-585") -> Quote:
    return await side.pricing.quote_ready_made(
        sku=sku, quantity=2, ring_size="17.5", line_id=line_id or new_id(), acting_for=ANNA
    )


async def test_a_ready_made_good_is_quoted_for_its_customer(side: Side) -> None:
    quote = await ready_made(side)
    assert (quote.owner_id, quote.kind, quote.sku, quote.ring_size) == (
        ANNA.subject,
        "ready_made",
        "ring-classic-585",
        "17.5",
    )
    assert quote.total == rub("63000.00")


async def test_one_line_gets_one_quote(side: Side) -> None:
    line_id = new_id()
    assert (await ready_made(side, line_id=line_id)).id == (await ready_made(side, line_id=line_id)).id


async def test_a_good_without_a_price_is_not_for_sale(side: Side) -> None:
    with pytest.raises(NotForSale):
        await ready_made(side, sku="ring-of-power")


async def test_quotes_are_as_they_are_now(side: Side) -> None:
    estimated = await ready_made(side)
    side.far_pricing.becomes(estimated.id, total=None, problem=QuoteProblem("mesh-not-closed", "Close it.", "Open"))
    custom = side.far_pricing.has(
        replace(estimated, id=new_id(), kind="custom", sku=None, file_id=new_id(), ring_size=None, total=None)
    )
    found = await side.pricing.quotes([estimated.id, custom.id, new_id()])
    assert found.keys() == {estimated.id, custom.id}
    assert found[custom.id] == custom
    assert found[estimated.id].problem == QuoteProblem("mesh-not-closed", "Close it.", "Open")


async def test_no_quotes_are_asked_for_none(side: Side) -> None:
    assert await side.pricing.quotes([]) == {}


async def test_catalogue_prices_leave_out_what_has_none(side: Side) -> None:
    prices = await side.pricing.catalogue_prices(["pendant-drop-925", "ring-of-power"])
    assert prices == {"pendant-drop-925": rub("4200.00")}


async def test_a_model_is_found_or_not(side: Side) -> None:
    model = side.far_files.has(ModelFile(new_id(), ANNA.subject, "VERIFIED", "ring.stl"))
    assert await side.files.model(model.id, acting_for=ANNA) == model
    assert await side.files.model(new_id(), acting_for=ANNA) is None


@pytest.mark.parametrize("outcome", list(CancellationOutcome))
async def test_a_cancellation_is_done_or_requested(side: Side, outcome: CancellationOutcome) -> None:
    order_id = new_id()
    side.far_orchestrator.says[order_id] = outcome
    assert await side.orchestrator.cancel(order_id, reason="late", acting_for=ANNA) is outcome
    assert side.far_orchestrator.asked == [(order_id, "late")]


async def test_a_refused_cancellation_names_status_and_what_is_allowed(side: Side) -> None:
    order_id = new_id()
    side.far_orchestrator.says[order_id] = CancellationRefused(detail="Too late.", status="SHIPPED", allowed=["CLOSED"])
    with pytest.raises(CancellationRefused) as refused:
        await side.orchestrator.cancel(order_id, reason=None, acting_for=ANNA)
    assert (refused.value.extra["order_status"], refused.value.extra["allowed"]) == ("SHIPPED", ["CLOSED"])


async def test_a_service_that_is_away_is_unavailable(side: Side) -> None:
    side.far_pricing.away = side.far_files.away = side.far_orchestrator.away = True
    with pytest.raises(Unavailable):
        await ready_made(side)
    with pytest.raises(Unavailable):
        await side.pricing.quotes([new_id()])
    with pytest.raises(Unavailable):
        await side.pricing.catalogue_prices(["pendant-drop-925"])
    with pytest.raises(Unavailable):
        await side.files.model(new_id(), acting_for=ANNA)
    with pytest.raises(Unavailable):
        await side.orchestrator.cancel(new_id(), reason=None, acting_for=ANNA)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"unexpected": 1}),
        httpx.Response(200, text="<html>"),
        httpx.Response(403, json={"code": "role-required"}),
        httpx.Response(418),
    ],
)
async def test_an_answer_nobody_understands_counts_as_none(answer: httpx.Response) -> None:
    client = ServiceClient(settings(), transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(Unavailable):
        await HttpPricing(client).quotes([new_id()])
    with pytest.raises(Unavailable):
        await HttpFiles(client).model(new_id(), acting_for=ANNA)
    await client.close()


async def test_an_order_that_the_orchestrator_has_yet_to_hear_of_is_asked_about_again_later() -> None:
    far = httpx.MockTransport(lambda _: httpx.Response(404, json={"code": "order-not-found"}))
    client = ServiceClient(settings(), transport=far)
    with pytest.raises(Unavailable) as unavailable:
        await HttpOrchestrator(client).cancel(new_id(), reason=None, acting_for=ANNA)
    assert unavailable.value.code == "order-on-its-way"
    await client.close()


async def test_letters_go_to_crm_and_come_back_as_it_keeps_them() -> None:
    asked: list[httpx.Request] = []
    kept = {"side": "customer", "author": "Anna", "text": "Wider.", "at": "2026-03-02T09:00:00+00:00"}

    def crm(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "GET":
            return httpx.Response(200, json={"items": [kept | {"letter_id": str(new_id()), "more": 1}]})
        sent = json.loads(request.content)
        # Kept before, a little earlier: that one counts.
        return httpx.Response(201, json=kept | {"letter_id": sent["letter_id"]})

    letters = HttpLetters(ServiceClient(settings(), transport=httpx.MockTransport(crm)))
    order_id = new_id()
    letter = Letter(new_id(), "customer", "Anna", "Wider.", datetime(2026, 3, 2, 9, 5, tzinfo=UTC))
    answered = await letters.send(order_id, letter, acting_for=ANNA)
    assert (answered.id, answered.at) == (letter.id, datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    told = await letters.of(order_id, acting_for=ANNA)
    assert [each.text for each in told.letters] == ["Wider."]
    assert (told.cases, told.offers) == ((), ()), "a CRM of the release before knows of no returns"
    assert not {"kind", "reason", "line_ids"} & json.loads(asked[0].content).keys()
    assert {request.url.path for request in asked} == {f"/internal/orders/{order_id}/letters"}


@pytest.mark.parametrize(
    ("status", "code"), [(404, "order-on-its-way"), (409, "order-on-its-way"), (422, "crm-unavailable")]
)
async def test_a_letter_that_crm_cannot_place_may_be_sent_again(status: int, code: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json={"code": "order-not-found"}))
    letters = HttpLetters(ServiceClient(settings(), transport=transport))
    letter = Letter(new_id(), "customer", "Anna", "Wider.", datetime(2026, 3, 2, 9, 5, tzinfo=UTC))
    with pytest.raises(Unavailable) as raised:
        await letters.send(new_id(), letter, acting_for=ANNA)
    assert raised.value.code == code


async def test_a_return_goes_to_crm_and_its_word_on_it_comes_back() -> None:
    line_id = new_id()
    sent: list[dict[str, Any]] = []
    step = {"state": "accepted", "side": "seller", "by": "Sofia", "at": "2026-03-02T09:00:00+00:00", "text": "Gladly."}
    case: dict[str, Any] = {
        "case_id": str(new_id()),
        "kind": "return",
        "reason": "late",
        "line_ids": [str(line_id)],
        "state": "accepted",
    }
    case |= {"due_at": None, "return_to": "Moscow, Ordynka 40", "steps": [step], "version": 2}

    def crm(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            body = {"items": [], "cases": [case], "offers": ["complaint"], "return_until": "2026-03-16T09:00:00+00:00"}
            return httpx.Response(200, json=body)
        sent.append(json.loads(request.content))
        return httpx.Response(409, json={"code": "return-too-late", "detail": "Over.", "until": "2026", "days": 14})

    letters = HttpLetters(ServiceClient(settings(), transport=httpx.MockTransport(crm)))
    letter = Letter(new_id(), "customer", "Anna", "Back.", datetime(2026, 3, 2, 9, 5, tzinfo=UTC))
    wish = CareWish("return", "late", (line_id,))
    with pytest.raises(CareRefused) as refused:
        await letters.send(new_id(), letter, acting_for=ANNA, wish=wish)
    assert (refused.value.code, refused.value.extra) == ("return-too-late", {"until": "2026", "days": 14})
    assert sent[0] | {"kind": "return", "reason": "late", "line_ids": [str(line_id)]} == sent[0]
    told = await letters.of(new_id(), acting_for=ANNA)
    assert [(each.wish, each.return_to, each.steps[0].text) for each in told.cases] == [
        (wish, "Moscow, Ordynka 40", "Gladly.")
    ]
    assert told.offers == ("complaint",) and told.return_until == datetime(2026, 3, 16, 9, tzinfo=UTC)


async def test_identity_opens_a_guests_session_and_its_cookies_come_whole() -> None:
    asked: list[httpx.Request] = []
    opened = {"access_token": "t", "user_id": str(new_id()), "cookies": ["a=1; Path=/", "b=2; Path=/x"], "more": 1}

    def identity(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json=opened)

    client = ServiceClient(settings(), transport=httpx.MockTransport(identity))
    session = await HttpIdentity(client).guest("ru")
    assert (session.access_token, str(session.user_id), list(session.cookies)) == tuple(opened.values())[:3]
    [request] = asked
    assert request.url.path == "/internal/guests" and json.loads(request.content) == {"language": "ru"}
    assert request.headers["authorization"].startswith("Bearer ")
    await client.close()
