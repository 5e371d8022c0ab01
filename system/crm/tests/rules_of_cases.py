"""The rules of returns and complaints: tried in memory and on PostgreSQL, as the others."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from system.crm.application import cases, handlers
from system.crm.application.commands import AskCustomer, DecideCase, ReceiveLetter
from system.crm.domain.case import CaseKind, CaseReason, CaseState, CaseWish
from system.crm.domain.errors import (
    AnswerMissing,
    CaseAlreadyOpen,
    CaseChangedSinceRead,
    CaseHasEnded,
    CaseNotFound,
    OrderContentMissing,
    OrderNotFound,
    PieceNotOfOrder,
    ReturnTooEarly,
    ReturnTooLate,
)
from system.crm.domain.letter import Letter, Side
from system.crm.tests.harness import (
    CASE_TERMS,
    SERGEY,
    SOFIA,
    START,
    Crm,
    awaiting_approval,
    cases_of,
    changed,
    complain,
    decide,
    hear,
    sent,
    write,
)
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.unit_of_work import IdempotencyKey

RETURN = CaseWish(CaseKind.RETURN, CaseReason.DOES_NOT_FIT)
COMPLAINT = CaseWish(CaseKind.COMPLAINT, CaseReason.LATE)


class OpeningRules:
    """What a customer may open, and when."""

    async def test_a_return_is_a_letter_that_waits_for_us(self, crm: Crm) -> None:
        order_id = await sent(crm)

        case_id = await write(crm, order_id, "Size 17, please.", wish=RETURN)

        [case] = await cases_of(crm, order_id)
        assert (case.id, case.wish, case.state) == (case_id, RETURN, CaseState.OPEN)
        assert (case.opened_at, case.due_at) == (START, START + CASE_TERMS.answer_within)
        assert [(step.state, step.by, step.by_seller) for step in case.steps] == [(CaseState.OPEN, "Clara", False)]
        async with crm.make_uow() as uow:
            assert [each.text for each in await uow.letters.of(order_id)] == ["Size 17, please."]
        assert await crm.audited(order_id) == [
            ("case_opened", {"case": str(case_id), "kind": "return", "reason": "does_not_fit"})
        ]

    async def test_the_same_letter_again_opens_nothing_more(self, crm: Crm) -> None:
        order_id = await sent(crm)
        letter = Letter(new_id(), order_id, Side.CUSTOMER, "Clara", "Too small.", START)
        answers = [
            await handlers.receive_letter(ReceiveLetter(letter, RETURN), crm.make_uow(), terms=CASE_TERMS)
            for _ in range(2)
        ]
        assert answers[0] == answers[1]
        assert len(await cases_of(crm, order_id)) == 1

    async def test_nothing_comes_back_before_it_was_sent_and_a_complaint_may_always_be_made(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        with pytest.raises(ReturnTooEarly):
            await write(crm, order_id, wish=RETURN)
        async with crm.make_uow() as uow:
            assert await uow.letters.of(order_id) == [], "what was refused is no letter either"
        await write(crm, order_id, wish=COMPLAINT)
        assert [each.wish for each in await cases_of(crm, order_id)] == [COMPLAINT]

    async def test_a_return_is_open_for_fourteen_days_after_the_delivery(self, crm: Crm) -> None:
        order_id, late_id = await sent(crm, OrderStatus.CLOSED), await sent(crm, OrderStatus.CLOSED)
        crm.clock.at = START + timedelta(days=14)
        await write(crm, order_id, wish=RETURN)
        crm.clock.at += timedelta(seconds=1)
        with pytest.raises(ReturnTooLate):
            await write(crm, late_id, wish=RETURN)
        await write(crm, late_id, wish=COMPLAINT)

    async def test_one_is_looked_at_at_a_time(self, crm: Crm) -> None:
        order_id = await sent(crm)
        case = await complain(crm, order_id)
        with pytest.raises(CaseAlreadyOpen):
            await write(crm, order_id, wish=RETURN)
        await decide(crm, case, CaseState.REFUSED, "It is as you drew it.")
        await write(crm, order_id, wish=RETURN)
        assert [each.state for each in await cases_of(crm, order_id)] == [CaseState.REFUSED, CaseState.OPEN]

    async def test_only_pieces_of_the_order_come_back(self, crm: Crm) -> None:
        order_id = await sent(crm)
        content = (await crm.order(order_id)).content
        assert content is not None
        with pytest.raises(PieceNotOfOrder):
            await write(crm, order_id, wish=CaseWish(CaseKind.RETURN, CaseReason.DAMAGED, (new_id(),)))
        line_id = content.lines[0]["line_id"]
        wish = CaseWish(CaseKind.RETURN, CaseReason.DAMAGED, (UUID(line_id),))
        await write(crm, order_id, wish=wish)
        assert [each.wish for each in await cases_of(crm, order_id)] == [wish]

    async def test_nothing_is_opened_about_what_is_not_known(self, crm: Crm) -> None:
        with pytest.raises(OrderNotFound):
            await write(crm, new_id(), wish=COMPLAINT)
        order_id = new_id()
        await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9))
        with pytest.raises(OrderContentMissing):
            await write(crm, order_id, wish=COMPLAINT)


class AnsweringRules:
    """What sellers make of it."""

    async def test_an_accepted_return_says_where_it_goes_to_and_waits_no_more(self, crm: Crm) -> None:
        case = await complain(crm, await sent(crm), CaseKind.RETURN)
        command = DecideCase(case.order_id, case.id, SOFIA, CaseState.ACCEPTED)
        answer = await cases.decide_case(command, crm.make_uow(), terms=CASE_TERMS)
        assert answer.body is not None
        assert (answer.body["return_to"], answer.body["due_at"]) == (CASE_TERMS.return_address, None)
        assert answer.body["allowed_actions"] == ["closure"]
        [_, (action, details)] = await crm.audited(case.order_id)
        assert (action, details) == ("case_accepted", {"case": str(case.id), "kind": "return"})

    async def test_who_refuses_or_accepts_a_complaint_says_something(self, crm: Crm) -> None:
        case = await complain(crm, await sent(crm))
        for state in (CaseState.REFUSED, CaseState.ACCEPTED, CaseState.ANSWERED):
            with pytest.raises(AnswerMissing):
                await decide(crm, case, state)
        refused = await decide(crm, case, CaseState.REFUSED, "It is as you drew it.")
        assert [(step.state, step.by, step.text) for step in refused.steps[1:]] == [
            (CaseState.REFUSED, "Sofia", "It is as you drew it.")
        ]

    async def test_it_is_decided_once_and_the_second_is_told_by_whom(self, crm: Crm) -> None:
        case = await complain(crm, await sent(crm), CaseKind.RETURN)
        await decide(crm, case, CaseState.ACCEPTED)
        with pytest.raises(CaseHasEnded) as refusal:
            await decide(crm, case, CaseState.REFUSED, "No.", SERGEY)
        assert (refusal.value.extra["by"], refusal.value.extra["case_state"]) == ("Sofia", "accepted")
        closed = await decide(crm, case, CaseState.CLOSED, "It has come.")
        with pytest.raises(CaseHasEnded):
            await decide(crm, closed, CaseState.CLOSED)

    async def test_nobody_decides_about_what_changed_meanwhile(self, crm: Crm) -> None:
        case = await complain(crm, await sent(crm))
        asked = await decide(crm, case, CaseState.ANSWERED, "Which stone?", seen_version=case.version)
        with pytest.raises(CaseChangedSinceRead):
            await decide(crm, case, CaseState.REFUSED, "No.", SERGEY, seen_version=case.version)
        await decide(crm, asked, CaseState.REFUSED, "No.", SERGEY, seen_version=asked.version)

    async def test_a_question_is_a_letter_and_the_answer_makes_it_wait_for_us_again(self, crm: Crm) -> None:
        order_id = await sent(crm)
        case = await complain(crm, order_id)
        asked = await decide(crm, case, CaseState.ANSWERED, "Which stone?")
        assert asked.due_at is None
        assert (await crm.order(order_id)).waits_for_customer_since == START
        crm.clock.at += timedelta(days=2)

        await write(crm, order_id, "The large one.")

        [heard] = await cases_of(crm, order_id)
        assert (heard.state, heard.due_at) == (CaseState.OPEN, crm.clock.at + CASE_TERMS.answer_within)
        assert (await crm.order(order_id)).waits_for_customer_since is None
        async with crm.make_uow() as uow:
            assert [(each.side, each.text) for each in await uow.letters.of(order_id)][1:] == [
                (Side.SELLER, "Which stone?"),
                (Side.CUSTOMER, "The large one."),
            ]

    async def test_a_letter_leaves_alone_what_waits_for_us_and_what_is_decided(self, crm: Crm) -> None:
        order_id = await sent(crm)
        case = await complain(crm, order_id)
        crm.clock.at += timedelta(hours=1)
        await write(crm, order_id, "Hello?")
        assert await cases_of(crm, order_id) == [case]
        refused = await decide(crm, case, CaseState.REFUSED, "No.")
        await write(crm, order_id, "Why?")
        assert await cases_of(crm, order_id) == [refused]

    async def test_a_question_about_something_else_goes_on_waiting(self, crm: Crm) -> None:
        order_id = await sent(crm)
        case = await complain(crm, order_id)
        await handlers.ask_customer(AskCustomer(order_id, SOFIA, "A ribbon?"), crm.make_uow())
        await decide(crm, case, CaseState.REFUSED, "No.")
        assert (await crm.order(order_id)).waits_for_customer_since == START

    async def test_a_decision_is_made_once_per_key_and_about_this_order(self, crm: Crm) -> None:
        case, other_id = await complain(crm, await sent(crm), CaseKind.RETURN), await sent(crm)
        key = IdempotencyKey("sofia", str(new_id()), "body")
        command = DecideCase(case.order_id, case.id, SOFIA, CaseState.ACCEPTED, "", key)
        first = await cases.decide_case(command, crm.make_uow(), terms=CASE_TERMS)
        assert await cases.decide_case(command, crm.make_uow(), terms=CASE_TERMS) == first
        for order_id, case_id in ((other_id, case.id), (case.order_id, new_id())):
            strange = DecideCase(order_id, case_id, SOFIA, CaseState.CLOSED)
            with pytest.raises(CaseNotFound):
                await cases.decide_case(strange, crm.make_uow(), terms=CASE_TERMS)
