"""A quote's stream on a real database, with a worker that is another process to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_parameters

from system.pagekit.following import STREAMS_EACH_MAX
from system.pagekit.tests.listener import Listener
from system.pricing.adapters.queries import changed_statement
from system.pricing.tests.integration.conftest import DEADLINE_S, Pricing, running_worker

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


def events(quote_id: str) -> str:
    return f"/api/pricing/v1/quotes/{quote_id}/events"


@asynccontextmanager
async def listening(pricing: Pricing, quote_id: str, customer: UUID, **headers: str) -> AsyncIterator[Listener]:
    told = pricing.token("customer", subject=customer) | headers
    async with Listener(pricing.service.app, events(quote_id), told) as listener:
        yield listener


async def told_until(listener: Listener, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Every quote that the stream tells, up to the first that is wanted."""
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_S):
        while not told or not wanted(told[-1]):
            line = await listener.lines.get()
            if line.startswith("data: {"):
                told.append(json.loads(line.removeprefix("data: ")))
    return told


async def asked(pricing: Pricing, name: str = "torus-ring") -> tuple[UUID, str]:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(name), anna)
    answer = await pricing.ask(anna, {"file_id": str(file_id), **GOLD})
    assert answer.status_code == 202
    return anna, str(answer.json()["quote_id"])


async def test_a_quote_is_told_from_the_queue_to_its_firm_price(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna, quote_id = await asked(pricing)
    async with listening(pricing, quote_id, anna) as listener:
        (first,) = await told_until(listener, lambda _: True)
        assert first["status"] == "QUEUED" and first["progress"]["stage"] == "waiting"
        async with running_worker(pricing.settings):
            *_, begun = await told_until(listener, lambda quote: quote["status"] != "QUEUED")
            assert (begun["status"], begun["progress"]["stage"]) == ("ANALYSING", "reading")
            pricing.storage.pause.set()
            *_, last = await told_until(listener, lambda quote: quote["status"] == "READY")
        assert last["total"] is not None and "progress" not in last
        assert last == await pricing.quote(quote_id, anna)
        async with asyncio.timeout(DEADLINE_S):
            await listener._task
    assert listener.status == 200


async def test_a_model_that_cannot_be_made_ends_its_stream_with_where_it_is_broken(working: Pricing) -> None:
    anna, quote_id = await asked(working, "half-open-shell")
    async with listening(working, quote_id, anna) as listener:
        *_, last = await told_until(listener, lambda quote: quote["status"] == "FAILED")
    assert last["problem"]["code"] == "mesh-not-closed"
    assert 1 <= len(last["problem"]["places"]) <= 20
    assert all(len(place) == 3 for place in last["problem"]["places"])
    assert last["problem"]["facts"] == {"open_edge_count": "19"}
    again = await working.quote(quote_id, anna)
    assert again["problem"] == last["problem"]


async def test_what_is_final_is_told_once_and_who_comes_back_hears_nothing_more(pricing: Pricing) -> None:
    anna = uuid4()
    quote = (await pricing.ask(anna, {"sku": "ring-classic-585", "quantity": 1, "ring_size": "17.5"})).json()
    headers = pricing.token("customer", subject=anna)
    answer = await pricing.http.get(events(quote["quote_id"]), headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: quote\n") == 1
    said = dict(line.split(": ", 1) for line in answer.text.splitlines() if line)
    assert json.loads(said["data"])["total"] == quote["total"]
    back = await pricing.http.get(events(quote["quote_id"]), headers=headers | {"last-event-id": said["id"]})
    assert back.status_code == 204
    other = await pricing.http.get(events(quote["quote_id"]), headers=headers | {"last-event-id": "yesterday"})
    assert other.status_code == 200


async def test_somebody_elses_quote_has_no_stream_and_our_staff_hears_it(pricing: Pricing) -> None:
    anna, quote_id = await asked(pricing)
    for roles, status in ((("customer",), 404), (("partner",), 404), (("operator",), 403)):
        answer = await pricing.http.get(events(quote_id), headers=pricing.token(*roles))
        assert answer.status_code == status
    assert (await pricing.http.get(events(quote_id))).status_code == 401
    async with Listener(pricing.service.app, events(quote_id), pricing.token("seller")) as listener:
        await told_until(listener, lambda quote: quote["owner_id"] == str(anna))


async def test_one_person_listens_to_so_many_at_once(pricing: Pricing) -> None:
    anna, quote_id = await asked(pricing)
    listeners = [Listener(pricing.service.app, events(quote_id), pricing.token("customer", subject=anna))
                 for _ in range(STREAMS_EACH_MAX)]  # fmt: skip
    for listener in listeners:
        await listener.__aenter__()
        await told_until(listener, lambda _: True)
    refused = await pricing.http.get(events(quote_id), headers=pricing.token("customer", subject=anna))
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
    for listener in listeners:
        await listener.__aexit__(None, None, None)


async def test_whoever_writes_a_quote_is_seen(pricing: Pricing) -> None:
    """A worker of the release before this one knows nothing of the column: the database itself notes the change."""
    before = datetime.now(UTC) - timedelta(seconds=30)
    _, quote_id = await asked(pricing)
    queries = pricing.service.app.state.queries
    assert UUID(quote_id) not in dict(await queries.changed_since(before, limit=1000))
    async with pricing.service.engine.begin() as connection:
        await connection.execute(text("UPDATE quote SET status = 'ANALYSING' WHERE quote_id = :id"), {"id": quote_id})
    assert UUID(quote_id) in dict(await queries.changed_since(before, limit=1000))


async def test_changes_are_found_by_their_own_index(pricing: Pricing) -> None:
    async with pricing.service.engine.begin() as connection:
        for kind in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            await connection.execute(text(f"SET LOCAL {kind} = off"))
        dialect = numbered_parameters()  # type: ignore[no-untyped-call]
        compiled = changed_statement(datetime.now(UTC), limit=10).compile(dialect=dialect)
        rows = await connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {compiled}")
        plan = "\n".join(row[0] for row in rows)
    assert "quote_changed" in plan and "Sort" not in plan
