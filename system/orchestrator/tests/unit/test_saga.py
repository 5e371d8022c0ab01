"""The saga read aloud: given an order, expect a command, reply with a fact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from system.orchestrator.application.wire import order_changed
from system.orchestrator.domain import ending
from system.orchestrator.domain.ending import CancellationAnswer
from system.orchestrator.domain.errors import NothingToResend
from system.orchestrator.domain.order import Policy
from system.orchestrator.domain.saga import BY_NAME, SAGA, Command, Patience, State, Waits
from system.orchestrator.domain.status import Status, Who
from system.orchestrator.domain.work import WorkFact
from system.orchestrator.tests.saga_play import POLICY, Play

C = Command


def test_a_custom_order_from_submission_to_the_door() -> None:
    play = Play("custom")
    play.file_uploaded().expect().expect_status(Status.FILE_UPLOADED)
    play.submitted().expect(C.PRICE_ORDER).expect_status(Status.SUBMITTED)
    play.priced("100.00").expect(C.AUTHORISE_PAYMENT).expect_status(Status.PRICE_CALCULATED)
    play.approved().expect(C.RELEASE_WORK_ORDERS).expect_status(Status.MANUFACTURING_APPROVED)
    play.work(WorkFact.CLAIMED).expect().expect_status(Status.MANUFACTURING_STARTED)
    play.work(WorkFact.COMPLETED).expect().expect_status(Status.MANUFACTURING_COMPLETED)
    play.work(WorkFact.PACKING).expect().expect_status(Status.PACKAGING)
    play.work(WorkFact.SHIPPED).expect().expect_status(Status.SHIPPED)
    play.delivered("T1").expect().expect_status(Status.CLOSED)
    assert {name: run.state for name, run in play.order.saga.runs.items()} == {
        step.name: State.SKIPPED if step.name in ("reserve_stock", "agree_price") else State.DONE for step in SAGA
    }


def test_ready_made_goods_are_set_aside_before_they_are_priced() -> None:
    play = Play("ready_made", "custom")
    play.submitted().expect(C.RESERVE_STOCK)
    play.stock_reserved().expect(C.PRICE_ORDER)
    play.priced().expect(C.AUTHORISE_PAYMENT).expect_status(Status.PRICE_CALCULATED)


def test_sold_out_ends_the_order_and_asks_for_no_price() -> None:
    play = Play("ready_made")
    play.submitted().expect(C.RESERVE_STOCK)
    play.stock_refused().expect().expect_status(Status.CANCELLED)
    assert play.order.reason == "Sold out: 1 of ring-1 were ordered, 0 are left."


def test_a_higher_price_waits_for_the_customer() -> None:
    play = Play("custom").until(Status.SUBMITTED)
    play.priced("120.00").expect().expect_status(Status.AWAITING_CUSTOMER)
    assert play.order.consent is not None
    assert play.order.consent.reasons == ("above_estimate",)
    play.price_accepted("120.00").expect(C.AUTHORISE_PAYMENT).expect_status(Status.PRICE_CALCULATED)
    assert str(play.order.agreed_total) == "120.00 RUB"


def test_the_customer_declines_the_higher_price() -> None:
    play = Play("ready_made").until(Status.SUBMITTED).stock_reserved()
    play.priced("120.00").expect(C.PRICE_ORDER).price_declined()
    play.expect(C.RELEASE_STOCK).expect_status(Status.CANCELLED)


def test_agreeing_to_a_price_that_is_no_longer_asked_changes_nothing() -> None:
    play = Play("custom").until(Status.SUBMITTED).priced("120.00")
    play.price_accepted("110.00").expect().expect_status(Status.AWAITING_CUSTOMER).expect_note("stale_consent")


def test_a_price_accepted_after_it_expired_is_confirmed_again_against_what_was_accepted() -> None:
    play = Play("custom").until(Status.SUBMITTED).priced("120.00", valid_h=24)
    play.price_accepted("120.00", after=timedelta(hours=30)).expect(C.PRICE_ORDER).expect_status(
        Status.AWAITING_CUSTOMER
    )
    play.priced("100.00", attempt=1).expect()  # The first answer, late and twice: it belongs to the old question.
    play.priced("119.00", attempt=2, remade=("expired",)).expect(C.AUTHORISE_PAYMENT).expect_status(
        Status.PRICE_CALCULATED
    )


def test_a_price_accepted_too_late_may_have_to_be_asked_about_again() -> None:
    play = Play("custom").until(Status.SUBMITTED).priced("120.00")
    play.price_accepted("120.00", after=timedelta(hours=30))
    play.priced("121.00", attempt=2, remade=("expired",)).expect(C.PRICE_ORDER).expect_status(Status.AWAITING_CUSTOMER)
    assert play.order.consent is not None
    assert play.order.consent.reasons == ("expired",)
    play.price_accepted("121.00").expect(C.AUTHORISE_PAYMENT).expect_status(Status.PRICE_CALCULATED)


def test_an_unpriceable_model_ends_the_order_with_its_reason() -> None:
    play = Play("ready_made", "custom").until(Status.SUBMITTED).stock_reserved().expect(C.PRICE_ORDER)
    play.unpriceable().expect(C.RELEASE_STOCK).expect_status(Status.PRICE_FAILED)
    assert play.order.reason == "The model has holes."
    assert play.order.reason_code == "mesh-not-closed"
    told = order_changed(play.order, play.policy)
    assert (told.reason_code, told.history[-1].reason_code) == ("mesh-not-closed", "mesh-not-closed")
    assert [step.reason_code for step in told.history[:-1]] == [None] * (len(told.history) - 1)


def test_a_reason_that_somebody_wrote_has_no_code() -> None:
    play = Play("ready_made").until(Status.PRICE_CALCULATED).rejected()
    assert (play.order.reason is not None, play.order.reason_code) == (True, None)


def test_a_rejection_undoes_payment_then_stock() -> None:
    play = Play("ready_made").until(Status.PRICE_CALCULATED)
    play.rejected().expect(C.VOID_PAYMENT, C.RELEASE_STOCK).expect_status(Status.REJECTED)


def test_cancelling_released_work_asks_mes_first_and_undoes_the_rest_after() -> None:
    play = Play("ready_made").until(Status.MANUFACTURING_APPROVED)
    assert play.cancel() is CancellationAnswer.REQUESTED
    play.expect(C.WITHDRAW_WORK_ORDERS).expect_status(Status.MANUFACTURING_APPROVED)
    play.withdrawal_decided(accepted=True).expect(C.VOID_PAYMENT, C.RELEASE_STOCK).expect_status(Status.CANCELLED)


def test_a_cancellation_refused_by_mes_is_told_to_the_customer() -> None:
    play = Play("custom").until(Status.MANUFACTURING_APPROVED)
    play.cancel()
    play.work(WorkFact.CLAIMED).withdrawal_decided(accepted=False)
    play.expect(C.WITHDRAW_WORK_ORDERS).expect_status(Status.MANUFACTURING_STARTED).expect_note("cancellation_refused")
    assert play.order.cancellation is None
    assert play.order.reason == "The cancellation was refused: Oleg is already making it."
    play.work(WorkFact.COMPLETED).work(WorkFact.PACKING).work(WorkFact.SHIPPED).delivered("T1")
    play.expect_status(Status.CLOSED)


def test_the_saga_table_is_closed() -> None:
    for step in SAGA:
        assert step.waits is not Waits.SERVICE or (step.do and step.reply), step.name
        assert step.refusal is None or step.reply is not None, step.name
        assert step.undo_reply is None or step.undo is not None, step.name
        assert step.deadline > timedelta(0), step.name
        assert step.retries > 0, step.name
    assert len(BY_NAME) == len(SAGA)


# -- every step fails, every step is repeated --------------------------------------------------------------------

ENDINGS = {
    "reserve_stock": (Status.SUBMITTED, "stock_refused", Status.CANCELLED, ()),
    "confirm_price": (None, "unpriceable", Status.PRICE_FAILED, (C.RELEASE_STOCK,)),
    "agree_price": (None, "price_declined", Status.CANCELLED, (C.RELEASE_STOCK,)),
    "approve": (Status.PRICE_CALCULATED, "rejected", Status.REJECTED, (C.VOID_PAYMENT, C.RELEASE_STOCK)),
}
"""For each step that can be refused: where it runs, the refusal, where the order ends, what is undone and in which order."""


def test_every_step_that_can_be_refused_is_refused_below() -> None:
    assert set(ENDINGS) == {step.name for step in SAGA if step.refusal is not None}


@pytest.mark.parametrize("name", sorted(ENDINGS))
def test_a_refused_step_undoes_exactly_what_was_done_before_it(name: str) -> None:
    status, refusal, end, undone = ENDINGS[name]
    play = Play("ready_made")
    if status is not None:
        play.until(status)
    else:
        play.until(Status.SUBMITTED).stock_reserved()
        if name == "agree_price":
            play.priced("120.00")
        play.order.outgoing.clear()
    assert play.order.saga.state_of(name) is State.RUNNING
    getattr(play, refusal)()
    play.expect(*undone).expect_status(end)
    assert play.order.saga.state_of(name) is State.REFUSED
    getattr(play, refusal)()
    play.expect().expect_status(end).expect_note("late_fact")


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.PRICE_CALCULATED])
def test_cancelling_at_any_step_undoes_every_step_that_may_have_taken_effect(status: Status) -> None:
    play = Play("ready_made").until(status)
    assert play.cancel() is CancellationAnswer.CANCELLED
    undos = [step.undo for step in reversed(SAGA) if step.undo and play.order.saga.state_of(step.name) is State.UNDONE]
    play.expect(*undos).expect_status(Status.CANCELLED)
    assert C.RELEASE_STOCK in undos, "a reservation that was only asked for may have been made"
    assert not [run for run in play.order.saga.runs.values() if run.state in (State.RUNNING, State.STUCK)]


def test_every_reply_twice_changes_nothing_the_second_time() -> None:
    """The whole road; each fact is told again at once, and again at the very end."""
    once, twice = Play("ready_made"), Play("ready_made")
    road: list[Callable[[Play], Any]] = [
        lambda play: play.submitted(),
        lambda play: play.stock_reserved(),
        lambda play: play.priced("120.00"),
        lambda play: play.price_accepted("120.00"),
        lambda play: play.approved(),
        *(lambda play, fact=fact: play.work(fact) for fact in (WorkFact.CLAIMED, WorkFact.COMPLETED)),
        *(lambda play, fact=fact: play.work(fact) for fact in (WorkFact.PACKING, WorkFact.SHIPPED)),
        lambda play: play.delivered("T1"),
    ]
    for reply in road:
        reply(once)
        reply(twice)
        reply(twice)
    for reply in road:
        reply(twice)
    assert twice.road == once.road
    assert [out.command for out in twice.order.outgoing] == [out.command for out in once.order.outgoing]
    assert twice.order.version == once.order.version
    assert twice.order.lines == once.order.lines


@pytest.mark.parametrize("name", [step.name for step in SAGA if step.waits is Waits.SERVICE])
def test_a_silent_step_is_asked_again_then_shown_as_stuck_and_still_takes_the_answer(name: str) -> None:
    play = Play("ready_made").until(Status.SUBMITTED)
    if name == "confirm_price":
        play.stock_reserved()
    play.order.outgoing.clear()
    command = BY_NAME[name].do
    assert command is not None
    for attempt in (2, 3):
        play.silence(name)
        assert [out.attempt for out in play.order.outgoing] == [attempt]
        play.expect(command).expect_note("resent")
    play.silence(name).expect().expect_note("stuck").expect_status(Status.SUBMITTED)
    assert play.order.saga.is_stuck
    play.silence(name).expect()  # The timer looks again: nothing more goes out.
    (play.stock_reserved if name == "reserve_stock" else play.priced)()
    assert play.order.saga.state_of(name) is State.DONE
    assert not play.order.saga.is_stuck


def test_a_silent_withdrawal_is_asked_again_with_the_same_id() -> None:
    play = Play("custom").until(Status.MANUFACTURING_APPROVED)
    play.cancel()
    asked = play.order.outgoing[-1].cancellation
    play.expect(C.WITHDRAW_WORK_ORDERS).silence("release_work_orders")
    assert play.order.outgoing[-1].cancellation == asked
    play.expect(C.WITHDRAW_WORK_ORDERS).silence("release_work_orders").silence("release_work_orders")
    assert play.order.saga.state_of("release_work_orders") is State.UNDO_STUCK
    play.withdrawal_decided(accepted=True).expect_status(Status.CANCELLED)


def test_a_person_resends_a_stuck_step() -> None:
    play = Play("custom", policy=Policy(POLICY.budgets, Patience(retries=0))).until(Status.SUBMITTED)
    play.silence("confirm_price").expect()
    ending.resend(play.order, actor="Anna", now=play.now, policy=play.policy)
    play.expect(C.PRICE_ORDER)
    assert not play.order.saga.is_stuck


def test_nothing_is_resent_while_a_person_is_waited_for() -> None:
    play = Play("custom").until(Status.PRICE_CALCULATED)
    with pytest.raises(NothingToResend):
        ending.resend(play.order, actor="Anna", now=play.now, policy=play.policy)


def test_a_seller_may_take_back_what_is_being_made() -> None:
    play = Play("custom").until(Status.MANUFACTURING_STARTED)
    assert play.cancel(Who.SELLER) is CancellationAnswer.REQUESTED
    assert play.order.outgoing[-1].cancellation is not None
    assert play.order.outgoing[-1].cancellation.who is Who.SELLER
    play.withdrawal_decided(accepted=True).expect_status(Status.CANCELLED)


def test_a_timer_that_looks_too_early_sends_nothing() -> None:
    play = Play("custom").until(Status.SUBMITTED)
    ending.step_overdue(play.order, "confirm_price", now=play.now, policy=play.policy)
    play.expect()
    assert play.order.saga.runs["confirm_price"].attempts == 1
