"""`python -m perf.claims`: many operators race for the same work orders; each must have exactly one winner and one pay entry.

Bar: 5,000 claims on 100 work orders: 100 winners, 0 double, 100 ledger rows, and every loser was told who was first, or that it has as
much in hand as an operator may.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import Counter
from typing import Any

from perf.actors import Person, approve, client, customer, new_operator, staff, submit_ready_made
from perf.system import Target


async def prepare(target: Target, people: dict[str, Any], *, orders: int) -> list[str]:
    """So many approved ready-made orders on the board; returns their work orders."""
    buyers: list[Person] = people["buyers"]
    gate = asyncio.Semaphore(8)

    async def one(number: int) -> str:
        async with gate:
            order_id = await submit_ready_made(buyers[number % len(buyers)])
            await approve(people["seller"], order_id)
            return order_id

    order_ids = await asyncio.gather(*(one(number) for number in range(orders)))
    deadline = time.monotonic() + 60
    with target.database("mes") as mes:
        while time.monotonic() < deadline:
            found = mes.execute(
                "SELECT id::text FROM work_order WHERE order_id = ANY(%s::uuid[]) AND state = 'RELEASED'",
                [order_ids],
            ).fetchall()
            if len(found) == orders:
                return [row[0] for row in found]
            await asyncio.sleep(0.3)
    raise SystemExit(f"only {len(found)} of {orders} work orders reached the board")


async def race(
    operators: list[Person], work_orders: list[str], *, claims: int
) -> tuple[Counter[str], list[str], float]:
    """Fires the claims in random order. Returns winners per work order, broken promises, and the seconds it took."""
    attempts = [(operator, work_order) for work_order in work_orders for operator in operators][:claims]
    random.Random(7).shuffle(attempts)
    winners: Counter[str] = Counter()
    broken: list[str] = []
    gate = asyncio.Semaphore(60)

    async def claim(operator: Person, work_order: str) -> None:
        async with gate:
            answer = await operator.send(
                "POST", f"/api/mes/v1/work-orders/{work_order}/claim", json={}, keyed=False, accept=frozenset({409})
            )
        if answer["http_status"] == 200:
            winners[work_order] += 1
        elif not answer.get("claimed_by") and answer.get("code") != "claim-limit-reached":
            broken.append(f"{work_order}: the loser was not told who was first: {answer}")

    begun = time.monotonic()
    await asyncio.gather(*(claim(operator, work_order) for operator, work_order in attempts))
    return winners, broken, time.monotonic() - begun


async def measure(target: Target, *, claims: int, orders: int) -> int:
    """Runs the race and judges it by the answers and by the ledger."""
    async with client(target, connections=70) as http:
        administrator = await staff(http, target, "anna.admin")
        people = {
            "seller": await staff(http, target, "sofia.seller"),
            "buyers": [await customer(http) for _ in range(4)],
        }
        operators = [await new_operator(administrator, f"racer{number}") for number in range(-(-claims // orders))]
        work_orders = await prepare(target, people, orders=orders)
        print(f"{len(work_orders)} work orders on the board; {len(operators)} operators start")
        winners, broken, elapsed_s = await race(operators, work_orders, claims=claims)
    with target.database("mes") as mes:
        rows = mes.execute(
            "SELECT count(*), count(DISTINCT work_order_id) FROM pay_ledger WHERE kind = 'earn' AND work_order_id = ANY(%s::uuid[])",
            [work_orders],
        ).fetchone()
    assert rows is not None
    double = sum(count - 1 for count in winners.values())
    for line in broken[:5]:
        print(line)
    met = (len(winners), double, rows[0], rows[1], len(broken)) == (orders, 0, orders, orders, 0)
    print(
        f"claims: {claims} in {elapsed_s:.1f} s ({claims / elapsed_s:.0f}/s), winners={len(winners)} double={double} "
        f"ledger={rows[0]} uninformed={len(broken)} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=5000)
    parser.add_argument("--orders", type=int, default=100)
    arguments = parser.parse_args()
    return asyncio.run(measure(Target.find(), claims=arguments.claims, orders=arguments.orders))


if __name__ == "__main__":
    raise SystemExit(main())
