"""The rules of CRM. Every class of ports has to keep them: `unit` tries them in memory, `integration` on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from system.crm.application import handlers
from system.crm.application.commands import (
    ApproveOrder,
    AskCustomer,
    CancelOrder,
    CloseOrder,
    ReceiveLetter,
    RepairOrder,
)
from system.crm.domain.errors import (
    NothingToRepair,
    OrderAlreadyDecided,
    OrderChangedSinceRead,
    OrderContentMissing,
    OrderNotAwaitingApproval,
    OrderNotFound,
    TransitionRefused,
)
from system.crm.domain.letter import Letter, Side
from system.crm.tests.harness import (
    CASE_TERMS,
    MARGIN_S,
    SERGEY,
    SOFIA,
    SOFIA_SIGNED_IN,
    START,
    Crm,
    ScriptedOrchestrator,
    approve,
    awaiting_approval,
    changed,
    delivered,
    hear,
    receive,
    reject,
    submitted,
)
from system.kernel.errors import Invalid, Refused
from system.kernel.ids import new_id
from system.kernel.money import Money
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class ReadModelRules:
    """Two sources, any order of arrival, every message possibly twice."""

    @pytest.mark.parametrize("status_first", [False, True])
    async def test_both_halves_are_kept_in_any_order(self, crm: Crm, status_first: bool) -> None:
        content = submitted(email="Clara@Example.org")
        state = changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4, line_id=content.lines[0].line_id)
        for message in (state, content) if status_first else (content, state):
            await hear(crm, message)

        order = await crm.order(content.order_id)
        assert (order.status, order.version, order.total) == ("PRICE_CALCULATED", 4, Money.of("10500.00", "RUB"))
        assert order.content is not None
        assert order.content.customer["email"] == "Clara@Example.org"
        assert order.content.agreed_total == Money.of("10450.00", "RUB")
        assert "approval" in order.allowed_actions

    async def test_an_older_state_never_overwrites_a_newer_one(self, crm: Crm) -> None:
        content = submitted()
        await hear(crm, content)
        await hear(crm, changed(content.order_id, OrderStatus.CANCELLED, version=5))

        await hear(crm, changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4))

        assert (await crm.order(content.order_id)).status == "CANCELLED"

    async def test_content_heard_twice_changes_nothing(self, crm: Crm) -> None:
        content = submitted()
        await hear(crm, content)
        await hear(crm, submitted(content.order_id, email="other@example.org"))

        order = await crm.order(content.order_id)
        assert order.content is not None
        assert order.content.customer["email"] == "clara@example.org"

    async def test_a_decision_survives_later_messages(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await approve(crm, order_id, SOFIA)

        await hear(crm, changed(order_id, OrderStatus.MANUFACTURING_APPROVED, version=5))

        order = await crm.order(order_id)
        assert order.decision is not None
        assert (order.decision.kind, order.decision.seller, order.status) == (
            "approved",
            SOFIA,
            "MANUFACTURING_APPROVED",
        )


class DecisionRules:
    """One decision, by the first seller, while it counts."""

    async def test_an_approval_is_kept_and_reported(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)

        answer = await approve(crm, order_id, SOFIA)

        assert answer.status == 200
        assert answer.body is not None
        assert answer.body["decision"]["seller_name"] == "Sofia"
        assert answer.body["allowed_actions"] == ["cancellation"]
        [message] = await crm.messages(order_id)
        assert (message["type"], message["seller_name"]) == ("crm.order_approved.v1", "Sofia")

    async def test_a_rejection_is_reported_with_its_reason(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)

        await reject(crm, order_id, SERGEY, reason="the wall is too thin")

        [message] = await crm.messages(order_id)
        assert (message["type"], message["reason"]) == ("crm.order_rejected.v1", "the wall is too thin")

    async def test_the_second_decision_is_refused_with_who_was_first(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await approve(crm, order_id, SOFIA)
        crm.clock.at += timedelta(minutes=1)

        for decide in (approve, reject):
            with pytest.raises(OrderAlreadyDecided) as refusal:
                await decide(crm, order_id, SERGEY)
            assert refusal.value.extra["decided_by"] == "Sofia"
            assert refusal.value.extra["decided_at"] == START.isoformat()
            assert refusal.value.extra["order_status"] == "PRICE_CALCULATED"
        assert len(await crm.messages(order_id)) == 1

    async def test_a_late_approval_of_a_cancelled_order_is_refused(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await hear(crm, changed(order_id, OrderStatus.CANCELLED, version=5))

        with pytest.raises(OrderNotAwaitingApproval) as refusal:
            await approve(crm, order_id)

        assert refusal.value.status == 409
        assert refusal.value.extra == {"order_status": "CANCELLED", "allowed": []}
        assert await crm.messages(order_id) == []

    async def test_an_early_approval_is_refused_with_what_is_allowed(self, crm: Crm) -> None:
        content = submitted()
        await hear(crm, content)
        await hear(crm, changed(content.order_id, OrderStatus.SUBMITTED, version=3))

        with pytest.raises(OrderNotAwaitingApproval) as refusal:
            await approve(crm, content.order_id)

        assert refusal.value.extra["allowed"] == ["PRICE_CALCULATED", "CANCELLED"]

    async def test_nobody_approves_what_they_cannot_see(self, crm: Crm) -> None:
        order_id = new_id()
        await hear(crm, changed(order_id, OrderStatus.PRICE_CALCULATED, version=4))

        with pytest.raises(OrderContentMissing):
            await approve(crm, order_id)

    async def test_a_decision_on_an_old_view_is_refused(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)

        with pytest.raises(OrderChangedSinceRead) as refusal:
            await approve(crm, order_id, seen_version=3)

        assert refusal.value.status == 412
        assert (await approve(crm, order_id, seen_version=4)).status == 200

    async def test_an_unknown_order_is_not_found(self, crm: Crm) -> None:
        with pytest.raises(OrderNotFound):
            await approve(crm, new_id())

    async def test_a_repeated_request_gets_the_first_answer(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        command = ApproveOrder(order_id, SOFIA, IdempotencyKey("sofia approves", str(new_id()), "body"))

        first = await handlers.approve_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)
        again = await handlers.approve_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)

        assert again == first
        assert len(await crm.messages(order_id)) == 1


class LetterRules:
    """Sellers ask, customers answer; an order waits for whoever was asked last."""

    async def test_a_question_makes_the_order_wait_and_the_answer_ends_that(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        asked = await handlers.ask_customer(AskCustomer(order_id, SOFIA, "May the band be wider?"), crm.make_uow())
        assert (asked.status, (await crm.order(order_id)).waits_for_customer_since) == (201, START)
        assert asked.body is not None
        assert UUID(asked.body["letter_id"]) in await crm.to_tell(), "the customer hears of it by e-mail"

        letter = Letter(new_id(), order_id, Side.CUSTOMER, "Clara", "Yes.", START + timedelta(hours=1))
        first = await handlers.receive_letter(ReceiveLetter(letter), crm.make_uow(), terms=CASE_TERMS)
        again = await handlers.receive_letter(ReceiveLetter(letter), crm.make_uow(), terms=CASE_TERMS)

        assert first == again
        assert letter.id not in await crm.to_tell()
        assert (await crm.order(order_id)).waits_for_customer_since is None
        async with crm.make_uow() as uow:
            assert [(each.side, each.text) for each in await uow.letters.of(order_id)] == [
                ("seller", "May the band be wider?"),
                ("customer", "Yes."),
            ]

    async def test_a_letter_that_comes_twice_does_not_answer_a_later_question(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        letter = Letter(new_id(), order_id, Side.CUSTOMER, "Clara", "Yes.", START)
        await handlers.receive_letter(ReceiveLetter(letter), crm.make_uow(), terms=CASE_TERMS)
        await handlers.ask_customer(AskCustomer(order_id, SOFIA, "And the stone?"), crm.make_uow())
        await handlers.receive_letter(ReceiveLetter(letter), crm.make_uow(), terms=CASE_TERMS)
        assert (await crm.order(order_id)).waits_for_customer_since == START

    async def test_a_question_is_asked_once_per_key(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        command = AskCustomer(order_id, SOFIA, "Wider?", IdempotencyKey("sofia", str(new_id()), "body"))
        first = await handlers.ask_customer(command, crm.make_uow())
        assert await handlers.ask_customer(command, crm.make_uow()) == first
        async with crm.make_uow() as uow:
            assert len(await uow.letters.of(order_id)) == 1

    async def test_a_seller_may_decide_without_the_answer(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await handlers.ask_customer(AskCustomer(order_id, SOFIA, "Wider?"), crm.make_uow())
        assert (await approve(crm, order_id)).status == 200

    async def test_nobody_is_asked_about_what_is_not_known(self, crm: Crm) -> None:
        with pytest.raises(OrderNotFound):
            await handlers.ask_customer(AskCustomer(new_id(), SOFIA, "Wider?"), crm.make_uow())
        order_id = new_id()
        await hear(crm, changed(order_id, OrderStatus.PRICE_CALCULATED, version=4))
        with pytest.raises(OrderContentMissing):
            await handlers.ask_customer(AskCustomer(order_id, SOFIA, "Wider?"), crm.make_uow())
        async with crm.make_uow() as uow:
            assert await uow.letters.of(order_id) == []


class EndingRules:
    """Closing and cancelling are the orchestrator's to decide."""

    async def test_a_closure_asks_the_orchestrator_once_per_key(self, crm: Crm) -> None:
        order_id, orchestrator = new_id(), ScriptedOrchestrator()
        command = CloseOrder(order_id, SOFIA_SIGNED_IN, "handed over", IdempotencyKey("sofia", str(new_id()), "body"))

        first = await handlers.close_order(command, crm.make_uow(), orchestrator)
        again = await handlers.close_order(command, crm.make_uow(), orchestrator)

        assert orchestrator.asked == [("close", order_id, "Sofia", "handed over")]
        assert first == again
        assert (first.status, first.body) == (
            200,
            {"outcome": "closed", "order": {"order_id": str(order_id), "status": "CLOSED"}},
        )

    async def test_a_cancellation_that_mes_decides_is_only_requested(self, crm: Crm) -> None:
        orchestrator = ScriptedOrchestrator(is_final=False)

        answer = await handlers.cancel_order(
            CancelOrder(new_id(), SOFIA_SIGNED_IN, "the customer called"), crm.make_uow(), orchestrator
        )

        assert answer.status == 202
        assert answer.body is not None
        assert answer.body["outcome"] == "requested"

    async def test_the_orchestrators_refusal_is_the_sellers_and_may_be_asked_again(self, crm: Crm) -> None:
        refusal = TransitionRefused(detail="too late", order_status="SHIPPED", allowed=("CLOSED",))
        key = IdempotencyKey("sofia", str(new_id()), "body")
        command = CancelOrder(new_id(), SOFIA_SIGNED_IN, "the customer called", key)

        with pytest.raises(Refused) as refused:
            await handlers.cancel_order(command, crm.make_uow(), ScriptedOrchestrator(refusal=refusal))
        assert refused.value.extra == {"order_status": "SHIPPED", "allowed": ["CLOSED"]}

        answer = await handlers.cancel_order(command, crm.make_uow(), ScriptedOrchestrator())
        assert answer.status == 200

    async def test_a_repair_is_ordered_once_per_key_and_audited(self, crm: Crm) -> None:
        order_id, orchestrator = new_id(), ScriptedOrchestrator()
        command = RepairOrder(order_id, SOFIA_SIGNED_IN, IdempotencyKey("sofia", str(new_id()), "body"))

        first = await handlers.repair_order(command, crm.make_uow(), orchestrator)
        again = await handlers.repair_order(command, crm.make_uow(), orchestrator)

        assert orchestrator.asked == [("repair", order_id, "Sofia", "")]
        assert first == again == Answer(200, {"replayed": 1, "resent": False, "not_answering": []})
        with pytest.raises(NothingToRepair):
            await handlers.repair_order(RepairOrder(order_id, SOFIA_SIGNED_IN), crm.make_uow(), orchestrator)

    async def test_a_key_with_another_body_is_refused(self, crm: Crm) -> None:
        key, order_id = str(new_id()), new_id()
        first = CloseOrder(order_id, SOFIA_SIGNED_IN, "a", IdempotencyKey("sofia", key, "one"))
        other = CloseOrder(order_id, SOFIA_SIGNED_IN, "b", IdempotencyKey("sofia", key, "two"))
        await handlers.close_order(first, crm.make_uow(), ScriptedOrchestrator())

        with pytest.raises(Invalid):
            await handlers.close_order(other, crm.make_uow(), ScriptedOrchestrator())


class DeliveryRules:
    """A delivery is reported once, whichever half is known first."""

    async def test_a_delivered_parcel_is_reported_in_the_words_of_its_label(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T-{new_id().hex}"
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))

        outcome = await receive(crm, delivered("cdek", number.lower().replace("-", " ")))

        assert outcome == "matched"
        [message] = await crm.messages(order_id)
        assert message["type"] == "crm.shipment_delivered.v1"
        assert (message["carrier"], message["tracking_number"]) == ("CDEK", number)
        assert message["delivered_at"].startswith("2026-03-11T09:00:00")

    async def test_an_unknown_parcel_is_kept_and_matched_when_it_becomes_known(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T{new_id().hex}"
        assert await receive(crm, delivered("CDEK", number)) == "kept"
        assert await crm.messages(order_id) == []

        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))

        assert [message["type"] for message in await crm.messages(order_id)] == ["crm.shipment_delivered.v1"]

    async def test_a_duplicate_message_acts_once(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T{new_id().hex}"
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))
        event = delivered("CDEK", number)

        outcomes = [await receive(crm, event) for _ in range(3)]

        assert outcomes == ["matched", "duplicate", "duplicate"]
        assert len(await crm.messages(order_id)) == 1

    async def test_the_same_delivery_under_another_id_is_reported_once(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T{new_id().hex}"
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))

        await receive(crm, delivered("CDEK", number))
        await receive(crm, delivered("CDEK", number))
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=10, parcels=(("CDEK", number),)))

        assert len(await crm.messages(order_id)) == 1

    async def test_two_lines_in_one_parcel_are_one_delivery_and_two_parcels_are_two(self, crm: Crm) -> None:
        order_id, one, two = new_id(), f"T{new_id().hex}", f"T{new_id().hex}"
        parcels = (("CDEK", one), ("CDEK", one), ("CDEK", two))
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=parcels))

        await receive(crm, delivered("CDEK", one))
        assert len(await crm.messages(order_id)) == 1
        await receive(crm, delivered("CDEK", two))
        assert [message["tracking_number"] for message in await crm.messages(order_id)] == [one, two]

    async def test_another_carriers_parcel_of_the_same_number_is_not_ours(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T{new_id().hex}"
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))

        assert await receive(crm, delivered("DHL", number)) == "kept"
        assert await crm.messages(order_id) == []

    async def test_only_a_delivery_closes_anything(self, crm: Crm) -> None:
        order_id, number = new_id(), f"T{new_id().hex}"
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))

        assert await receive(crm, delivered("CDEK", number, event="in_transit")) == "kept"
        assert await crm.messages(order_id) == []
        assert await receive(crm, delivered("CDEK", number)) == "matched"
