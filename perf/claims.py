"""`python -m perf.claims`: many operators race for the same work orders; each must have exactly one winner and one pay entry.

Bar: 5,000 claims on 100 work orders: 100 winners, 0 double, 100 ledger rows, and every loser was told who was first, or that it has as
much in hand as an operator may. `--by page` presses the board's own button in as many browser sessions, `--by api` calls the API;
`--claims 200 --orders 1 --at-once 200` is two hundred at one moment.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import random
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from perf.actors import Person, Undone, approve, client, customer, new_operator, staff, submit_ready_made
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


@dataclass(frozen=True, slots=True)
class Told:
    """What one claim was answered: whether it won, who was first instead, whether the operator has enough in hand already."""

    won: bool
    first: str | None = None
    has_enough: bool = False


async def by_api(operator: Person, work_order: str) -> Told:
    """As a program claims."""
    path = f"/api/mes/v1/work-orders/{work_order}/claim"
    answer = await operator.send("POST", path, json={}, keyed=False, accept=frozenset({409}))
    if answer["http_status"] == 200:
        return Told(True)
    return Told(False, answer.get("claimed_by"), answer.get("code") == "claim-limit-reached")


async def by_page(operator: Person, work_order: str) -> Told:
    """As the board's button does in a browser: a form, with the session's cookie; the row is answered. Raises Undone."""
    token = operator.headers["authorization"].removeprefix("Bearer ")
    headers = {
        "cookie": f"__Host-session={token}; lang=en",
        "origin": str(operator.http.base_url).rstrip("/"),
        "sec-fetch-site": "same-origin",
        "hx-request": "true",
        "hx-target": f"wo-{work_order}",
        "accept": "text/html, */*",
    }
    response = await operator.http.post(f"/mes/work-orders/{work_order}/claim", headers=headers)
    if response.status_code != 200:
        raise Undone(f"the button was answered {response.status_code}: {response.text[:200]}")
    return told_by_row(response.text)


def told_by_row(row: str) -> Told:
    """What a row of the board says after its button was pressed. Raises Undone when it is none."""
    shown = re.search(r'<li class="row ([a-z -]+)"', row)
    if shown is None:
        raise Undone(f"no row of the board: {row[:200]}")
    if "mine" in shown[1].split():
        return Told(True)
    holder = re.search(r'data-by-name="([^"]+)"', row)
    alert = re.search(r'role="alert">([^<]*)', row)
    name = html.unescape(holder[1]) if holder else None
    return Told(False, name if alert and name and name in html.unescape(alert[1]) else None, 'href="/mes/mine"' in row)


CLAIM = {"api": by_api, "page": by_page}


async def race(
    operators: list[Person], work_orders: list[str], *, claims: int, by: str = "api", at_once: int = 60
) -> tuple[Counter[str], list[str], float]:
    """Fires the claims in random order. Returns winners per work order, broken promises, and the seconds it took."""
    attempts = [(operator, work_order) for work_order in work_orders for operator in operators][:claims]
    random.Random(7).shuffle(attempts)
    winners: Counter[str] = Counter()
    broken: list[str] = []
    gate = asyncio.Semaphore(at_once)

    async def claim(operator: Person, work_order: str) -> None:
        async with gate:
            told = await CLAIM[by](operator, work_order)
        if told.won:
            winners[work_order] += 1
        elif not told.first and not told.has_enough:
            broken.append(f"{work_order}: the loser was not told who was first: {told}")

    begun = time.monotonic()
    await asyncio.gather(*(claim(operator, work_order) for operator, work_order in attempts))
    return winners, broken, time.monotonic() - begun


async def measure(target: Target, *, claims: int, orders: int, by: str, at_once: int) -> int:
    """Runs the race and judges it by the answers and by the ledger."""
    async with client(target, connections=at_once + 10) as http:
        administrator = await staff(http, target, "anna.admin")
        people = {
            "seller": await staff(http, target, "sofia.seller"),
            "buyers": [await customer(http) for _ in range(4)],
        }
        operators = [await new_operator(administrator, f"racer{number}") for number in range(-(-claims // orders))]
        work_orders = await prepare(target, people, orders=orders)
        print(f"{len(work_orders)} work orders on the board; {len(operators)} operators start")
        winners, broken, elapsed_s = await race(operators, work_orders, claims=claims, by=by, at_once=at_once)
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
        f"claims by {by}: {claims} in {elapsed_s:.1f} s ({claims / elapsed_s:.0f}/s), winners={len(winners)} double={double} "
        f"ledger={rows[0]} uninformed={len(broken)} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=5000)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--by", choices=sorted(CLAIM), default="page")
    parser.add_argument("--at-once", type=int, default=60, help="how many are under way at any moment")
    arguments = parser.parse_args()
    return asyncio.run(measure(Target.find(), **vars(arguments)))


if __name__ == "__main__":
    raise SystemExit(main())
