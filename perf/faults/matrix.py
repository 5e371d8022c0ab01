"""The faults by name: what each is, how it strikes, where, and what it asks of the crowd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perf.faults import strikes
from perf.faults.evidence import Evidence
from perf.faults.plan import Ending, Plan, Range, Shape, drawn
from perf.faults.strikes import Strike

MESSENGERS = ("shop", "orchestrator", "crm", "mes", "pricing")
WITH_COMMANDS = ("shop", "crm", "mes")
SOON = Range(0.0, 0.5)
MIDWAY = Range(1.0, 3.5)
SHORT = Range(2.0, 5.0)

ALL_MADE = Shape(orders=12, custom_share=0.2, endings=((Ending.CLOSED, 1),), spread_s=1.0)
LARGE_MODELS = Shape(orders=8, custom_share=0.6, model="pave-ring-100k")
CHANGED_MINDS = Shape(
    orders=16,
    custom_share=0.6,
    endings=((Ending.CANCELLED_WHILE_PRICED, 6), (Ending.CANCELLED_WHEN_PRICED, 3), (Ending.CLOSED, 3)),
)

Proof = Callable[[Evidence], bool]
"""Whether the evidence shows that the fault struck, where the strike itself cannot know."""


def always(evidence: Evidence) -> bool:
    """The strike has proved it."""
    return True


def somebody_cancelled_while_priced(evidence: Evidence) -> bool:
    """At least one order was cancelled before it had a price, and at least one got its price."""
    steps = {(moved.start, moved.end) for moved in evidence.history}
    return ("SUBMITTED", "CANCELLED") in steps and ("SUBMITTED", "PRICE_CALCULATED") in steps


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix. `seats` are taken in turn by the seed; `countdown_max` is up to which visit of a point it strikes."""

    name: str
    strike: Strike
    seats: tuple[str, ...] = ("",)
    shape: Shape = Shape()  # noqa: RUF009  frozen
    countdown_max: int = 1
    strikes_after: Range = SOON
    lasts: Range = SHORT
    proof: Proof = always

    def plan(self, seed: int) -> Plan:
        """What a run of it with this seed will do."""
        return drawn(
            self.name,
            seed,
            shape=self.shape,
            seats=self.seats,
            countdown_max=self.countdown_max,
            strikes_after=self.strikes_after,
            lasts=self.lasts,
        )


def _at(
    name: str, point: str, *, seats: tuple[str, ...] = MESSENGERS, countdown_max: int = 3, do: str = "die"
) -> Fault:
    return Fault(name, strikes.at_point(point, do=do), seats=seats, countdown_max=countdown_max)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        _at("api-killed-before-commit", "api.commit.before", seats=WITH_COMMANDS, countdown_max=5),
        _at("api-killed-after-commit", "api.commit.after", seats=WITH_COMMANDS, countdown_max=5),
        _at("relay-killed-before-publish", "publish.before"),
        _at("relay-killed-after-publish", "confirm.before"),
        _at("relay-killed-after-confirm", "settle.before"),
        _at("consumer-killed-before-commit", "consumer.commit.before"),
        _at("consumer-killed-after-commit", "consumer.commit.after"),
        _at("consumer-killed-after-ack", "ack.after"),
        _at("sigterm-mid-handler", "effect.before", do="term"),
        Fault("worker-killed-mid-read", strikes.at_point("model.read"), seats=("pricing-worker",), shape=LARGE_MODELS),
        Fault("two-relays", strikes.two_relays, seats=MESSENGERS),
        Fault("poison-among-good", strikes.poison_among_good, strikes_after=Range(1.5, 3.0)),
        Fault("duplicates-shuffled", strikes.duplicates_shuffled, lasts=Range(3.0, 5.0)),
        Fault("broker-killed", strikes.killed("rabbitmq"), strikes_after=MIDWAY),
        Fault("broker-paused", strikes.paused("rabbitmq"), strikes_after=MIDWAY, lasts=Range(3.0, 14.0)),
        Fault("broker-full", strikes.broker_full, strikes_after=MIDWAY),
        Fault("tcp-reset", strikes.tcp_reset, strikes_after=Range(0.5, 1.5)),
        Fault("dropped-confirms", strikes.dropped_confirms, strikes_after=MIDWAY, lasts=Range(0.5, 3.0)),
        Fault("postgres-killed", strikes.killed("postgres"), strikes_after=MIDWAY, lasts=Range(0.5, 3.0)),
        Fault("postgres-paused", strikes.paused("postgres"), strikes_after=MIDWAY, lasts=Range(2.0, 7.0)),
        Fault("pool-exhausted", strikes.pool_exhausted, strikes_after=MIDWAY),
        Fault("redis-gone", strikes.killed("redis"), strikes_after=MIDWAY),
        Fault("s3-gone-mid-read", strikes.storage_gone_mid_read, seats=("pricing-worker",), shape=LARGE_MODELS),
        Fault("clocks-apart", strikes.clocks_apart, seats=(*MESSENGERS, "identity"), strikes_after=MIDWAY),
        Fault("claims-while-mes-restarts", strikes.claims_meet_a_restart, seats=("mes",), shape=ALL_MADE),
        Fault(
            "price-against-cancel", strikes.nothing_breaks, shape=CHANGED_MINDS, proof=somebody_cancelled_while_priced
        ),
    )
}
