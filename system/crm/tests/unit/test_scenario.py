"""An order's road as a scenario: what is said, in which order, and what is only remarked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from system.crm.application.phrases import PHRASES, WORDS, sentences, word
from system.crm.application.redaction import RedactedStory, redacted
from system.crm.application.remarks import REMARKS
from system.crm.application.road import NEXT, Fault, fault_of
from system.crm.application.scenario import scenario_of, written
from system.crm.tests.exported import NOW, ROAD, at, entry, line, quotes, sent, shown, told, trouble, until
from system.kernel.errors import Invalid
from system.messages.orchestrator_v1 import OrderStatus


def story(order: dict[str, Any], heard: Any = None, *, hangs: bool = False, **more: Any) -> RedactedStory:
    asked = more.pop("quotes", quotes())
    now = NOW + timedelta(hours=1)
    return redacted(order, heard or told(), asked, name="order-1", now=now, hangs=hangs, **more).with_files(
        {1: "order-1-1.stl"}
    )


def said(of: RedactedStory, scenario: int = 0) -> list[str]:
    """The sentences of a scenario in English, without keywords, tables and remarks."""
    lines = written(scenario_of(of), "en").split("  Scenario: ")[1 + scenario].splitlines()[1:]
    bare = [each.strip() for each in lines if each.strip() and each.strip()[0] not in "#|@"]
    return [each.partition(" ")[2] for each in bare]


def remarks(of: RedactedStory) -> str:
    return "\n".join(each for each in written(scenario_of(of), "en").splitlines() if each.strip().startswith("#"))


def test_an_order_in_order_goes_its_road_and_ends_where_it_ended() -> None:
    assert said(story(shown())) == [
        "Anna puts these pieces into the order:",
        "Anna submits the order",
        "the order becomes priced",
        "seller Maria approves the order",
        "the order becomes approved",
        "operator Oleg takes the order",
        "the order becomes being made",
        "operator Oleg finishes the piece",
        "the order becomes made",
        "operator Oleg packs the piece",
        "the order becomes being packed",
        "operator Oleg ships the piece",
        "the order becomes shipped",
        "the carrier reports the delivery",
        "the order becomes closed",
        "the order has gone this way:",
    ]


def test_the_messages_of_the_deeds_say_them_no_second_time() -> None:
    facts = ("work_order_claimed", "work_order_completed", "packing_started", "work_order_shipped")
    heard = told(*(sent(f"mes.{fact}.v1", 4.99 + number) for number, fact in enumerate(facts)))
    delivered = {"event": "delivered", "received_at": at(8.9)}
    decided = {"kind": "approved", "seller_name": "Zanzibar", "at": at(4.01)}
    assert said(story(shown(carrier_events=[delivered], decision=decided), heard)) == said(story(shown()))


def test_the_pieces_are_ordered_as_they_were() -> None:
    lines = [
        line(quantity=3, ring_size="US 7"),
        line(kind="ready_made", sku="ring-band-750", file_id=None, ring_size=None),
    ]
    text = written(scenario_of(story(shown(lines=lines), quotes=quotes(unit="in"))), "ru")
    rows = [[cell.strip() for cell in row.strip(" |").split("|")] for row in text.splitlines() if "| order" in row]
    assert rows == [["order-1-1.stl", "золото 585", "3", "US 7", "дюйм"]]
    assert "| золотое обручальное кольцо |" in text


@pytest.mark.parametrize(
    ("triangles", "stands_in"),
    [(1024, "plain ring "), (90_000, "plain ring of 100k triangles"), (900_000, "plain ring of 1m triangles")],
)
def test_for_a_model_that_cannot_be_had_a_fixture_of_its_size_stands_in(triangles: int, stands_in: str) -> None:
    bare = story(shown(), quotes=quotes(mesh={"triangle_count": triangles})).with_files({})
    assert f"| {stands_in}" in written(scenario_of(bare), "en")
    assert "Model 1 could not be had" in remarks(bare)


@pytest.mark.parametrize("status", [each for each in NEXT if each not in ("AWAITING_CUSTOMER",)])
def test_an_order_that_hangs_ends_with_what_should_come_next(status: str) -> None:
    hanging = story(shown(*until(status)), hangs=True)
    assert said(hanging)[-1] == f"the order becomes {word('status', NEXT[status][1], 'en')}"
    assert "The order hung here." in remarks(hanging)


def test_a_deed_without_effect_is_done_again_and_its_effect_expected() -> None:
    decided = {"kind": "approved", "seller_name": "Zanzibar", "at": at(9)}
    hanging = story(shown(*until("PRICE_CALCULATED"), decision=decided), hangs=True)
    assert said(hanging)[-2:] == ["seller Maria approves the order", "the order becomes approved"]
    claimed = story(shown(*until("MANUFACTURING_APPROVED")), told(sent("mes.work_order_claimed.v1", 9)), hangs=True)
    assert said(claimed)[-2:] == ["operator Oleg takes the order", "the order becomes being made"]


def test_an_order_that_neither_hangs_nor_ended_stays_where_it_is() -> None:
    assert said(story(shown(*until("SHIPPED"))))[-1] == "the order is still shipped"


def test_back_to_the_bench_a_return_a_lapse_and_an_undo() -> None:
    made = ("MANUFACTURING_COMPLETED", "operator Yellowstone")
    started, again = ("MANUFACTURING_STARTED", "operator Yellowstone"), ("MANUFACTURING_STARTED", "operator Quebec")
    back = "MANUFACTURING_APPROVED"
    road = (
        *until("MANUFACTURING_STARTED"),
        (back, "operator Yellowstone", "my torch broke"),
        again,
        (back, "operator Quebec", "nothing happened to it for too long"),
        started,
        made,
        (*started, "undone: marked as made by mistake"),
        made,
        (*started, "a scratch"),
        made,
    )
    deeds = [each for each in said(story(shown(*road))) if "operator" in each or "nothing" in each]
    assert deeds == [
        "operator Oleg takes the order",
        'operator Oleg returns the order: "a reason that was given"',
        "operator Olga takes the order",
        "nothing happens to the order for more than two days",
        "operator Oleg takes the order",
        "operator Oleg finishes the piece",
        "operator Oleg says that the piece is not made after all",
        "operator Oleg finishes the piece",
        'operator Oleg takes the piece back to the bench: "a reason that was given"',
        "operator Oleg finishes the piece",
    ]


def test_work_that_was_handed_over_is_finished_by_the_other() -> None:
    road = (*until("MANUFACTURING_STARTED"), ("MANUFACTURING_COMPLETED", "operator Quebec"))
    heard = told(
        sent("mes.work_order_claimed.v1", 4.9),
        sent("mes.work_order_claimed.v1", 5.5),
        entry("orchestrator", 5.5, note="handed_over"),
    )
    assert said(story(shown(*road), heard))[-4:-1] == [
        "seller Maria hands the order over to operator Olga",
        "operator Olga finishes the piece",
        "the order becomes made",
    ]


def test_of_several_pieces_each_operator_makes_one() -> None:
    claims = told(sent("mes.work_order_claimed.v1", 4.9), sent("mes.work_order_claimed.v1", 5.2))
    done = told(*claims["entries"], sent("mes.work_order_completed.v1", 5.4), sent("mes.work_order_completed.v1", 5.9))
    two = shown(*until("MANUFACTURING_COMPLETED"), lines=[line(), line()])
    assert [each for each in said(story(two, done)) if "operator" in each] == [
        "operator Oleg takes the order",
        "operator Olga takes the order",
        "operator Oleg finishes the piece",
        "operator Olga finishes the piece",
    ]


def test_of_several_pieces_those_that_nobody_took_are_taken_before_all_are_made() -> None:
    two = shown(*until("MANUFACTURING_STARTED"), lines=[line(), line()])
    assert said(story(two, told(sent("mes.work_order_claimed.v1", 4.9)), hangs=True))[-4:] == [
        "operator Olga takes the order",
        "operator Oleg finishes the piece",
        "operator Olga finishes the piece",
        "the order becomes made",
    ]


@pytest.mark.parametrize(
    ("actor", "deed"),
    [
        ("customer Clara", "Anna cancels the order"),
        ("seller Zanzibar", 'seller Maria cancels the order: "a reason that was given"'),
    ],
)
def test_whoever_cancelled_cancels(actor: str, deed: str) -> None:
    road = (*until("PRICE_CALCULATED"), ("CANCELLED", actor, "no more money"))
    assert said(story(shown(*road)))[-3:-1] == [deed, "the order becomes cancelled"]


def test_rejected_and_closed_by_hand() -> None:
    rejected = (*until("PRICE_CALCULATED"), ("REJECTED", "seller Zanzibar", "too thin"))
    assert 'seller Maria rejects the order: "a reason that was given"' in said(story(shown(*rejected)))
    closed = (*until("SHIPPED"), ("CLOSED", "seller Zanzibar", "they called"))
    assert 'seller Maria closes the order by hand: "a reason that was given"' in said(story(shown(*closed)))


@pytest.mark.parametrize(
    ("reason", "before"),
    [
        ("metal_moved", ["the metal of the own alloy gets 4 % dearer", "Anna submits the order"]),
        (
            "expired",
            ["the metal of the own alloy gets 1.5 % dearer", "the quote of Anna expires", "Anna submits the order"],
        ),
        ("above_estimate", ["Anna submits the order at the estimate"]),
    ],
)
def test_a_price_that_rose_rises_again(reason: str, before: list[str]) -> None:
    road = (*until("SUBMITTED"), ("AWAITING_CUSTOMER", "pricing"), ("PRICE_CALCULATED", "customer"))
    because = word("because", reason, "en")
    remade = [] if reason == "above_estimate" else [reason]
    assert said(story(shown(*road), quotes=quotes(remade_because=remade)))[1:-1] == [
        *before,
        f"the customer is asked about the new price, because {because}",
        "Anna agrees to the new price",
        "the order becomes priced",
    ]


def test_a_declined_price_and_one_that_was_never_there() -> None:
    declined = (*until("SUBMITTED"), ("AWAITING_CUSTOMER", "pricing"), ("CANCELLED", "customer"))
    assert "Anna declines the new price" in said(story(shown(*declined), told(sent("shop.price_declined.v1", 3.9))))
    failed = (*until("SUBMITTED"), ("PRICE_FAILED", "pricing", "the alloy Kanarek is gone"))
    assert "the own alloy is no longer offered" in said(story(shown(*failed)))


def test_goods_that_were_sold_out_are_sold_out_again() -> None:
    good = line(kind="ready_made", sku="ring-solitaire-950", file_id=None, quantity=2)
    out = (("INITIATED", "customer"), ("SUBMITTED", "customer"), ("CANCELLED", "stock", "Sold out: 2 of it"))
    text = written(scenario_of(story(shown(*out, lines=[good]))), "en")
    assert "| platinum solitaire |          | 50       |" in text


def test_a_question_and_its_answer_are_asked_and_answered() -> None:
    letters = [
        {"side": "seller", "author": "Zanzibar", "text": "wider?", "at": at(3.2)},
        {"side": "customer", "author": "Clara", "text": "yes", "at": at(3.4)},
        {"side": "seller", "author": "Zanzibar", "text": "thank you", "at": at(5.5)},
    ]
    of = story(shown(*until("MANUFACTURING_STARTED"), letters=letters))
    assert said(of)[3:6] == [
        'seller Maria asks Anna: "a question"',
        'Anna answers: "an answer"',
        'seller Maria reads the answer: "an answer"',
    ]
    assert "a seller wrote when the order was MANUFACTURING_STARTED" in remarks(of)


def test_a_parcel_that_arrived_before_it_was_noted() -> None:
    early = {"event": "delivered", "received_at": at(7.5)}
    assert said(story(shown(carrier_events=[early])))[-5:-1] == [
        "the order becomes being packed",
        "the carrier reports the next parcel before we note it",
        "operator Oleg ships the piece",
        "the order becomes closed",
    ]


def test_nobody_is_asked_to_see_a_status_that_the_next_deed_overtook() -> None:
    facts = ("work_order_claimed", "work_order_completed", "packing_started", "work_order_shipped")
    heard = told(*(sent(f"mes.{fact}.v1", 4.1 + number / 10) for number, fact in enumerate(facts)))
    arrived = {"event": "delivered", "received_at": at(4.6)}
    assert said(story(shown(carrier_events=[arrived]), heard))[4:-1] == [
        "the order becomes approved",
        "operator Oleg takes the order",
        "operator Oleg finishes the piece",
        "operator Oleg packs the piece",
        "operator Oleg ships the piece",
        "the carrier reports the delivery",
        "the order becomes closed",
    ]


def test_a_partner_orders_as_a_partner() -> None:
    assert said(story(shown(channel="partner")))[:2] == [
        "Silverline is a partner",
        "Silverline puts these pieces into the order:",
    ]


def test_a_cart_is_a_cart() -> None:
    cart = story(shown(("INITIATED", "customer"), lines=[]))
    assert said(cart) == ["Anna has an order that is started", "the order is still started"]


def test_a_cart_that_was_given_up_is_given_up() -> None:
    for actor, deed in (
        ("customer", "Anna cancels the order"),
        ("seller Z", 'seller Maria cancels the order: "a reason that was given"'),
    ):
        cart = story(shown(("INITIATED", "customer"), ("CANCELLED", actor), lines=[]))
        assert said(cart) == ["Anna has an order that is started", deed, "the order becomes cancelled"]


def test_what_the_orchestrator_decided_and_crm_did_not_hear_of_has_to_be_seen_by_sellers() -> None:
    decided = [
        entry("orchestrator", minute, to=status, actor=actor, reason=None) | {"kind": "status"}
        for minute, (status, actor) in enumerate(until("MANUFACTURING_STARTED"))
    ]
    behind = story(shown(*until("MANUFACTURING_APPROVED")), told(*decided))
    assert said(behind)[-2:] == ["the order becomes being made", "seller Maria sees the order as being made"]
    assert behind.hangs and "CRM showed MANUFACTURING_APPROVED" in remarks(behind)


def test_what_crm_is_about_to_hear_is_no_disagreement() -> None:
    at_once = entry("orchestrator", 59.9, to="MANUFACTURING_STARTED", actor="operator B", reason=None) | {
        "kind": "status"
    }
    before = [at_once | {"at": at(number)} for number in range(5)]
    fresh = story(shown(*until("MANUFACTURING_APPROVED")), told(*before, at_once))
    assert (fresh.status, fresh.hangs) == ("MANUFACTURING_APPROVED", False)


def test_a_deed_whose_message_is_still_on_its_way_was_done() -> None:
    lying = entry("mes", 9, box="outbox", state="pending", type="mes.work_order_claimed.v1")
    of = story(shown(*until("MANUFACTURING_APPROVED")), told(lying), hangs=True)
    assert fault_of(of) is Fault.PRODUCTION_DIED
    assert said(of, 1)[-3:] == [
        "operator Oleg takes the order",
        "the operators' system dies and comes back",
        "the order becomes being made",
    ]


def test_a_price_of_goods_that_rose_is_only_remarked() -> None:
    road = (
        *until("SUBMITTED"),
        ("AWAITING_CUSTOMER", "pricing"),
        ("PRICE_CALCULATED", "customer"),
        ("CANCELLED", "customer"),
    )
    of = story(shown(*road, lines=[line(kind="ready_made", sku="ring-band-750", file_id=None)]))
    assert said(of)[1:] == [
        "Anna submits the order",
        "the order becomes priced",
        "Anna cancels the order",
        "the order becomes cancelled",
    ]
    assert "price of ready-made goods" in remarks(of)


DECIDED = {"kind": "approved", "seller_name": "Zanzibar", "at": at(9)}
APPROVAL, RELEASE = "crm.order_approved.v1", "orchestrator.release_work_orders.v1"


@pytest.mark.parametrize(
    ("order", "heard", "fault"),
    [
        (
            shown(*until("PRICE_CALCULATED"), decision=DECIDED),
            trouble("orchestrator", "dead", APPROVAL),
            Fault.APPROVAL_DAMAGED,
        ),
        (
            shown(*until("PRICE_CALCULATED"), decision=DECIDED),
            trouble("orchestrator", "dead", ""),
            Fault.APPROVAL_DAMAGED,
        ),
        (
            shown(*until("PRICE_CALCULATED"), decision=DECIDED),
            trouble("orchestrator", "parked", APPROVAL),
            Fault.KEEPER_DIED,
        ),
        (shown(*until("PRICE_CALCULATED"), decision=DECIDED), trouble("crm", "pending", APPROVAL), Fault.BROKER_DIED),
        (shown(*until("MANUFACTURING_APPROVED")), trouble("mes", "parked", RELEASE), Fault.PRODUCTION_AWAY),
        (
            shown(*until("MANUFACTURING_APPROVED"), cancellation_requested=True),
            trouble("mes", "retry", "orchestrator.withdraw_work_orders.v1"),
            Fault.PRODUCTION_AWAY,
        ),
        (shown(*until("SUBMITTED")), trouble("orchestrator", "parked", "pricing.order_priced.v1"), Fault.KEEPER_DIED),
        (shown(*until("SUBMITTED")), trouble("pricing", "parked", "orchestrator.price_order.v1"), None),
        (shown(*until("PACKAGING")), trouble("shop", "parked", "orchestrator.order_changed.v1"), None),
    ],
)
def test_what_failed_fails_again_where_there_are_steps_for_it(order: Any, heard: Any, fault: Fault | None) -> None:
    of = story(order, told(heard), hangs=True)
    assert fault_of(of) is fault
    feature = scenario_of(of)
    assert [each.is_alone for each in feature.scenarios] == ([False] if fault is None else [False, True])
    assert ("The second scenario has it fail again" in remarks(of)) is (fault is not None)
    assert feature.capability == "recovery"


def test_production_that_was_away_is_away_when_it_is_given_the_work() -> None:
    of = story(shown(*until("MANUFACTURING_APPROVED")), told(trouble("mes", "parked", RELEASE)), hangs=True)
    assert said(of, 1)[3:] == [
        "the operators' system is away",
        "seller Maria approves the order",
        "the order becomes approved",
        "the operators' system is back",
        "operator Oleg sees the order on the board",
        "operator Oleg takes the order",
        "the order becomes being made",
    ]


def test_a_cancellation_that_nobody_answers_names_who_wanted_it() -> None:
    wanted = entry(
        "orchestrator", 9, title="seller Zanzibar wants to cancel; MES decides", note="cancellation_requested"
    )
    of = story(
        shown(*until("MANUFACTURING_APPROVED"), cancellation_requested=True), told(wanted, silent=("mes",)), hangs=True
    )
    assert said(of)[-2:] == ['seller Maria cancels the order: "a reason that was given"', "the order becomes cancelled"]
    assert "Missing: what mes knows" in remarks(of)


def test_the_same_story_gives_the_same_feature_and_survives_being_kept() -> None:
    of = story(shown(), told(trouble("mes", "retry", RELEASE)))
    kept = RedactedStory.from_json(of.as_json())
    assert kept == of
    assert written(scenario_of(kept), "ru") == written(scenario_of(of), "ru")


def test_every_status_has_its_word_and_every_phrase_its_sentences() -> None:
    assert set(WORDS["status"]) == {str(each) for each in OrderStatus}
    told_of = list(sentences())
    assert {(each["key"], each["language"]) for each in told_of} == {
        (key, each) for key in PHRASES for each in ("en", "ru")
    }
    assert not [each for each in told_of if "{" in str(each["text"])]


def test_people_beyond_the_cast_have_numbers_and_other_codes_no_word() -> None:
    assert word("operator", "7", "ru") == "Оператор7"
    with pytest.raises(Invalid):
        word("material", "unobtainium", "en")


def test_remarks_take_the_same_facts_in_both_languages() -> None:
    for english, russian in REMARKS.values():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", russian))


def test_the_ordinary_road_is_the_one_that_is_told() -> None:
    assert [status for status, _ in ROAD[2:-1]] == [status for status in NEXT if status != "AWAITING_CUSTOMER"]
