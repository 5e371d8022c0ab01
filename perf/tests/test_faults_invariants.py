"""Each invariant notices its violation, and a run in which nothing went wrong breaks none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from perf.faults.evidence import (
    Evidence,
    Heard,
    Letter,
    Line,
    Moved,
    Notice,
    Paid,
    Queue,
    Received,
    Sent,
    Shelf,
    StockMoved,
    WorkOrder,
)
from perf.faults.invariants import INVARIANTS, LEGAL, broken

CLOSED, CANCELLED = "order-closed", "order-cancelled"
ROAD_TAKEN = (
    "INITIATED",
    "SUBMITTED",
    "PRICE_CALCULATED",
    "MANUFACTURING_APPROVED",
    "MANUFACTURING_STARTED",
    "MANUFACTURING_COMPLETED",
    "PACKAGING",
    "SHIPPED",
    "CLOSED",
)


def road(order_id: str, *statuses: str) -> list[Moved]:
    """A history that joins up."""
    return [
        Moved(order_id, number, before, after)
        for number, (before, after) in enumerate(zip((None, *statuses), statuses, strict=False), start=1)
    ]


def sound() -> Evidence:
    """Two orders of one customer: one made and paid, one cancelled in time."""
    return Evidence(
        heard=Heard(
            created={"key-1": CLOSED, "key-2": CANCELLED},
            submitted={CLOSED, CANCELLED},
            cancelled={CANCELLED},
            won={"work-1": {"oleg"}},
            answers={"key-1": [(201, "a"), (201, "a")], "key-2": [(201, "b")]},
        ),
        statuses={CLOSED: "CLOSED", CANCELLED: "CANCELLED"},
        shop_orders=[CLOSED, CANCELLED],
        history=[*road(CLOSED, *ROAD_TAKEN), *road(CANCELLED, "INITIATED", "SUBMITTED", "CANCELLED")],
        consumers={"shop.order_submitted.v1": {"orchestrator", "crm"}},
        sent=[Sent("shop", "event-1", "shop.order_submitted.v1", CLOSED, is_published=True, is_parked=False)],
        received=[
            Received("orchestrator", "event-1", "shop.order_submitted.v1", CLOSED, "done"),
            Received("crm", "event-1", "shop.order_submitted.v1", CLOSED, "done"),
        ],
        work_orders=[WorkOrder("work-1", CLOSED, "line-1", "SHIPPED")],
        paid=[Paid("work-1", "earn", "oleg")],
        lines=[Line(CLOSED, "line-1", "ring", 2), Line(CANCELLED, "line-2", "ring", 1)],
        stock_moved=[
            StockMoved(CLOSED, "ring", "reserve", 2),
            StockMoved(CANCELLED, "ring", "reserve", 1),
            StockMoved(CANCELLED, "ring", "release", 1),
        ],
        shelves=[Shelf("ring", stocked=100, available=98, taken=2)],
        kept_keys={"key-1": 1, "key-2": 1},
        notices=[Notice("n-1", CLOSED, "milestone", "submitted", "sent")],
        letters=[Letter("a@example.com", "<n-1@example.com>")],
        queues=[Queue("shop.inbox.v1", 0, 0)],
    )


Violation = Callable[[Evidence], None]


def _status(order_id: str, status: str) -> Violation:
    return lambda found: found.statuses.update({order_id: status})


def _step(place: int, **changes: object) -> Violation:
    def violate(found: Evidence) -> None:
        found.history[place] = replace(found.history[place], **changes)  # type: ignore[arg-type]

    return violate


def _received(place: int, state: str) -> Violation:
    def violate(found: Evidence) -> None:
        found.received[place] = replace(found.received[place], state=state)

    return violate


def _made_unpaid(found: Evidence) -> None:
    found.paid.clear()


def _unpublished(found: Evidence) -> None:
    found.sent[0] = replace(found.sent[0], is_published=False)


def _stuck_in_silence(found: Evidence) -> None:
    found.statuses[CLOSED] = "SUBMITTED"


def _never_begun(found: Evidence) -> None:
    del found.statuses[CLOSED]


VIOLATIONS: dict[str, tuple[str, Violation]] = {
    "an order hangs and nobody is told": ("every-order-ends", _stuck_in_silence),
    "an accepted order is not in the shop": (
        "nothing-accepted-is-lost",
        lambda found: found.shop_orders.remove(CLOSED),
    ),
    "an accepted order never reached the orchestrator": (
        "nothing-accepted-is-lost",
        _never_begun,
    ),
    "an accepted order is still a cart": ("nothing-accepted-is-lost", _status(CLOSED, "INITIATED")),
    "a cancelled order goes on": ("nothing-accepted-is-lost", _status(CANCELLED, "PRICE_CALCULATED")),
    "somebody was refused for no reason": (
        "nothing-accepted-is-lost",
        lambda found: found.heard.undone.append("submit: 500"),
    ),
    "an order nobody was told of": ("nothing-is-doubled", lambda found: found.shop_orders.append("order-twin")),
    "a line twice in one order": (
        "nothing-is-doubled",
        lambda found: found.lines.append(Line(CLOSED, "line-3", "", 1)),
    ),
    "a gap in a history": ("histories-are-legal", lambda found: found.history.__delitem__(3)),
    "a history without its beginning": ("histories-are-legal", lambda found: found.history.__delitem__(0)),
    "an illegal step": ("histories-are-legal", _step(2, end="SHIPPED")),
    "a step that begins elsewhere": ("histories-are-legal", _step(4, start="SUBMITTED")),
    "a history that ends elsewhere": ("histories-are-legal", _status(CANCELLED, "REJECTED")),
    "a status entered twice": (
        "histories-are-legal",
        lambda found: found.history.append(Moved(CLOSED, 10, "CLOSED", "CLOSED")),
    ),
    "an event without an effect": ("every-event-acts-once", lambda found: found.received.__delitem__(1)),
    "an event set aside": ("every-event-acts-once", _received(0, "parked")),
    "an event taken twice": (
        "every-event-acts-once",
        lambda found: found.received.append(found.received[0]),
    ),
    "an event that nobody sent": (
        "every-event-acts-once",
        lambda found: found.received.append(Received("mes", "event-9", "mes.x.v1", CLOSED, "done")),
    ),
    "a claim promised twice": ("one-claim-one-pay", lambda found: found.heard.won["work-1"].add("olga")),
    "paid twice": ("one-claim-one-pay", lambda found: found.paid.append(Paid("work-1", "earn", "oleg"))),
    "paid to somebody else": ("one-claim-one-pay", lambda found: found.heard.won.update({"work-1": {"olga"}})),
    "made and not paid": ("one-claim-one-pay", _made_unpaid),
    "two work orders for a line": (
        "one-claim-one-pay",
        lambda found: found.work_orders.append(WorkOrder("work-2", CLOSED, "line-1", "RELEASED")),
    ),
    "pay taken back": ("one-claim-one-pay", lambda found: found.paid.append(Paid("work-1", "reverse", "oleg"))),
    "a piece vanished from the shelf": (
        "stock-is-kept",
        lambda found: found.shelves.__setitem__(0, Shelf("ring", 100, 97, 2)),
    ),
    "reserved twice": ("stock-is-kept", lambda found: found.stock_moved.append(found.stock_moved[0])),
    "not given back": ("stock-is-kept", lambda found: found.stock_moved.__delitem__(2)),
    "given back though it is sold": (
        "stock-is-kept",
        lambda found: found.stock_moved.append(StockMoved(CLOSED, "ring", "release", 2)),
    ),
    "a key kept twice": ("every-key-acts-once", lambda found: found.kept_keys.update({"key-1": 2})),
    "a key answered in two ways": (
        "every-key-acts-once",
        lambda found: found.heard.answers["key-1"].append((201, "other")),
    ),
    "a letter written twice": (
        "letters-are-written-once",
        lambda found: found.notices.append(replace(found.notices[0], notice_id="n-2")),
    ),
    "a letter that never went": (
        "letters-are-written-once",
        lambda found: found.notices.append(Notice("n-3", CLOSED, "milestone", "shipped", "waiting")),
    ),
    "a letter that nobody wrote": (
        "letters-are-written-once",
        lambda found: found.letters.append(Letter("a@example.com", "<n-7@example.com>")),
    ),
    "messages lie in a queue": ("queues-drain", lambda found: found.queues.append(Queue("crm.inbox.v1", 1, 0))),
    "messages are not acknowledged": ("queues-drain", lambda found: found.queues.append(Queue("crm.inbox.v1", 0, 2))),
    "messages wait in an inbox": ("queues-drain", lambda found: found.unsettled.update({"crm held": 1})),
    "an outbox does not drain": ("queues-drain", _unpublished),
    "poison that nobody sees": ("only-poison-is-set-aside", lambda found: setattr(found, "planted", 1)),
    "a dead letter that was none": ("only-poison-is-set-aside", lambda found: setattr(found, "dead_left", 1)),
    "the services disagree": ("services-agree", lambda found: found.findings.append("status_differs crm")),
}


def test_a_sound_run_breaks_nothing() -> None:
    assert broken(sound()) == []


@pytest.mark.parametrize("name", sorted(VIOLATIONS))
def test_a_violation_is_noticed_by_its_invariant(name: str) -> None:
    invariant, violate = VIOLATIONS[name]
    found = sound()
    violate(found)
    assert invariant in {one.invariant for one in broken(found)}, name


def test_every_invariant_was_seen_to_fail() -> None:
    assert {invariant for invariant, _ in VIOLATIONS.values()} == set(INVARIANTS)


def test_an_order_that_people_are_told_of_may_wait() -> None:
    found = sound()
    _stuck_in_silence(found)
    found.attention.add(CLOSED)
    assert list(INVARIANTS["every-order-ends"](found)) == []


def test_a_letter_that_came_twice_under_one_message_id_is_one_letter() -> None:
    found = sound()
    found.letters.append(found.letters[0])
    assert broken(found) == []


def test_the_legal_steps_are_those_of_the_business() -> None:
    """Counted by hand from the business's table: 9 on the road, birth, the short cut, 3 back, 5 about the price, 10 cancellations."""
    assert len(LEGAL) == 9 + 1 + 1 + 3 + 5 + 9
    assert ("SHIPPED", "CANCELLED") not in LEGAL
    assert not any(start in {"CLOSED", "CANCELLED", "REJECTED", "PRICE_FAILED"} for start, _ in LEGAL)
