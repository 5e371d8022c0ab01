"""The whole way of a letter: from the orchestrator's word to the mailbox, and what CRM hears of it."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from system.kernel.ids import new_id
from system.plumbing.tests.people import People
from system.plumbing.tests.post import real_post
from system.plumbing.tokens import TokenAuthority
from system.shop.main import service
from system.shop.tests.bench import Bench
from system.shop.tests.contract_notices import ROAD, along
from system.shop.tests.integration.conftest import Database

pytestmark = pytest.mark.integration
ANNA = "anna@example.org"


def as_service(database: Database, name: str) -> dict[str, str]:
    token = TokenAuthority(database.infrastructure.settings_of(name)).issue_for_service(to="shop", acting_for=None)
    return {"authorization": f"Bearer {token}"}


async def test_letters_reach_the_mailbox_once_and_lead_to_the_order(database: Database, bench: Bench) -> None:
    order = await bench.submitted()
    with real_post() as post:
        told = {"roles": "api,timer", "smtp_host": "127.0.0.1", "smtp_port": post.port, "lease_ttl_s": 1.0}
        shop = service(database.settings.model_copy(update=told))
        async with shop.app.router.lifespan_context(shop.app):
            for message in along(order, *ROAD):
                await bench.tells(message, message)
            async with asyncio.timeout(20):
                while len(post.letters(ANNA)) < 4:
                    await asyncio.sleep(0.05)
            http = httpx.AsyncClient(transport=httpx.ASGITransport(shop.app), base_url="https://localhost:8443")
            [arrived] = [letter for letter in post.letters(ANNA) if "доставлен" in letter.subject]
            link = re.search(r"https://localhost:8443(/shop/track/[\w-]+)", arrived.text)
            assert link is not None and order.number in (await http.get(link[1], headers={"accept": "text/html"})).text
            heard = await http.get(f"/internal/orders/{order.id}/notices", headers=as_service(database, "crm"))
        assert len({letter.message_id for letter in post.letters(ANNA)}) == len(post.letters(ANNA)) == 4
    assert {(each["kind"], each["state"]) for each in heard.json()["items"]} == {
        ("order-received", "sent"), ("order-approved", "sent"), ("order-shipped", "sent"), ("order-closed", "sent"),
    }  # fmt: skip
    assert ANNA not in heard.text


async def test_news_of_a_sellers_letter_is_for_crm_to_tell(database: Database, bench: Bench) -> None:
    order, letter_id = await bench.submitted(), str(new_id())
    await bench.tells(*along(order, "SUBMITTED"))
    shop = service(database.settings.model_copy(update={"roles": "api"}))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(shop.app), base_url="https://localhost:8443")
    crm, path = as_service(database, "crm"), f"/internal/orders/{order.id}/news"

    answers = [await http.post(path, json={"letter_id": letter_id}, headers=crm) for _ in range(2)]
    unknown = await http.post(f"/internal/orders/{new_id()}/news", json={"letter_id": letter_id}, headers=crm)
    stranger = await http.post(path, json={"letter_id": letter_id}, headers=as_service(database, "mes"))
    customer = await http.get(
        f"/internal/orders/{order.id}/notices",
        headers=People(database.infrastructure, asked="shop").headers("Anna", "customer"),
    )

    assert [answer.json() for answer in answers] == [{"posted": True}, {"posted": False}]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "order-not-found")
    assert stranger.status_code == customer.status_code == 403
    await shop.close()
