"""What a run will do, drawn from its seed alone: the same seed and fault give the same plan on every machine.

The seed decides who orders what, how each order is to end, who repeats a request, where and when the fault strikes. It does not decide
in which order the machine lets processes go on: a run that failed is repeated with the same plan, and need not fail the same way.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

BUYERS = 4
SELLERS = 2
OPERATORS = 4
READY_MADE = ("ring-classic-585", "ring-band-750", "pendant-drop-925")
MATERIALS = ("silver_925", "gold_585", "gold_750")
SPREAD_S = 3.0
"""The orders of a run come within so long."""


class Ending(StrEnum):
    """How an order is to end, as far as people decide it."""

    CLOSED = "closed by the carrier's word"
    CLOSED_BY_HAND = "closed by a seller"
    REJECTED = "rejected by a seller"
    CANCELLED_WHILE_PRICED = "cancelled by its customer while the price is worked out"
    CANCELLED_WHEN_PRICED = "cancelled by its customer when it has a price"
    CANCELLED_WHEN_APPROVED = "cancelled by its customer when operators may have it"


CANCELLED = frozenset(
    {Ending.CANCELLED_WHILE_PRICED, Ending.CANCELLED_WHEN_PRICED, Ending.CANCELLED_WHEN_APPROVED}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intent:
    """One order to be: who buys what when, and how it is to end. `sku` empty: a model of the customer's own."""

    number: int
    buyer: int
    sku: str
    material: str
    quantity: int
    begins_after_s: float
    ending: Ending
    cancels_after_s: float
    repeats: bool
    """Whether its people send each request a second time after it was answered, as an impatient client does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a fault asks of the crowd. `custom_share` is of orders with a model; `model` names what is uploaded."""

    orders: int = 12
    custom_share: float = 0.3
    endings: tuple[tuple[Ending, int], ...] = (
        (Ending.CLOSED, 6),
        (Ending.CLOSED_BY_HAND, 1),
        (Ending.REJECTED, 1),
        (Ending.CANCELLED_WHILE_PRICED, 1),
        (Ending.CANCELLED_WHEN_PRICED, 1),
        (Ending.CANCELLED_WHEN_APPROVED, 1),
    )
    model: str = "torus-ring"
    spread_s: float = SPREAD_S


@dataclass(frozen=True, slots=True)
class Plan:
    """A run as it was drawn. `strikes_after_s` is from the first order on; `lasts_s` how long what is broken stays so."""

    fault: str
    seed: int
    intents: tuple[Intent, ...]
    model: str
    seat: str
    countdown: int
    strikes_after_s: float
    lasts_s: float
    draw: int
    """A number for whatever else the fault decides by lot."""


@dataclass(frozen=True, slots=True)
class Range:
    """A duration to be drawn, in seconds."""

    least_s: float
    most_s: float


def drawn(
    fault: str,
    seed: int,
    *,
    shape: Shape,
    seats: tuple[str, ...] = ("",),
    countdown_max: int = 1,
    strikes_after: Range = Range(0.5, 4.0),
    lasts: Range = Range(2.0, 5.0),
) -> Plan:
    """The plan of one run."""
    # A text, not a number: seed 1 of one fault has nothing to do with seed 1 of another.
    lot = random.Random(f"{fault}/{seed}")
    intents = tuple(_intent(lot, number, shape) for number in range(shape.orders))
    return Plan(
        fault=fault,
        seed=seed,
        intents=intents,
        model=shape.model,
        # Neighbouring seeds strike other seats: five seeds are to see them all.
        seat=seats[seed % len(seats)],
        countdown=lot.randint(1, countdown_max),
        strikes_after_s=lot.uniform(strikes_after.least_s, strikes_after.most_s),
        lasts_s=lot.uniform(lasts.least_s, lasts.most_s),
        draw=lot.getrandbits(32),
    )


def _intent(lot: random.Random, number: int, shape: Shape) -> Intent:
    is_custom = lot.random() < shape.custom_share
    endings, weights = zip(*shape.endings, strict=True)
    return Intent(
        number=number,
        buyer=lot.randrange(BUYERS),
        sku="" if is_custom else lot.choice(READY_MADE),
        material=lot.choice(MATERIALS),
        quantity=lot.randint(1, 2),
        begins_after_s=lot.uniform(0.0, shape.spread_s),
        ending=lot.choices(endings, weights)[0],
        # Mostly at once: a price comes within tenths of a second.
        cancels_after_s=0.4 * lot.random() ** 3,
        repeats=lot.random() < 0.5,
    )
