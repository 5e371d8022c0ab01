"""Several lines, backward edges, parcels, and facts that come too late."""

from __future__ import annotations

import pytest

from system.orchestrator.domain.ending import CancellationAnswer
from system.orchestrator.domain.errors import TransitionNotAllowed
from system.orchestrator.domain.saga import Command, State
from system.orchestrator.domain.status import TERMINAL, Status, Who
from system.orchestrator.domain.work import Stage, WorkFact, status_of_stages
from system.orchestrator.tests.saga_play import Play

F = WorkFact


@pytest.mark.parametrize(
    ("stages", "status"),
    [
        ((Stage.WAITING, Stage.WAITING), Status.MANUFACTURING_APPROVED),
        ((Stage.CLAIMED, Stage.WAITING), Status.MANUFACTURING_STARTED),
        ((Stage.SHIPPED, Stage.WAITING), Status.MANUFACTURING_STARTED),
        ((Stage.COMPLETED, Stage.CLAIMED), Status.MANUFACTURING_STARTED),
        ((Stage.COMPLETED, Stage.PACKING), Status.MANUFACTURING_COMPLETED),
        ((Stage.SHIPPED, Stage.PACKING), Status.PACKAGING),
        ((Stage.SHIPPED, Stage.SHIPPED), Status.SHIPPED),
    ],
)
def test_the_status_that_several_work_orders_add_up_to(stages: tuple[Stage, ...], status: Status) -> None:
    assert status_of_stages(stages) is status


def test_an_order_starts_at_its_first_claim_and_later_waits_for_its_last_work_order() -> None:
    play = Play("custom", "custom").until(Status.MANUFACTURING_APPROVED)
    play.work(F.CLAIMED, 1).expect_status(Status.MANUFACTURING_STARTED)
    play.work(F.COMPLETED, 1).expect_status(Status.MANUFACTURING_STARTED)
    play.work(F.CLAIMED, 2).work(F.COMPLETED, 2).expect_status(Status.MANUFACTURING_COMPLETED)
    play.work(F.PACKING, 1).expect_status(Status.MANUFACTURING_COMPLETED)
    play.work(F.PACKING, 2).expect_status(Status.PACKAGING)
    play.work(F.SHIPPED, 1).expect_status(Status.PACKAGING)
    play.work(F.SHIPPED, 2).expect_status(Status.SHIPPED)


def test_returning_the_only_claim_goes_back_and_returning_one_of_two_does_not() -> None:
    play = Play("custom", "custom").until(Status.MANUFACTURING_APPROVED)
    play.work(F.CLAIMED, 1).work(F.CLAIMED, 2).work(F.RETURNED, 1).expect_status(Status.MANUFACTURING_STARTED)
    play.work(F.RETURNED, 2).expect_status(Status.MANUFACTURING_APPROVED)
    assert play.order.lines[0].held_by is None
    play.work(F.CLAIMED, 1).expect_status(Status.MANUFACTURING_STARTED)


def test_a_hand_over_changes_who_makes_it_and_nothing_else() -> None:
    play = Play("custom").until(Status.MANUFACTURING_STARTED)
    past = len(play.order.history)
    play.work(F.CLAIMED, operator="Olga").expect_status(Status.MANUFACTURING_STARTED).expect_note("handed_over")
    assert (play.order.lines[0].held_by, len(play.order.history)) == ("Olga", past)
    play.work(F.CLAIMED, operator="Olga").expect_note("repeated_fact")
    play.work(F.COMPLETED, operator="Olga").expect_status(Status.MANUFACTURING_COMPLETED)


@pytest.mark.parametrize("status", [Status.MANUFACTURING_COMPLETED, Status.PACKAGING])
def test_rework_goes_back_to_the_bench(status: Status) -> None:
    play = Play("custom").until(status)
    play.work(F.REWORK).expect_status(Status.MANUFACTURING_STARTED)
    play.work(F.COMPLETED).work(F.PACKING).work(F.SHIPPED).expect_status(Status.SHIPPED)


def test_a_delivery_before_shipping_is_remembered_and_closes_the_order_then() -> None:
    play = Play("custom").until(Status.PACKAGING)
    play.delivered("T1").expect_status(Status.PACKAGING)
    play.work(F.SHIPPED).expect_status(Status.CLOSED)
    assert play.road[-2:] == [Status.SHIPPED, Status.CLOSED]


def test_closed_when_the_last_of_several_parcels_has_arrived() -> None:
    play = Play("custom", "custom").until(Status.SHIPPED)
    play.delivered("T2").expect_status(Status.SHIPPED)
    play.delivered("T2").expect_status(Status.SHIPPED).expect_note("repeated_fact")
    play.delivered("T1").expect_status(Status.CLOSED)


def test_two_lines_in_one_parcel_close_with_it() -> None:
    play = Play("custom", "custom").until(Status.PACKAGING)
    play.work(F.SHIPPED, 1, parcel="BOX").work(F.SHIPPED, 2, parcel="BOX")
    play.delivered("BOX").expect_status(Status.CLOSED)


def test_a_delivery_after_closing_by_hand_is_only_noted() -> None:
    play = Play("custom").until(Status.SHIPPED).close()
    play.delivered("T1").expect().expect_status(Status.CLOSED).expect_note("delivered")


@pytest.mark.parametrize("status", [Status.PACKAGING, Status.PRICE_CALCULATED])
def test_only_a_shipped_order_is_closed_by_hand(status: Status) -> None:
    with pytest.raises(TransitionNotAllowed) as refused:
        Play("custom").until(status).close()
    assert refused.value.extra["order_status"] == status
    assert Status.CLOSED not in refused.value.extra["allowed"]


def test_closing_twice_is_closing_once() -> None:
    assert Play("custom").until(Status.SHIPPED).close().close().road.count(Status.CLOSED) == 1


@pytest.mark.parametrize(
    "status",
    [Status.MANUFACTURING_STARTED, Status.MANUFACTURING_COMPLETED, Status.PACKAGING, Status.SHIPPED, Status.CLOSED],
)
def test_a_customer_cannot_cancel_once_it_is_being_made(status: Status) -> None:
    play = Play("custom").until(status)
    version = play.order.version
    with pytest.raises(TransitionNotAllowed) as refused:
        play.cancel(Who.CUSTOMER)
    assert Status.CANCELLED not in refused.value.extra["allowed"]
    assert play.order.version == version


def test_a_seller_cannot_cancel_what_was_shipped() -> None:
    with pytest.raises(TransitionNotAllowed):
        Play("custom").until(Status.SHIPPED).cancel(Who.SELLER)


def test_asking_twice_to_cancel_asks_mes_once() -> None:
    play = Play("custom").until(Status.MANUFACTURING_APPROVED)
    assert play.cancel() is play.cancel() is CancellationAnswer.REQUESTED
    play.expect(Command.WITHDRAW_WORK_ORDERS)


def test_a_seller_s_wish_is_stronger_than_the_customer_s_that_waits() -> None:
    play = Play("custom").until(Status.MANUFACTURING_APPROVED)
    play.cancel(Who.CUSTOMER)
    first = play.order.cancellation
    play.cancel(Who.SELLER)
    play.expect(Command.WITHDRAW_WORK_ORDERS, Command.WITHDRAW_WORK_ORDERS)
    assert first is not None
    play.withdrawal_decided(accepted=False, withdrawal_id=first.withdrawal_id)
    assert play.order.cancellation is not None, "the refusal answered the weaker wish"
    play.withdrawal_decided(accepted=True).expect_status(Status.CANCELLED)


def test_shipping_outruns_a_cancellation_that_waits() -> None:
    play = Play("custom").until(Status.PACKAGING)
    play.cancel(Who.SELLER)
    play.work(F.SHIPPED).expect_status(Status.SHIPPED).expect_note("cancellation_refused")
    assert play.order.cancellation is None
    assert play.order.saga.state_of("release_work_orders") is State.DONE
    play.withdrawal_decided(accepted=False).delivered("T1").expect_status(Status.CLOSED)


# -- too late ----------------------------------------------------------------------------------------------------


def _cancelled(status: Status) -> Play:
    play = Play("ready_made").until(status)
    if play.cancel(Who.SELLER) is CancellationAnswer.REQUESTED:
        play.withdrawal_decided(accepted=True)
    play.order.outgoing.clear()
    return play.expect_status(Status.CANCELLED)


def test_an_approval_after_the_cancellation_is_noted_and_everybody_is_told_again() -> None:
    play = _cancelled(Status.PRICE_CALCULATED)
    play.order.loaded_version = play.order.version
    play.approved().expect().expect_status(Status.CANCELLED).expect_note("late_fact")
    assert play.order.changed


def test_goods_set_aside_for_a_cancelled_order_are_put_back() -> None:
    _cancelled(Status.SUBMITTED).stock_reserved().expect(Command.RELEASE_STOCK).expect_note("late_fact")


def test_a_claim_of_a_cancelled_order_is_taken_back() -> None:
    play = _cancelled(Status.MANUFACTURING_APPROVED).work(F.CLAIMED)
    withdrawal = play.order.outgoing[-1].cancellation
    assert withdrawal is not None
    assert withdrawal.who is Who.SELLER, "it must hold against the operator who took it"
    play.expect(Command.WITHDRAW_WORK_ORDERS).expect_status(Status.CANCELLED)


def test_a_parcel_of_a_cancelled_order_has_to_be_called_back_by_a_person() -> None:
    play = _cancelled(Status.PACKAGING).work(F.SHIPPED).expect().expect_status(Status.CANCELLED)
    assert "Call parcel T1 back from CDEK" in play.order.notes[-1].details["what_to_do"]


@pytest.mark.parametrize("fact", ["submitted", "priced", "price_declined", "approved", "rejected", "unpriceable"])
def test_no_late_fact_moves_an_ended_order(fact: str) -> None:
    play = _cancelled(Status.PRICE_CALCULATED)
    getattr(play, fact)()
    play.expect().expect_status(Status.CANCELLED).expect_note("late_fact")


def test_a_fact_that_skips_is_noted_not_followed() -> None:
    play = Play("custom").until(Status.MANUFACTURING_APPROVED).work(F.SHIPPED)
    play.expect_status(Status.MANUFACTURING_APPROVED).expect_note("out_of_order")


def test_a_rejection_of_an_approved_order_is_too_late() -> None:
    Play("custom").until(Status.MANUFACTURING_APPROVED).rejected().expect().expect_note("late_fact")


def test_the_terminal_statuses_are_ends() -> None:
    assert frozenset({Status.CLOSED, Status.PRICE_FAILED, Status.REJECTED, Status.CANCELLED}) == TERMINAL
