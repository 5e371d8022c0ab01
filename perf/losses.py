"""`python -m perf.losses`: the broker is killed three times and every service once, while a thousand orders are made.

Customers, sellers, operators and a carrier work all the while and repeat what was not answered. At the end nothing may be lost or
doubled: every order CLOSED, its history gapless, one pay entry each, and the reconciliation report empty.
Bar: 0 lost, 0 doubled, report empty, work goes on within 30 s of every kill.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime

from perf.system import Target
from perf.workday import Run, submitted, work

RECOVERY_S_MAX = 30.0
SERVICES = ("shop", "orchestrator", "pricing", "crm", "mes", "identity", "files", "pricing-worker", "files-worker")


def events_after(target: Target, moment: datetime) -> int:
    """How many transitions were recorded after `moment`."""
    with target.database("orchestrator") as database:
        row = database.execute("SELECT count(*) FROM order_history WHERE at > %s", [moment]).fetchone()
    return int(row[0]) if row else 0


async def strike(run: Run, component: str, recoveries: list[float]) -> None:
    """Kills a component with SIGKILL, starts it again, and times how long no transition was recorded."""
    await asyncio.to_thread(run.target.docker, "kill", "--signal", "KILL", component)
    killed = time.monotonic()
    await asyncio.to_thread(run.target.docker, "start", component)
    back = datetime.now(UTC)
    while not await asyncio.to_thread(events_after, run.target, back):
        if time.monotonic() - killed > 120:
            break
        await asyncio.sleep(0.25)
    recovery_s = time.monotonic() - killed
    recoveries.append(recovery_s)
    print(f"  {component} killed at {len(run.submitted)} orders; work went on after {recovery_s:.1f} s", flush=True)


async def destroy(run: Run, recoveries: list[float]) -> None:
    """Broker three times, then every service once, spread over the run."""
    for number in range(3):
        await submitted(run, int(run.wanted * (0.1 + 0.2 * number)))
        await strike(run, "rabbitmq", recoveries)
    for number, service in enumerate(SERVICES):
        await submitted(run, int(run.wanted * (0.6 + 0.045 * number)))
        await strike(run, service, recoveries)


async def measure(target: Target, *, orders: int, rate: float) -> int:
    """The whole run; returns the exit status."""
    recoveries: list[float] = []
    outcome = await work(target, orders=orders, rate=rate, destroy=lambda run: destroy(run, recoveries))
    slowest = max(recoveries, default=0.0)
    met = outcome.whole and slowest < RECOVERY_S_MAX
    print(
        f"losses: orders={orders} kills={len(recoveries)} lost={outcome.lost} doubled={outcome.doubled} "
        f"findings={len(outcome.findings)} recovery_max_s={slowest:.1f} elapsed_s={outcome.elapsed_s:.0f} "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=8.0, help="orders submitted per second")
    arguments = parser.parse_args()
    return asyncio.run(measure(Target.find(), orders=arguments.orders, rate=arguments.rate))


if __name__ == "__main__":
    raise SystemExit(main())
