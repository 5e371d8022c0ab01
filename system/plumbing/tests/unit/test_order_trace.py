"""An order's id is the id of its trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Header
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import StatusCode

from system.kernel.ids import new_id
from system.plumbing import telemetry
from system.plumbing.auth import public, require
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import SpanKind
from system.plumbing.telemetry.tracing import ReadsByRatio
from system.plumbing.tests.spans import Ended, ids_of, linked_to, recording
from system.plumbing.tests.unit.test_web import ANNA, NothingRevoked, authority, settings_of
from system.plumbing.web import make_app

THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
router = APIRouter(prefix="/orders")


@router.post("", dependencies=[public])
async def create(orders: int = 1) -> dict[str, list[str]]:
    """Creates orders."""
    made = []
    for _ in range(orders):
        order_id = telemetry.id_for_new_order()
        telemetry.bind_order(order_id)
        with telemetry.span("inside"):
            made.append(str(order_id))
    return {"orders": made}


@router.post("/{order_id}/cancellation")
async def cancel(order_id: UUID, who: Annotated[Any, require("customer")]) -> dict[str, Any]:
    """Is about an order by its address."""
    with telemetry.span("inside"):
        return {"traceparent": telemetry.current_traceparent()}


@router.get("/{order_id}", dependencies=[public])
async def read(order_id: UUID) -> dict[str, str]:
    """Only reads."""
    telemetry.bind_order(order_id)
    return {}


@router.post("/{order_id}/failure", dependencies=[public])
async def fail(order_id: UUID, traceparent: Annotated[str | None, Header()] = None) -> None:
    """Fails after it is known which order it is about."""
    telemetry.bind_order(order_id)
    raise ZeroDivisionError("somebody@wombat.example")


@router.post("/{order_id}/twice", dependencies=[public])
async def twice(order_id: UUID, other: UUID) -> None:
    """About two orders, and the first again."""
    for each in (order_id, other, order_id):
        telemetry.bind_order(each)
        with telemetry.span(f"about {each}"):
            pass


@pytest.fixture
def ended() -> Iterator[Ended]:
    """The spans of a test."""
    with recording() as spans:
        yield spans


async def call(method: str, path: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
    """One request to an application with these routes."""
    app = make_app(settings_of("shop"), routers=[router])
    await app.state.revocations.close()
    app.state.revocations = NothingRevoked()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as client:
        return await client.request(method, f"/api/shop/v1{path}", headers=headers or {})


async def test_the_click_is_the_orders_trace(ended: Ended) -> None:
    (order_id,) = (await call("POST", "/orders")).json()["orders"]
    order = UUID(order_id)
    assert order.version == 7
    names = {span.name for span in ended.of(order.int)}
    assert names == {"POST /orders", "inside"}
    assert ended.all == ended.of(order.int)
    assert all((span.attributes or {}).get("order.id") == order_id for span in ended.all if span.name != "inside")


async def test_somebody_elses_trace_gives_no_order_its_id(ended: Ended) -> None:
    for traceparent in (THEIRS, THEIRS[:-2] + "00", "rubbish"):
        answer = await call("POST", "/orders", headers={"traceparent": traceparent})
        (order_id,) = answer.json()["orders"]
        assert UUID(order_id).hex != THEIRS.split("-")[1]
        assert UUID(order_id).version == 7
        in_trace = ended.of(UUID(order_id).int)
        assert [span.name for span in in_trace] == ["inside", "POST /orders"], traceparent


async def test_a_client_that_sent_flag_00_is_recorded_when_it_changes_something(ended: Ended) -> None:
    await call("POST", "/orders", headers={"traceparent": THEIRS[:-2] + "00"})
    assert ended.of(int(THEIRS.split("-")[1], 16))


async def test_two_orders_in_one_request_have_a_trace_each(ended: Ended) -> None:
    first, second = (UUID(each) for each in (await call("POST", "/orders?orders=2")).json()["orders"])
    assert first != second
    (request,) = [span for span in ended.of(first.int) if span.name.startswith("POST")]
    (other,) = [span for span in ended.of(second.int) if span.name.startswith("POST")]
    assert ids_of(request) in linked_to(other)
    assert ids_of(other) in linked_to(request)


async def test_what_is_asked_about_an_order_goes_on_in_its_trace(ended: Ended) -> None:
    order = new_id()
    headers = {"authorization": f"Bearer {authority('identity').issue_for_user(ANNA)}"}
    answer = await call("POST", f"/orders/{order}/cancellation", headers=headers)
    assert telemetry.trace_id_of(answer.json()["traceparent"]) == order.hex
    assert telemetry.trace_id_of(answer.headers["traceparent"]) == order.hex
    inside, about = ended.of(order.int)
    (request,) = [span for span in ended.all if span.kind is SpanKind.SERVER]
    assert inside.parent is not None and inside.parent.span_id == ids_of(about)[1]
    assert about.parent is None and ids_of(request) in linked_to(about) and ids_of(about) in linked_to(request)
    assert about.attributes is not None and about.attributes["http.response.status_code"] == 200
    # It lasts as long as the request: what came before the order was known is part of it.
    assert about.start_time == request.start_time


async def test_who_may_not_ask_does_not_write_into_the_orders_trace(ended: Ended) -> None:
    order = new_id()
    assert (await call("POST", f"/orders/{order}/cancellation")).status_code == 401
    assert ended.all and not ended.of(order.int)


async def test_the_context_is_what_it_was_after_the_request(ended: Ended) -> None:
    before = telemetry.current_traceparent()
    await call("POST", f"/orders/{new_id()}/twice?other={new_id()}")
    assert telemetry.current_traceparent() == before
    assert telemetry.order_of_now() is None


async def test_a_request_within_the_orders_trace_stays_in_it(ended: Ended) -> None:
    order = new_id()
    given = f"00-{order.hex}-b7ad6b7169203331-01"
    headers = {"authorization": f"Bearer {authority('identity').issue_for_user(ANNA)}", "traceparent": given}
    await call("POST", f"/orders/{order}/cancellation", headers=headers)
    assert [span.name for span in ended.all] == ["inside", "POST /orders/{order_id}/cancellation"]
    assert ended.all == ended.of(order.int)


async def test_reads_say_which_order_and_stay_where_they_are(ended: Ended) -> None:
    order = new_id()
    await call("GET", f"/orders/{order}")
    (read_span,) = ended.all
    assert not ended.of(order.int)
    assert read_span.attributes is not None and read_span.attributes["order.id"] == str(order)


async def test_an_order_that_is_bound_again_has_one_span(ended: Ended) -> None:
    first, second = new_id(), new_id()
    await call("POST", f"/orders/{first}/twice?other={second}")
    assert [span.name for span in ended.of(first.int)].count("POST /orders/{order_id}/twice") == 1
    assert [span.name for span in ended.of(first.int)].count(f"about {first}") == 2
    assert [span.name for span in ended.of(second.int)].count(f"about {second}") == 1


async def test_a_failure_is_marked_by_its_kind_alone(ended: Ended) -> None:
    order = new_id()
    answer = await call("POST", f"/orders/{order}/failure")
    assert answer.status_code == 500
    assert answer.json()["trace_id"] == order.hex
    spans = [span for span in ended.all if span.name.startswith("POST")]
    assert len(spans) == 2
    for span in spans:
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "ZeroDivisionError"
        assert not span.events
        assert "wombat" not in span.to_json()


async def test_work_that_nobody_asked_for_joins_the_order_it_turns_out_to_be_about(ended: Ended) -> None:
    order = new_id()
    with telemetry.doing("lapse claim"):
        telemetry.bind_order(order)
        written = telemetry.traceparent_about(order, "write mes.claim_lapsed.v1")
    assert telemetry.trace_id_of(written) == order.hex
    (about,) = ended.of(order.int)
    (own,) = [span for span in ended.all if span is not about]
    assert ids_of(own) in linked_to(about) and ids_of(about) in linked_to(own)


async def test_a_message_about_another_order_than_the_work_is_in_that_orders_trace(ended: Ended) -> None:
    mine, other = new_id(), new_id()
    with telemetry.in_order(mine, "consume"):
        traceparent = telemetry.traceparent_about(other, "write mes.parcel.v1")
    assert telemetry.trace_id_of(traceparent) == other.hex
    (moment,) = ended.of(other.int)
    (consumed,) = ended.of(mine.int)
    assert ids_of(consumed) in linked_to(moment)


async def test_a_message_of_another_trace_is_handled_in_its_orders(ended: Ended) -> None:
    order = new_id()
    with telemetry.in_order(order, "consume", caused_by=THEIRS, linked=THEIRS):
        assert telemetry.trace_id_of(telemetry.current_traceparent()) == order.hex
    (consumed,) = ended.all
    assert consumed.parent is None
    assert (int(THEIRS.split("-")[1], 16), int(THEIRS.split("-")[2], 16)) in linked_to(consumed)


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
def test_reads_are_kept_by_their_share(ratio: float) -> None:
    sampler = ReadsByRatio(ratio)
    attributes = {"http.request.method": "GET"}
    kept = sum(
        sampler.should_sample(None, new_id().int, "GET", SpanKind.SERVER, attributes).decision
        is Decision.RECORD_AND_SAMPLE
        for _ in range(4000)
    )
    assert kept / 4000 == pytest.approx(ratio, abs=0.03)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_is_always_kept(method: str) -> None:
    decided = ReadsByRatio(0.0).should_sample(
        None, random.getrandbits(128), method, SpanKind.SERVER, {"http.request.method": method}
    )
    assert decided.decision is Decision.RECORD_AND_SAMPLE


def test_the_share_is_the_same_wherever_it_is_taken() -> None:
    attributes = {"http.request.method": "GET"}
    for _ in range(200):
        trace_id = new_id().int
        decisions = {
            ReadsByRatio(0.3).should_sample(None, trace_id, name, SpanKind.SERVER, attributes).decision
            for name in ("GET /a", "GET /b")
        }
        assert len(decisions) == 1


async def test_orders_have_their_traces_where_nobody_listens() -> None:
    telemetry.configure("shop")
    (order_id,) = (answer := await call("POST", "/orders")).json()["orders"]
    assert telemetry.trace_id_of(answer.headers["traceparent"]) == UUID(order_id).hex
    assert ServiceSettings(service="shop").otlp_endpoint == ""
