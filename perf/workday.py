"""A day's work while parts break: customers, sellers, operators and a carrier at work, and what became of every order.

For the measurements that break something meanwhile: each brings its own destruction and its own bar. The actors repeat what was not
answered; the judge reads the tables.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from perf.actors import (
    RETRIED,
    Person,
    Undone,
    carrier_secret,
    client,
    customer,
    make_and_ship,
    new_operator,
    signed,
    staff,
    submit_ready_made,
)
from perf.system import Target

CLOSING_S_MAX = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the day's orders. `lost` never reached CLOSED; `doubled` counts repeated or missing steps and pay."""

    lost: int
    doubled: int
    findings: list[Any]
    elapsed_s: float

    @property
    def whole(self) -> bool:
        """Nothing lost, nothing doubled, and the reconciliation report is empty."""
        return self.lost == self.doubled == len(self.findings) == 0


@dataclass
class Run:
    """What the actors share."""

    target: Target
    wanted: int
    submitted: list[str] = field(default_factory=list)
    shipped: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


async def buy(run: Run, buyer: Person, numbers: list[int], rate: float) -> None:
    """Submits this buyer's share of the orders."""
    for _ in numbers:
        begun = time.monotonic()
        try:
            run.submitted.append(await submit_ready_made(buyer))
        except Undone as error:
            run.failures.append(f"submit: {error}")
        await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - begun)))


async def sell(run: Run, seller: Person) -> None:
    """Approves whatever waits for approval."""
    while not run.finished.is_set():
        waiting = await seller.send("GET", "/api/crm/v1/approvals", params={"limit": 50})
        for item in waiting["items"]:
            path = f"/api/crm/v1/orders/{item['order_id']}/approval"
            await seller.send("POST", path, json={}, accept=frozenset({404, 409}))
        await asyncio.sleep(0.2 if waiting["items"] else 0.5)


async def operate(run: Run, operator: Person, seed: int) -> None:
    """Takes work orders from the board and carries each through to the carrier."""
    choose = random.Random(seed)
    while not run.finished.is_set():
        board = await operator.send("GET", "/api/mes/v1/work-orders", params={"limit": 30})
        mine = await operator.send("GET", "/api/mes/v1/work-orders", params={"mine": "true", "limit": 5})
        free = board["items"]
        chosen = [item["work_order_id"] for item in mine["items"]] or (
            [choose.choice(free)["work_order_id"]] if free else []
        )
        for work_order in chosen:
            await make_and_ship(operator, work_order)
            run.shipped.add(work_order)
        if not chosen:
            await asyncio.sleep(0.4)


async def deliver(run: Run, http: httpx.AsyncClient) -> None:
    """The carrier: reports every parcel as delivered, again and again until it is answered."""
    secret = carrier_secret()
    told: set[str] = set()
    while not run.finished.is_set():
        for work_order in run.shipped - told:
            body = json.dumps(
                {
                    "carrier": "cdek",
                    "tracking_number": f"LOAD-{work_order[:13]}",
                    "event": "delivered",
                    "occurred_at": datetime.now(UTC).isoformat(),
                }
            )
            headers = signed(secret, f"msg_{uuid4().hex}", body)
            try:
                answer = await http.post("/api/crm/v1/carrier-events", content=body, headers=headers)
            except httpx.HTTPError:
                break
            if answer.is_success:
                told.add(work_order)
            elif answer.status_code not in RETRIED:
                run.failures.append(f"carrier: {answer.status_code} {answer.text[:200]}")
                told.add(work_order)
        await asyncio.sleep(0.5)


async def submitted(run: Run, count: int) -> None:
    """Waits until so many orders are submitted."""
    while len(run.submitted) < count:
        await asyncio.sleep(0.2)


def judge(run: Run) -> dict[str, int]:
    """Counts what is lost or doubled, from the tables."""
    ids = run.submitted
    with run.target.database("orchestrator") as database:
        closed = database.execute(
            "SELECT count(*) FROM orders WHERE order_id = ANY(%s::uuid[]) AND status = 'CLOSED'", [ids]
        ).fetchone()
        doubled = database.execute(
            "SELECT count(*) FROM (SELECT order_id, to_status FROM order_history WHERE order_id = ANY(%s::uuid[])"
            " GROUP BY 1, 2 HAVING count(*) > 1) AS twice",
            [ids],
        ).fetchone()
        gaps = database.execute(
            "SELECT count(*) FROM (SELECT order_id FROM order_history WHERE order_id = ANY(%s::uuid[])"
            " GROUP BY 1 HAVING max(seq) <> count(*) OR min(seq) <> 1) AS gaps",
            [ids],
        ).fetchone()
    with run.target.database("mes") as database:
        paid = database.execute(
            "SELECT count(*), count(DISTINCT work_order_id) FROM pay_ledger WHERE kind = 'earn' AND work_order_id IN"
            " (SELECT id FROM work_order WHERE order_id = ANY(%s::uuid[]))",
            [ids],
        ).fetchone()
    assert closed and doubled and gaps and paid
    return {
        "lost": len(ids) - closed[0] + (run.wanted - len(ids)),
        "doubled": doubled[0] + gaps[0] + abs(paid[0] - len(ids)) + (paid[0] - paid[1]),
    }


async def closed_count(run: Run) -> int:
    """How many of the run's orders are closed."""

    def ask() -> int:
        with run.target.database("orchestrator") as database:
            row = database.execute(
                "SELECT count(*) FROM orders WHERE order_id = ANY(%s::uuid[]) AND status = 'CLOSED'", [run.submitted]
            ).fetchone()
        return int(row[0]) if row else 0

    return await asyncio.to_thread(ask)


async def work(
    target: Target,
    *,
    orders: int,
    rate: float,
    destroy: Callable[[Run], Awaitable[None]],
    closing_s_max: float = CLOSING_S_MAX,
) -> Outcome:
    """`orders` at `rate` a second, made and delivered to the end while `destroy` does its work; then the judgement."""
    run = Run(target, orders)
    async with client(target, connections=80) as http:
        administrator = await staff(http, target, "anna.admin")
        seller = await staff(http, target, "sofia.seller")
        buyers = [await customer(http) for _ in range(8)]
        operators = [await new_operator(administrator, f"maker{number}") for number in range(8)]
        shares = [list(range(start, orders, len(buyers))) for start in range(len(buyers))]
        since = datetime.now(UTC)
        begun = time.monotonic()
        working = [
            asyncio.create_task(part)
            for part in (
                sell(run, seller),
                sell(run, await staff(http, target, "sergey.seller")),
                *(operate(run, operator, seed) for seed, operator in enumerate(operators)),
                deliver(run, http),
            )
        ]
        destroying = asyncio.ensure_future(destroy(run))
        await asyncio.gather(
            *(buy(run, buyer, share, rate / len(buyers)) for buyer, share in zip(buyers, shares, strict=True))
        )
        await destroying
        print(f"{len(run.submitted)} orders submitted in {time.monotonic() - begun:.0f} s", flush=True)
        deadline = time.monotonic() + closing_s_max
        while (closed := await closed_count(run)) < len(run.submitted) and time.monotonic() < deadline:
            print(f"  closed: {closed}", flush=True)
            await asyncio.sleep(3)
        run.finished.set()
        await asyncio.gather(*working, return_exceptions=True)
        elapsed_s = time.monotonic() - begun
        report = await administrator.send(
            "GET", "/api/orchestrator/v1/reconciliation", params={"since": since.isoformat()}
        )
    verdict = judge(run)
    for failure in run.failures[:5]:
        print(f"  {failure}")
    for finding in report["findings"][:5]:
        print(f"  finding: {finding}")
    findings = report["findings"] if report["findings"] or report["ok"] else ["the report is not ok"]
    return Outcome(verdict["lost"], verdict["doubled"], findings, elapsed_s)
