"""Reads the evidence of a run where it lies: the services' tables, the broker, the mailbox, the orchestrator's own reports."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import psycopg

from perf.faults.crowd import Crowd
from perf.faults.evidence import (
    Evidence,
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
from perf.faults.stage import Stage

MESSENGERS = ("shop", "orchestrator", "pricing", "crm", "mes")
KEEPERS = ("identity", "shop", "crm", "mes", "pricing", "orchestrator", "files")
INBOX = ".inbox.v1"
OURS = (INBOX, ".dead.v1")
QUIET_WITHIN_S = 60.0
LOOK_EVERY_S = 0.3
FIGURES_WITHIN_S = 20.0
CLOCKS_APART_MAX = timedelta(hours=2)
DEAD_LEFT = "SELECT count(*) FROM dead_letter WHERE state = 'dead'"
STATUSES = "SELECT order_id::text, status FROM orders WHERE order_id = ANY(%s::uuid[])"
HISTORY = "SELECT order_id::text, seq, from_status, to_status FROM order_history WHERE order_id = ANY(%s::uuid[])"
SHOP_ORDERS = "SELECT id::text FROM orders WHERE id = ANY(%s::uuid[])"
LINES = "SELECT order_id::text, id::text, coalesce(sku, ''), quantity FROM order_line WHERE order_id = ANY(%s::uuid[])"
STOCK_MOVED = "SELECT order_id::text, sku, kind, pieces FROM stock_movement WHERE order_id = ANY(%s::uuid[])"
NOTICES = "SELECT notice_id::text, about::text, kind, occasion, state FROM notice WHERE about = ANY(%s::uuid[])"
WORK_ORDERS = "SELECT id::text, order_id::text, line_id::text, state FROM work_order WHERE order_id = ANY(%s::uuid[])"
PAID = "SELECT work_order_id::text, kind, operator_id::text FROM pay_ledger WHERE order_id = ANY(%s::uuid[])"
Rows = list[tuple[Any, ...]]


class Collector:
    """Questions about the orders of one run's customers, whom no other run has."""

    def __init__(self, stage: Stage, crowd: Crowd) -> None:
        """What an earlier run left lying is noted now, and is not held against this one."""
        self._stage = stage
        self._crowd = crowd
        self._consumers: dict[str, set[str]] = {}
        # A service whose clock is behind dates its orders so.
        self._since = moment(stage) - CLOCKS_APART_MAX
        self._left_before = self._unsettled()
        self._dead_before = self._dead()

    def _ask(self, service: str, query: str, *given: Any) -> Rows:
        with self._stage.target.database(service) as database:
            return database.execute(query, list(given)).fetchall()

    def orders(self) -> list[str]:
        """Every order that the run's customers began, told of or not."""
        buyers = [buyer.user_id for buyer in self._crowd.people.buyers]
        found = self._ask("shop", "SELECT id::text FROM orders WHERE customer_id = ANY(%s::uuid[])", buyers)
        return sorted({row[0] for row in found} | set(self._crowd.heard.created.values()))

    def consumers(self) -> dict[str, set[str]]:
        """Services by the type of message that the broker's bindings bring them."""
        if not self._consumers:
            for binding in self._stage.broker.bindings():
                queue, key = binding["destination"], binding["routing_key"]
                if queue.endswith(INBOX) and not key.startswith("to."):
                    self._consumers.setdefault(key, set()).add(queue.removesuffix(INBOX))
        return self._consumers

    async def quiet(self) -> bool:
        """Waits until nothing is on its way any more. False when that does not come: the invariants then say what is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + QUIET_WITHIN_S
        while loop.time() < deadline:
            try:
                if await asyncio.to_thread(self._is_quiet):
                    return True
            except psycopg.Error:
                # A database that was just struck may refuse a moment longer.
                pass
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    def _is_quiet(self) -> bool:
        if any(self.unsettled().values()):
            return False
        orders = self.orders()
        received = {(row.service, row.event_id) for row in self.received(orders)}
        wanted = {
            (service, sent.event_id)
            for sent in self.sent(orders)
            for service in self.consumers().get(sent.type, ())
            if sent.is_published
        }
        waiting = self._ask("shop", "SELECT count(*) FROM notice WHERE state = 'waiting'")
        return wanted <= received and waiting[0][0] == 0

    def unsettled(self) -> dict[str, int]:
        """Messages that wait in outboxes and inboxes, of whatever order, less what lay there before the run."""
        return {where: count - self._left_before.get(where, 0) for where, count in self._unsettled().items()}

    def _dead(self) -> int:
        return sum(int(self._ask(service, DEAD_LEFT)[0][0]) for service in MESSENGERS)

    def _unsettled(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for service in MESSENGERS:
            rows = self._ask(
                service,
                "SELECT state, count(*) FROM inbox WHERE state <> 'done' GROUP BY 1"
                " UNION ALL SELECT CASE WHEN parked_at IS NULL THEN 'unpublished' ELSE 'parked outgoing' END, count(*)"
                " FROM outbox WHERE published_at IS NULL GROUP BY 1",
            )
            found |= {f"{service} {state}": count for state, count in rows}
        return found

    def sent(self, orders: list[str]) -> list[Sent]:
        """What the services sent about these orders."""
        query = (
            "SELECT event_id::text, type, subject, published_at IS NOT NULL, parked_at IS NOT NULL"
            " FROM outbox WHERE subject = ANY(%s)"
        )
        return [Sent(service, *row) for service in MESSENGERS for row in self._ask(service, query, orders)]

    def received(self, orders: list[str]) -> list[Received]:
        """What the services took about these orders."""
        query = "SELECT event_id::text, type, subject, state FROM inbox WHERE subject = ANY(%s)"
        return [Received(service, *row) for service in MESSENGERS for row in self._ask(service, query, orders)]

    async def evidence(self, *, planted: int, dead_seen: int) -> Evidence:
        """All of it, once the run is quiet."""
        administrator = self._crowd.people.administrator
        report = await administrator.send(
            "GET", "/api/orchestrator/v1/reconciliation", params={"since": self._since.isoformat()}
        )
        attention = await self._attention()
        found = await asyncio.to_thread(self._tables)
        found.planted, found.dead_seen = planted, dead_seen
        found.attention = attention
        ours = {"", *found.shop_orders, *found.statuses}
        found.findings = [
            f"{one['kind']} {one['service']} {one['order_id']}: {one['detail']}"
            for one in report["findings"]
            if one["order_id"] in ours
        ]
        return found

    async def _attention(self) -> set[str]:
        stuck: set[str] = set()
        cursor: str | None = None
        while True:
            given = {"attention": "stuck", "limit": 100} | ({"cursor": cursor} if cursor else {})
            page = await self._crowd.people.administrator.send("GET", "/api/orchestrator/v1/orders", params=given)
            stuck |= {str(item["order_id"]) for item in page["items"]}
            cursor = page.get("next")
            if not cursor:
                return stuck

    def _tables(self) -> Evidence:
        orders = self.orders()

        def of(service: str, query: str) -> Rows:
            return self._ask(service, query, orders)

        return Evidence(
            heard=self._crowd.heard,
            statuses=dict(of("orchestrator", STATUSES)),
            shop_orders=[row[0] for row in of("shop", SHOP_ORDERS)],
            history=[Moved(*row) for row in of("orchestrator", HISTORY)],
            consumers=self.consumers(),
            sent=self.sent(orders),
            received=self.received(orders),
            work_orders=[WorkOrder(*row) for row in of("mes", WORK_ORDERS)],
            paid=[Paid(*row) for row in of("mes", PAID)],
            lines=[Line(*row) for row in of("shop", LINES)],
            stock_moved=[StockMoved(*row) for row in of("shop", STOCK_MOVED)],
            shelves=self._shelves(),
            kept_keys=self._kept_keys(),
            notices=[Notice(*row) for row in of("shop", NOTICES)],
            letters=self._letters(),
            queues=self._queues(),
            unsettled=self.unsettled(),
            dead_left=self._dead() - self._dead_before,
        )

    def _shelves(self) -> list[Shelf]:
        query = (
            "SELECT stock.sku, stocked, available, coalesce(sum(CASE kind WHEN 'reserve' THEN pieces ELSE -pieces END), 0)::bigint"
            " FROM stock LEFT JOIN stock_movement USING (sku) GROUP BY 1, 2, 3"
        )
        return [Shelf(*row) for row in self._ask("shop", query)]

    def _kept_keys(self) -> dict[str, int]:
        kept: dict[str, int] = {}
        keys = sorted(self._crowd.heard.answers)
        for service in KEEPERS:
            rows = self._ask(service, "SELECT key, count(*) FROM idempotency_key WHERE key = ANY(%s) GROUP BY 1", keys)
            for key, count in rows:
                kept[key] = kept.get(key, 0) + count
        return kept

    def _letters(self) -> list[Letter]:
        return [
            Letter(letter["to"], letter["message_id"])
            for mail in self._crowd.mails
            for letter in self._stage.post.letters(mail)
        ]

    def _queues(self) -> list[Queue]:
        """The broker's figures are some seconds old: they are asked for until they show nothing, and count then at the latest."""
        deadline = time.monotonic() + FIGURES_WITHIN_S
        while True:
            queues = [Queue(*row) for row in self._stage.broker.queues() if row[0].endswith(OURS)]
            if not any(queue.ready or queue.unacknowledged for queue in queues) or time.monotonic() > deadline:
                return queues
            time.sleep(LOOK_EVERY_S)


def moment(stage: Stage) -> datetime:
    """Now, by the database's clock: ours and the services' may differ from it."""
    with stage.target.database("shop") as database:
        row = database.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    at: datetime = row[0]
    return at
