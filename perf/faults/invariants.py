"""What must hold after every run, whatever broke. Each is a function from the evidence to what contradicts it, in plain words.

The statuses and the legal steps between them are written here once more, from the business's table: a judge that asked the
system which steps are legal would agree with whatever it does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from perf.faults.evidence import Evidence, Moved

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
UNHAPPY_ENDS = frozenset({"PRICE_FAILED", "REJECTED", "CANCELLED"})
ENDS = UNHAPPY_ENDS | {"CLOSED"}
NOT_SHIPPED = ROAD[: ROAD.index("SHIPPED")]
LEGAL: frozenset[tuple[str | None, str]] = frozenset(
    [
        (None, "INITIATED"),
        *pairwise(ROAD),
        # Ready-made goods have no model.
        ("INITIATED", "SUBMITTED"),
        # Work that is given back or made again.
        ("MANUFACTURING_STARTED", "MANUFACTURING_APPROVED"),
        ("MANUFACTURING_COMPLETED", "MANUFACTURING_STARTED"),
        ("PACKAGING", "MANUFACTURING_STARTED"),
        # The price needs the customer's word, or there is none.
        ("SUBMITTED", "AWAITING_CUSTOMER"),
        ("AWAITING_CUSTOMER", "PRICE_CALCULATED"),
        ("SUBMITTED", "PRICE_FAILED"),
        ("AWAITING_CUSTOMER", "PRICE_FAILED"),
        ("PRICE_CALCULATED", "REJECTED"),
        # A seller may cancel until the parcel is with the carrier.
        *((status, "CANCELLED") for status in (*NOT_SHIPPED, "AWAITING_CUSTOMER")),
    ]
)

Contradictions = Iterator[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """One contradiction, and the invariant that it breaks."""

    invariant: str
    detail: str


def every_order_ends(evidence: Evidence) -> Contradictions:
    """An accepted order is over, or on the list of those that need somebody."""
    for order_id in sorted(evidence.heard.submitted):
        status = evidence.statuses.get(order_id)
        if status is not None and status not in ENDS and order_id not in evidence.attention:
            yield f"order {order_id} stays {status}, and nobody is told"


def nothing_accepted_is_lost(evidence: Evidence) -> Contradictions:
    """What was answered with success is there once: with the shop, with the orchestrator, and as it was answered."""
    for order_id in sorted(evidence.heard.submitted):
        copies = evidence.shop_orders.count(order_id)
        if copies != 1:
            yield f"order {order_id} was accepted and is {copies} times in the shop"
        if order_id not in evidence.statuses:
            yield f"order {order_id} was accepted and never reached the orchestrator"
        elif evidence.statuses[order_id] in ("INITIATED", "FILE_UPLOADED"):
            yield f"order {order_id} was accepted and is still {evidence.statuses[order_id]}"
    for order_id in sorted(evidence.heard.cancelled):
        if evidence.statuses.get(order_id) != "CANCELLED":
            yield f"order {order_id} was said to be cancelled and is {evidence.statuses.get(order_id)}"
    yield from evidence.heard.undone


def nothing_is_doubled(evidence: Evidence) -> Contradictions:
    """A customer has the orders that were asked for and no other; each with its one line."""
    for order_id in sorted(set(evidence.shop_orders) - set(evidence.heard.created.values())):
        yield f"order {order_id} is in the shop, and nobody was told of it"
    lines = Counter(line.order_id for line in evidence.lines)
    for order_id in sorted(evidence.heard.submitted):
        if lines[order_id] != 1:
            yield f"order {order_id} has {lines[order_id]} lines instead of one"


def histories_are_legal(evidence: Evidence) -> Contradictions:
    """Histories begin at 1, have no gap, take legal steps only, join up, and end where the order is."""
    by_order: dict[str, list[Moved]] = defaultdict(list)
    for moved in sorted(evidence.history, key=lambda row: (row.order_id, row.seq)):
        by_order[moved.order_id].append(moved)
    for order_id, status in sorted(evidence.statuses.items()):
        yield from _history(order_id, status, by_order.get(order_id, []))


def _history(order_id: str, status: str, steps: list[Moved]) -> Contradictions:
    if [step.seq for step in steps] != list(range(1, len(steps) + 1)) or not steps:
        yield f"order {order_id} has a history numbered {[step.seq for step in steps]}"
        return
    before: str | None = None
    for step in steps:
        if step.start != before:
            yield f"order {order_id}: step {step.seq} begins at {step.start}, the one before ended at {before}"
        if (step.start, step.end) not in LEGAL:
            yield f"order {order_id}: step {step.seq} from {step.start} to {step.end} is not legal"
        before = step.end
    if before != status:
        yield f"order {order_id} is {status}, its history ends at {before}"
    for entered, times in Counter(step.end for step in steps).items():
        if times > 1:
            yield f"order {order_id} became {entered} {times} times"


def every_event_acts_once(evidence: Evidence) -> Contradictions:
    """A published event took effect once with every service that the broker brings it to, and nothing else did."""
    received: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in evidence.received:
        received[row.service, row.event_id].append(row.state)
    known = set()
    for sent in evidence.sent:
        known.add(sent.event_id)
        if sent.is_parked or not sent.is_published:
            continue
        for service in sorted(evidence.consumers.get(sent.type, ())):
            states = received.get((service, sent.event_id), [])
            if states != ["done"]:
                yield f"{sent.type} {sent.event_id} of order {sent.order_id} ended with {service} as {states or 'nothing'}"
    for row in evidence.received:
        if row.event_id not in known:
            yield f"{row.service} took {row.type} {row.event_id}, which no service sent"


def one_claim_one_pay(evidence: Evidence) -> Contradictions:
    """One work order for each line; one operator was told to have it, and that one is paid once for it."""
    for line_id, times in Counter(work.line_id for work in evidence.work_orders).items():
        if times > 1:
            yield f"line {line_id} has {times} work orders"
    earned: dict[str, list[str]] = defaultdict(list)
    for paid in evidence.paid:
        if paid.kind == "earn":
            earned[paid.work_order_id].append(paid.operator_id)
        else:
            yield f"pay for work order {paid.work_order_id} was taken back, and nobody gave it back"
    for work in evidence.work_orders:
        winners = evidence.heard.won.get(work.work_order_id, set())
        payees = earned.pop(work.work_order_id, [])
        if len(winners) > 1:
            yield f"work order {work.work_order_id} was promised to {len(winners)} operators"
        if len(payees) > 1:
            yield f"work order {work.work_order_id} was paid {len(payees)} times"
        if winners and set(payees) != winners:
            yield f"work order {work.work_order_id} is {sorted(winners)}'s and was paid to {payees}"
        if work.state in ("COMPLETED", "PACKING", "SHIPPED") and not payees:
            yield f"work order {work.work_order_id} was made, and nobody is paid"
    for work_order_id in sorted(earned):
        yield f"work order {work_order_id} was paid and is not there"


def stock_is_kept(evidence: Evidence) -> Contradictions:
    """The shelf is what was stocked less what orders hold. An order holds its pieces once; one that ends unhappily gives them back."""
    for shelf in evidence.shelves:
        if shelf.available != shelf.stocked - shelf.taken:
            yield f"{shelf.sku}: {shelf.available} on the shelf, should be {shelf.stocked} - {shelf.taken}"
    moved: Counter[tuple[str, str, str]] = Counter()
    for row in evidence.stock_moved:
        moved[row.order_id, row.sku, row.kind] += row.pieces
    for line in evidence.lines:
        if not line.sku or line.order_id not in evidence.heard.submitted:
            continue
        status = evidence.statuses.get(line.order_id, "")
        reserved = moved[line.order_id, line.sku, "reserve"]
        released = moved[line.order_id, line.sku, "release"]
        wanted = (line.quantity, 0) if status not in UNHAPPY_ENDS else (reserved, reserved)
        if (reserved, released) != wanted or reserved not in (0, line.quantity):
            yield (
                f"order {line.order_id} ({status}) took {reserved} and gave back {released} of {line.sku}, "
                f"its line is of {line.quantity}"
            )


def every_key_acts_once(evidence: Evidence) -> Contradictions:
    """An Idempotency-Key is kept at most once, and whoever repeats it is told the same."""
    for key, times in sorted(evidence.kept_keys.items()):
        if times > 1:
            yield f"the key {key} is kept {times} times"
    for key, answers in sorted(evidence.heard.answers.items()):
        if len(set(answers)) > 1:
            yield f"the key {key} was answered {sorted(set(answers))}"


def letters_are_written_once(evidence: Evidence) -> Contradictions:
    """One letter for one occasion. A letter that was on its way when its sender died comes again under the same Message-ID."""
    for occasion, times in Counter((notice.about, notice.kind, notice.occasion) for notice in evidence.notices).items():
        if times > 1:
            yield f"about {occasion[0]} there are {times} notices {occasion[1]} {occasion[2]}".rstrip()
    for notice in evidence.notices:
        if notice.state == "waiting":
            yield f"notice {notice.notice_id} ({notice.kind}) about {notice.about} is not sent"
    sent = sum(notice.state == "sent" for notice in evidence.notices)
    arrived = {letter.message_id for letter in evidence.letters}
    if len(arrived) != sent:
        yield f"{sent} notices are sent, {len(arrived)} different letters arrived"


def queues_drain(evidence: Evidence) -> Contradictions:
    """Nothing waits anywhere: with the broker, in an outbox, in an inbox."""
    for queue in evidence.queues:
        if queue.ready or queue.unacknowledged:
            yield f"{queue.name} holds {queue.ready} ready and {queue.unacknowledged} unacknowledged messages"
    for where, count in sorted(evidence.unsettled.items()):
        if count:
            yield f"{where}: {count} messages"
    for sent in evidence.sent:
        if sent.is_parked or not sent.is_published:
            yield f"{sent.service} did not get rid of {sent.type} {sent.event_id}"


def only_poison_is_set_aside(evidence: Evidence) -> Contradictions:
    """Every planted body was shown to people, who repaired it; nothing else was set aside."""
    if evidence.dead_seen != evidence.planted:
        yield f"{evidence.planted} unreadable messages were planted, people saw {evidence.dead_seen}"
    if evidence.dead_left:
        yield f"{evidence.dead_left} dead letters are left"


def services_agree(evidence: Evidence) -> Contradictions:
    """The reconciliation report is empty."""
    yield from evidence.findings


INVARIANTS: dict[str, Callable[[Evidence], Contradictions]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        every_order_ends,
        nothing_accepted_is_lost,
        nothing_is_doubled,
        histories_are_legal,
        every_event_acts_once,
        one_claim_one_pay,
        stock_is_kept,
        every_key_acts_once,
        letters_are_written_once,
        queues_drain,
        only_poison_is_set_aside,
        services_agree,
    )
}


def broken(evidence: Evidence) -> list[Broken]:
    """Every contradiction of every invariant; empty when all hold."""
    return [Broken(name, detail) for name, invariant in INVARIANTS.items() for detail in invariant(evidence)]
