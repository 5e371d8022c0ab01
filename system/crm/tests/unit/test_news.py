"""Customers hear by e-mail that a seller wrote to them: CRM asks the shop until it has taken the news."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.crm.adapters.shop import HttpShop
from system.crm.application.news import tell_news
from system.crm.entrypoints.story import NOTICES, UNDELIVERED, as_view, story_of
from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.unit.test_web import settings_of
from system.plumbing.tokens import Principal

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
WHO = Principal(new_id(), frozenset({"seller"}), "Sofia", "sofia@example.com")
ORDER: dict[str, Any] = {
    "order_id": str(new_id()), "history": [], "carrier_events": [], "letters": [], "due_at": None, "allowed": [],
    "status": "SHIPPED", "waits_for_customer_since": None,
}  # fmt: skip


class Untold:
    def __init__(self, count: int) -> None:
        self.waiting = [(new_id(), new_id()) for _ in range(count)]

    async def find(self, *, limit: int) -> list[tuple[UUID, UUID]]:
        return self.waiting[:limit]

    async def told(self, letter_id: UUID) -> None:
        self.waiting = [each for each in self.waiting if each[1] != letter_id]


def shop_that(answers: Callable[[httpx.Request], httpx.Response]) -> HttpShop:
    return HttpShop(ServiceClient(settings_of("shop"), transport=httpx.MockTransport(answers)))


async def test_news_is_passed_on_until_the_shop_has_it() -> None:
    untold, asked = Untold(3), []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(503 if len(asked) == 2 else 200, json={"posted": True})

    shop = shop_that(answers)
    first = untold.waiting[0][0]
    assert (await tell_news(untold, shop), len(untold.waiting)) == (1, 2)
    assert (await tell_news(untold, shop), len(untold.waiting)) == (2, 0)
    assert asked[0] == f"/internal/orders/{first}/news" and asked[1] == asked[2]


@pytest.mark.parametrize(
    ("answer", "stays"),
    [
        (httpx.Response(200, json={"posted": False}), 0),
        (httpx.Response(404, json={"code": "order-not-found"}), 0),
        (httpx.Response(404, json={"code": "not-found"}), 1),
        (httpx.Response(404, text="a shop of the release before"), 1),
        (httpx.Response(500), 1),
    ],
)
async def test_only_a_shop_that_understood_ends_the_asking(answer: httpx.Response, stays: int) -> None:
    untold = Untold(1)
    await tell_news(untold, shop_that(lambda _: answer))
    assert len(untold.waiting) == stays


async def test_what_the_shop_wrote_is_part_of_the_story() -> None:
    def notice(kind: str, state: str, minute: int) -> dict[str, Any]:
        at = NOW.replace(minute=minute).isoformat()
        return {
            "kind": kind,
            "state": state,
            "written_at": at,
            "settled_at": at if state == "sent" else None,
            "said": None,
        }

    items = [
        notice("order-received", "sent", 1),
        notice("price-question", "withdrawn", 2),
        notice("order-shipped", "refused", 3),
        notice("order-engraved", "sent", 4),
    ]
    shop = shop_that(lambda _: httpx.Response(200, json={"items": items}))
    told = {"entries": [], "not_answering": {}, "order": {"saga": []}}
    story = story_of(ORDER, told, await shop.notices(UUID(ORDER["order_id"]), who=WHO), now=NOW)
    lines = [(line["text"], line["reason"]) for line in as_view(story)["lines"] if line["kind"] == "notice"]
    assert lines == [
        ("We wrote to the customer", None),
        (NOTICES["order-shipped"], UNDELIVERED["refused"]),
        (NOTICES["order-received"], None),
    ]
    assert story.not_heard == ()
    assert story_of(ORDER, told, None, now=NOW).not_heard == ("shop",)
    with pytest.raises(Unavailable):
        await shop_that(lambda _: httpx.Response(404)).notices(new_id(), who=WHO)
