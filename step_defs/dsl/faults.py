"""What goes wrong: processes die, the broker restarts, messages come twice, late, in the wrong order or damaged."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from step_defs.drivers.broker import Captured
from step_defs.drivers.waiting import eventually
from step_defs.dsl.models import LARGE
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.shopper import Shopper

if TYPE_CHECKING:
    from step_defs.dsl.world import World

STATUS_KEEPER = "orchestrator"
INBOX = "{service}.inbox.v1"
LEASE_OVER_WITHIN_S = 60
# A lease of the judged system is shorter than this: nobody waits for half a minute in a scenario.
_BEATING = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '6 seconds'"
_HELD_UP = "SELECT count(*) FROM calculation_setback WHERE code IN ('measuring-killed', 'worker-died')"
SPARE_BYTES = 64 << 20
"""What is left to a worker that runs out of memory: enough to fetch a large model, and too little to measure it."""
IN_THE_MIDDLE = ("ANALYSING", "ESTIMATED")


class Faults:
    """Breaks things for one scenario, and mends at its end whatever is still broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._broken = ExitStack()
        self._tap: Any = None
        self.damaged: tuple[dict[str, Any], dict[str, Any]] | None = None

    def mend(self) -> None:
        """Everything stopped runs again; whatever listened stops."""
        self._broken.close()

    def mended_by(self, mend: Callable[[], object]) -> None:
        """What is broken now is mended like that: when the scenario says so, or at its end."""
        self._broken.callback(mend)

    def until_mended(self, broken: AbstractContextManager[object]) -> None:
        """Something is broken for as long as this context is open."""
        self._broken.enter_context(broken)

    # -- processes -----------------------------------------------------------------------------------------------

    def worker_dies_while_pricing(self, shopper: Shopper, material: str) -> None:
        """The customer asks the price of a large model; the worker is killed in the middle, another one starts."""
        containers = self.world.backstage.containers
        self._is_being_priced(shopper, material)
        containers.kill("pricing-worker")
        self._broken.callback(containers.start, "pricing-worker")
        status = shopper.quote()["status"]
        assert status in IN_THE_MIDDLE, f"the worker had finished ({status}) before it was killed"
        containers.start("pricing-worker")

    def worker_freezes_while_pricing(self, shopper: Shopper, material: str) -> None:
        """The customer asks the price of a large model; the worker stands still in the middle until its lease is over, and goes on."""
        containers = self.world.backstage.containers
        self._is_being_priced(shopper, material)
        with containers.paused("pricing-worker"):
            status = shopper.quote()["status"]
            assert status in IN_THE_MIDDLE, f"the worker had finished ({status}) before it froze"
            eventually(
                lambda: containers.sql("pricing", _BEATING),
                lambda beating: beating == "0",
                within_s=LEASE_OVER_WITHIN_S,
                what="the worker's lease is over",
            )

    def worker_runs_out_of_memory_while_pricing(self, shopper: Shopper, material: str) -> None:
        """In the middle of a large model of the customer's there is no memory left, until the kernel has ended a process."""
        containers = self.world.backstage.containers
        before = containers.sql("pricing", _HELD_UP)
        with shopper.unseen():
            shopper.uploads(LARGE, self.world.models.never_seen(LARGE))
        with containers.short_of_memory("pricing-worker", spare_bytes=SPARE_BYTES):
            with shopper.unseen():
                shopper.asks_price(LARGE, material, wait=False)
            eventually(
                lambda: containers.sql("pricing", _HELD_UP) != before or not containers.runs("pricing-worker"),
                within_s=LEASE_OVER_WITHIN_S,
                what="a calculation ran out of memory",
            )
        status = shopper.quote()["status"]
        assert status not in ("READY", "FAILED"), f"it was {status} before there was memory again"

    def _is_being_priced(self, shopper: Shopper, material: str) -> None:
        with shopper.unseen():
            shopper.uploads(LARGE, self.world.models.never_seen(LARGE))
            shopper.asks_price(LARGE, material, wait=False)
        shopper.waits_for_quote(*IN_THE_MIDDLE, within_s=60)

    def restart(self, service: str) -> None:
        """A process dies at once and comes back."""
        self.world.backstage.containers.restart(service)

    def stop_status_keeping(self) -> None:
        """The one service that decides statuses is away until `resume_status_keeping`."""
        stopped = self.world.backstage.containers.stopped(STATUS_KEEPER)
        self._broken.enter_context(stopped)

    def stop(self, service: str) -> None:
        """A service is away until `resume`, or until the scenario ends."""
        self._broken.enter_context(self.world.backstage.containers.stopped(service))

    def resume(self) -> None:
        """Whatever was stopped is back."""
        self._broken.close()

    def resume_status_keeping(self) -> None:
        """It is back, and reads what came meanwhile."""
        self._broken.close()

    # -- time ----------------------------------------------------------------------------------------------------

    def time_passes_over(self, work_order_id: str, *, hours: int) -> None:
        """What MES holds of a work order becomes so much older: nobody waits for days in a scenario."""
        self._change_work_order(work_order_id, f"state_since = state_since - interval '{int(hours)} hours'")

    def promise_is_near(self, work_order_id: str, *, minutes: int) -> None:
        """So little is left until the work has to be shipped: nobody waits for three weeks in a scenario."""
        self._change_work_order(work_order_id, f"promise_at = now() + interval '{int(minutes)} minutes'")

    def _change_work_order(self, work_order_id: str, change: str) -> None:
        changed = f"UPDATE work_order SET {change} WHERE id = '{uuid.UUID(work_order_id)}' RETURNING 1"  # noqa: S608
        said = self.world.backstage.containers.sql("mes", changed)
        assert said == "1", f"no work order was changed: {said}"

    # -- messages ------------------------------------------------------------------------------------------------

    def listen(self, message_type: str) -> None:
        """From now on every message of this type is also heard here."""
        self._tap = self._broken.enter_context(self.world.backstage.broker.listening(message_type))

    def heard(self, order: Order) -> list[Captured]:
        """What was heard about the order so far, oldest first."""
        heard: list[Captured] = self._tap.heard(order.order_id)
        return heard

    def repeat_heard(self, order: Order, *, times: int) -> None:
        """Delivers the first message heard about the order again, so many times, exactly as it was."""
        message = self._tap.first(order.order_id)
        for _ in range(times):
            self.world.backstage.broker.publish(message)

    def repeat_old_news(self, order: Order, *, to: str) -> None:
        """Delivers the oldest news about the order once more, as if it had been on its way all the time."""
        oldest: Captured = self._tap.first(order.order_id)
        late = oldest.with_body(oldest.envelope | {"id": str(uuid.uuid4())})
        self.world.backstage.broker.publish(late, routing_key=f"to.{to}")

    def repeat_all_news(self, order: Order, *, to: str) -> None:
        """Delivers all news about the order again: as a broker repeats it, and as if it had been said anew."""
        for message in self._tap.heard(order.order_id):
            again = message.with_body(message.envelope | {"id": str(uuid.uuid4())})
            for each in (message, again):
                self.world.backstage.broker.publish(each, routing_key=f"to.{to}")

    def news_comes_reversed(self, order: Order, *, count: int) -> None:
        """What waits for the status keeper about the order is delivered last first; then the status keeper is back."""
        mine = self._intercept(order, count=count)
        for message in reversed(mine):
            self._deliver(message)
        self.resume_status_keeping()

    def news_is_damaged(self, order: Order, *, field: str) -> None:
        """The message that waits for the status keeper about the order loses a field; then the keeper is back."""
        (message,) = self._intercept(order, count=1)
        whole = message.envelope
        broken = json.loads(message.body)
        del broken["data"][field]
        self.damaged = (whole, broken)
        self._deliver(message.with_body(broken))
        self.resume_status_keeping()

    def _intercept(self, order: Order, *, count: int) -> list[Captured]:
        """Takes so many messages about the order out of the status keeper's queue; puts everybody else's back."""
        queue = INBOX.format(service=STATUS_KEEPER)
        mine: list[Captured] = []

        def look() -> list[Captured]:
            for message in self.world.backstage.broker.take_all(queue):
                if message.envelope["subject"] == order.order_id:
                    mine.append(message)
                else:
                    self._deliver(message)
            return mine

        return eventually(
            look, lambda found: len(found) == count, within_s=SOON_S, what=f"{count} messages on their way"
        )

    def _deliver(self, message: Captured) -> None:
        self.world.backstage.broker.publish(message, to_queue=INBOX.format(service=STATUS_KEEPER))
