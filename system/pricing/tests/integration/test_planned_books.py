"""Planned books over HTTP and on the real database: each starts once, whoever asks, and what is withdrawn never does."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from system.pricing.main import service
from system.pricing.tests.integration.conftest import Pricing
from system.pricing.tests.integration.test_price_book import PATH, present, write

pytestmark = pytest.mark.integration
PLAN = """
    INSERT INTO price_book_plan (plan_id, made_from, changes, reason, made_by, actor_id, made_at, starts_at)
    VALUES (:plan_id, :made_from, CAST(:changes AS jsonb), 'planned', 'Ada', :plan_id, now(), now() + CAST(:ahead AS interval))
"""


async def metal_of_our_own(pricing: Pricing) -> str:
    """A metal that no other test moves."""
    shown, etag = await present(pricing)
    code = f"metal_{uuid4().hex[:8]}"
    book = copy.deepcopy(shown["book"])
    book["spot_per_g"][code] = "100.00"
    assert (await write(pricing, book, etag)).status_code == 200
    return code


async def planned(pricing: Pricing, metal: str, price: str, *, ahead: str = "-1 second") -> UUID:
    """A plan as it stands in the table, its moment perhaps over."""
    shown, _ = await present(pricing)
    plan_id = uuid4()
    changes = f'[[["spot_per_g", "{metal}"], "100.00", "{price}"]]'
    async with pricing.service.engine.begin() as connection:
        await connection.execute(
            text(PLAN), {"plan_id": plan_id, "made_from": shown["version"], "changes": changes, "ahead": ahead}
        )
    return plan_id


async def ends(pricing: Pricing, plan_id: UUID) -> list[Any]:
    return await pricing.rows("SELECT outcome, version, told FROM price_book_plan_end WHERE plan_id = :p", p=plan_id)


async def test_two_processes_start_one_planned_book_once(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    other = service(pricing.settings)
    try:
        for round_ in range(5):
            before, _ = await present(pricing)
            plan_id = await planned(pricing, metal, f"{101 + round_}.00")
            asked = [made.app.state.queries.book() for made in (pricing.service, other) for _ in range(6)]
            seen = {book.version for book in await asyncio.gather(*asked)}
            assert seen <= {before["version"], before["version"] + 1}
            shown, _ = await present(pricing)
            assert shown["version"] == before["version"] + 1, "one version more, not two"
            assert shown["book"]["spot_per_g"][metal] == f"{101 + round_}.00"
            assert [(end.outcome, end.version) for end in await ends(pricing, plan_id)] == [
                ("started", shown["version"])
            ]
    finally:
        await other.close()
    audited = await pricing.rows(
        "SELECT details FROM audit_log WHERE action = 'price_book.started' AND subject = :s",
        s=f"price book {shown['version']}",
    )
    assert [row.details["made_by"] for row in audited] == ["Ada"]


async def test_a_quote_asked_for_at_its_moment_is_made_with_it(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    plan_id = await planned(pricing, metal, "120.00")
    made = await pricing.ask(uuid4(), {"sku": "ring-band-750"})
    ((outcome, version, _),) = await ends(pricing, plan_id)
    assert (made.json()["price_book_version"], outcome) == (version, "started")


async def test_who_starts_it_is_not_waited_for(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    before, _ = await present(pricing)
    await planned(pricing, metal, "120.00")
    async with pricing.service.make_uow() as uow:
        started = await uow.books.current()
        assert started.version == before["version"] + 1
        async with asyncio.timeout(5):
            assert (await present(pricing))[0]["version"] == before["version"], "not committed yet: the one before it"
        # Rolled back here, so that somebody else has to do it.
    assert (await present(pricing))[0]["version"] == before["version"] + 1


async def test_what_was_published_meanwhile_stays(pricing: Pricing) -> None:
    metal, other = await metal_of_our_own(pricing), await metal_of_our_own(pricing)
    plan_id = await planned(pricing, metal, "120.00", ahead="1.5 seconds")
    shown, etag = await present(pricing)
    book = copy.deepcopy(shown["book"])
    book["spot_per_g"][other] = "77.00"
    assert (await write(pricing, book, etag)).status_code == 200
    async with asyncio.timeout(20):
        while not await ends(pricing, plan_id):
            await present(pricing)
            await asyncio.sleep(0.1)
    now, _ = await present(pricing)
    assert (now["book"]["spot_per_g"][metal], now["book"]["spot_per_g"][other]) == ("120.00", "77.00")


async def test_one_that_no_longer_fits_is_set_aside_with_its_reason(pricing: Pricing) -> None:
    plan_id = await planned(pricing, "nothing", "0")
    before = (await pricing.rows("SELECT max(version) AS version FROM price_book"))[0].version
    assert (await present(pricing))[0]["version"] == before
    ((outcome, version, told),) = await ends(pricing, plan_id)
    assert (outcome, version) == ("impossible", None) and "spot_per_g.nothing" in told
    listed = await pricing.http.get(f"{PATH}/plans", headers=pricing.token("administrator"))
    assert {"plan_id": str(plan_id), "outcome": "impossible"}.items() <= next(
        item for item in listed.json()["items"] if item["plan_id"] == str(plan_id)
    ).items()


async def test_a_plan_is_made_seen_and_withdrawn_by_administrators(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    shown, etag = await present(pricing)
    book = copy.deepcopy(shown["book"])
    book["spot_per_g"][metal] = "130.00"
    path = f"{PATH}/plans/{uuid4()}"
    starts_at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    body = {"book": book, "reason": "from Monday", "starts_at": starts_at}
    ada = pricing.token("administrator")
    assert (await pricing.http.put(path, json=body, headers=ada)).status_code == 428
    assert (await pricing.http.put(path, json=body, headers=ada | {"if-match": '"1"'})).status_code == 412
    past = body | {"starts_at": "2020-01-01T00:00:00Z"}
    assert (await pricing.http.put(path, json=past, headers=ada | {"if-match": etag})).json()["code"] == "start-is-past"
    same = body | {"book": shown["book"]}
    refused = await pricing.http.put(path, json=same, headers=ada | {"if-match": etag})
    assert refused.json()["code"] == "nothing-changes"
    for _ in range(2):
        made = await pricing.http.put(path, json=body, headers=ada | {"if-match": etag})
        assert made.status_code == 200
    assert [change["path"] for change in made.json()["changes"]] == [f"spot_per_g.{metal}"]
    listed = (await pricing.http.get(f"{PATH}/plans", headers=ada)).json()["items"]
    assert [item["reason"] for item in listed if path.endswith(item["plan_id"])] == ["from Monday"]
    assert (await present(pricing))[0] == shown, "not before its moment"

    withdrawal = {"reason": "too early"}
    for role in ("customer", "seller", "operator"):
        headers = pricing.token(role)
        assert (await pricing.http.put(path, json=body, headers=headers | {"if-match": etag})).status_code == 403
        assert (await pricing.http.post(f"{path}/withdrawal", json=withdrawal, headers=headers)).status_code == 403
        assert (await pricing.http.get(f"{PATH}/plans", headers=headers)).status_code == 403
    for _ in range(2):
        assert (await pricing.http.post(f"{path}/withdrawal", json=withdrawal, headers=ada)).status_code == 204
    assert [end.outcome for end in await ends(pricing, UUID(path[-36:]))] == ["withdrawn"]
    actions = await pricing.rows(
        "SELECT action FROM audit_log WHERE subject = :s ORDER BY id", s=f"price book plan {path[-36:]}"
    )
    assert [row.action for row in actions] == ["price_book.planned", "price_book.plan_withdrawn"]
    unknown = await pricing.http.post(f"{PATH}/plans/{uuid4()}/withdrawal", json=withdrawal, headers=ada)
    assert unknown.status_code == 404


async def test_what_is_in_force_is_not_withdrawn(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    plan_id = await planned(pricing, metal, "120.00")
    answer = await pricing.http.post(
        f"{PATH}/plans/{plan_id}/withdrawal", json={"reason": "late"}, headers=pricing.token("administrator")
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "plan-has-started")


@pytest.mark.parametrize("table", ["price_book_plan", "price_book_plan_end"])
async def test_plans_and_their_ends_cannot_be_rewritten(pricing: Pricing, table: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await pricing.rows(f"DELETE FROM {table} RETURNING 1")  # noqa: S608 - the names above


async def test_a_plan_ends_once_whoever_tries(pricing: Pricing) -> None:
    metal = await metal_of_our_own(pricing)
    plan_id = await planned(pricing, metal, "120.00", ahead="1 day")

    async def withdraw(connection: AsyncConnection) -> None:
        await connection.execute(
            text("INSERT INTO price_book_plan_end (plan_id, outcome, ended_at) VALUES (:p, 'withdrawn', now())"),
            {"p": plan_id},
        )

    async with pricing.service.engine.begin() as connection:
        await withdraw(connection)
    with pytest.raises(Exception, match="price_book_plan_end_pkey"):
        async with pricing.service.engine.begin() as connection:
            await withdraw(connection)


async def test_the_release_before_this_one_still_reads_and_writes(pricing: Pricing) -> None:
    """Its statements, word for word: the highest version is the book, and a row has no reason."""
    metal = await metal_of_our_own(pricing)
    plan_id = await planned(pricing, metal, "140.00")
    await present(pricing)
    ((_, version, _),) = await ends(pricing, plan_id)
    rows = await pricing.rows(
        "SELECT version, book, made_by, made_at FROM price_book ORDER BY price_book.version DESC LIMIT 1"
    )
    assert (rows[0].version, rows[0].book["spot_per_g"][metal]) == (version, "140.00")
    async with pricing.service.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO price_book (version, book, made_by, made_at)"
                " SELECT version + 1, book, 'the release before', now() FROM price_book ORDER BY version DESC LIMIT 1"
            )
        )
    listed = await pricing.http.get(f"{PATH}/versions?limit=2", headers=pricing.token("administrator"))
    assert [(item["version"], item["reason"]) for item in listed.json()["items"]] == [
        (version + 1, None), (version, "planned"),
    ]  # fmt: skip
    assert listed.json()["next"] == version
