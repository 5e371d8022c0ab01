"""Which letters an order's customer gets, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

from typing import Any

import pytest

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderChanged
from system.plumbing.mail.notice import KeptNotice, NoticeState
from system.shop.application.notices import tell_of_question
from system.shop.domain.order import Customer, Order
from system.shop.tests.bench import ESTIMATE, Bench, changed, customer, money, terms

ROAD = (
    "INITIATED",
    "FILE_UPLOADED",
    "SUBMITTED",
    "PRICE_CALCULATED",
    "MANUFACTURING_APPROVED",
    "MANUFACTURING_STARTED",
    "MANUFACTURING_COMPLETED",
    "PACKAGING",
    "SHIPPED",
    "CLOSED",
)
QUESTION = {"reasons": ["expired"], "agreed_total": money("100.00"), "total": money("120.00")}


def along(order: Order, *statuses: str, **more: Any) -> list[OrderChanged]:
    """The orchestrator's word at each of these statuses, with all that came before it."""
    told: list[OrderChanged] = []
    steps: list[dict[str, Any]] = []
    for version, status in enumerate(statuses, start=1):
        alone = changed(order, status, version=version)
        steps.append(alone.history[0].model_dump(mode="json"))
        extra = {"consent": QUESTION} if status == "AWAITING_CUSTOMER" else {}
        told.append(changed(order, status, version=version, history=list(steps), **extra, **more))
    return told


class Telling:
    async def kinds(self, bench: Bench, order: Order, *states: NoticeState) -> list[str]:
        return [each.notice.kind for each in await bench.notices(order.id) if not states or each.state in states]

    async def test_each_milestone_is_written_about_once(self, bench: Bench) -> None:
        order = await bench.submitted()
        road = along(order, *ROAD)
        for message in road:
            await bench.tells(message, message)
        await bench.tells(*reversed(road))
        assert sorted(await self.kinds(bench, order)) == [
            "order-approved", "order-closed", "order-received", "order-shipped",
        ]  # fmt: skip

    async def test_a_version_that_never_came_loses_no_letter(self, bench: Bench) -> None:
        order = await bench.submitted()
        road = along(order, *ROAD)
        await bench.tells(road[2], road[8])
        assert sorted(await self.kinds(bench, order)) == ["order-approved", "order-received", "order-shipped"]
        await bench.tells(*road)
        assert sorted(await self.kinds(bench, order)) == [
            "order-approved", "order-closed", "order-received", "order-shipped",
        ]  # fmt: skip

    async def test_what_was_recorded_before_there_were_letters_is_no_news(self, bench: Bench) -> None:
        order = await bench.submitted()
        road = along(order, *ROAD)
        await bench.tells(road[8])
        await bench.forget_notices()
        await bench.tells(*road)
        assert await self.kinds(bench, order) == ["order-closed"]

    async def test_a_letter_says_what_its_customer_needs_in_their_language(self, bench: Bench) -> None:
        order = await bench.submitted()
        parcel = {"work_order_id": str(new_id()), "carrier": "CDEK", "tracking_number": "SP1"}
        await bench.tells(*along(order, *ROAD[:9], shipments=[parcel]))
        assert order.terms is not None
        shipped = await self.one(bench, order, "order-shipped")
        assert (shipped.notice.to, shipped.notice.language) == (
            order.terms.customer.email, order.terms.customer.language,
        )  # fmt: skip
        facts = shipped.notice.facts
        assert facts["number"] == order.number and facts["parcels"] == [{"carrier": "CDEK", "tracking_number": "SP1"}]
        assert facts["promise_at"].startswith("2026-12")

    async def test_every_question_is_asked_once_and_withdrawn_when_it_is_over(self, bench: Bench) -> None:
        order = await bench.submitted()
        asked, answered, again, gone = along(
            order, "SUBMITTED", "AWAITING_CUSTOMER", "SUBMITTED", "AWAITING_CUSTOMER", "PRICE_CALCULATED"
        )[1:]
        await bench.tells(asked, asked)
        assert (await self.kinds(bench, order)).count("price-question") == 1
        await bench.tells(answered)
        assert await self.kinds(bench, order, NoticeState.WITHDRAWN) == ["price-question"]
        await bench.tells(again)
        assert (await self.kinds(bench, order, NoticeState.WAITING)).count("price-question") == 1
        await bench.tells(gone)
        assert "price-question" not in await self.kinds(bench, order, NoticeState.WAITING)

    async def test_a_question_that_is_over_already_is_never_asked(self, bench: Bench) -> None:
        order = await bench.submitted()
        road = along(order, "SUBMITTED", "AWAITING_CUSTOMER", "PRICE_CALCULATED")
        await bench.tells(road[0], road[2], road[1])
        assert await self.kinds(bench, order) == ["order-received"]

    @pytest.mark.parametrize(
        ("end", "kind"),
        [("CANCELLED", "order-cancelled"), ("REJECTED", "order-rejected"), ("PRICE_FAILED", "price-failed")],
    )
    async def test_an_early_end_is_told_and_nothing_that_it_made_untrue(
        self, bench: Bench, end: str, kind: str
    ) -> None:
        order = await bench.submitted()
        road = along(order, "SUBMITTED", "MANUFACTURING_APPROVED", end)
        await bench.tells(road[2])
        assert sorted(await self.kinds(bench, order)) == sorted([kind, "order-received"])

    async def test_a_cart_and_a_partner_get_no_letters(self, bench: Bench) -> None:
        cart = await bench.order(await bench.cart())
        await bench.tells(*along(cart, "INITIATED", "CANCELLED"))
        assert await self.kinds(bench, cart) == []
        partner = customer("Gold and Co", roles=frozenset({"partner"}))
        bench.anna = partner
        theirs = await bench.submitted()
        await bench.tells(*along(theirs, *ROAD))
        assert await self.kinds(bench, theirs) == []

    async def test_a_guest_is_written_to_at_the_orders_own_e_mail_alone(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model()))
        await bench.submit(order_id, terms(ESTIMATE, customer=Customer("Vera", "guest-1@guest.invalid", None, "ru")))
        order = await bench.order(order_id)
        await bench.tells(*along(order, *ROAD))
        assert await self.kinds(bench, order) == []

    async def test_a_sellers_letter_is_told_once(self, bench: Bench) -> None:
        order, letter_id = await bench.submitted(), new_id()
        await bench.tells(*along(order, "SUBMITTED"))
        outcomes = []
        for about in (letter_id, letter_id, new_id()):
            async with bench.tools.begin() as uow:
                outcomes.append(await tell_of_question(order.id, about, uow))
                await uow.commit()
        assert outcomes == [True, False, True]
        assert (await self.kinds(bench, order)).count("seller-wrote") == 2

    async def one(self, bench: Bench, order: Order, kind: str) -> KeptNotice:
        [found] = [each for each in await bench.notices(order.id) if each.notice.kind == kind]
        return found
