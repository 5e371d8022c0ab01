"""Prometheus metrics of every process, and gauges that a query answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.plumbing.metrics_of_others import OTHERS
from system.plumbing.telemetry import log, said_by

# Labels are bounded, and system/deploy/prometheus/metrics.toml says by what: a value that a stranger chooses never becomes one.
REQUESTS = Counter("alexandrite_http_requests_total", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "alexandrite_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
ROLE_REQUESTS = Counter(
    "alexandrite_http_requests_by_role_total",
    "Requests answered, by who asked and how it ended.",
    ["role", "route", "outcome"],
)
ROLE_SECONDS = Histogram(
    "alexandrite_http_request_by_role_seconds",
    "Time to answer a request, by who asked.",
    ["role"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HTTP_BYTES = Counter("alexandrite_http_bytes_total", "Bytes of bodies, in and out.", ["direction"])
HTTP_IN_FLIGHT = Gauge("alexandrite_http_requests_in_flight", "Requests that are being answered.")
PUBLISHED = Counter("alexandrite_messages_published_total", "Messages that the broker confirmed.", ["type"])
PUBLISH_FAILURES = Counter("alexandrite_publish_failures_total", "Publishes refused or unroutable.", ["type"])
CONSUMED = Counter("alexandrite_messages_consumed_total", "Messages handled, by outcome.", ["type", "outcome"])
DELIVERY_SECONDS = Histogram(
    "alexandrite_message_delivery_seconds",
    "From the commit of a message to the commit of its effect.",
    ["type"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
)
MESSAGES_IN_FLIGHT = Gauge(
    "alexandrite_messages_in_flight",
    "Messages on their way: out and not yet confirmed, or in and not yet acknowledged.",
    ["direction"],
)
BATCH_SIZE = Histogram("alexandrite_consumer_batch_size", "Messages per transaction.", buckets=(1, 2, 5, 10, 20, 50))
LEASED_BUCKETS = Gauge("alexandrite_leased_buckets", "Order buckets that this process works on.", ["role"])
CONSUMER_UP = Gauge("alexandrite_consumer_up", "1 while this process consumes its queue.")
BROKER_BLOCKED = Gauge(
    "alexandrite_broker_blocked",
    "Connections of this process that the broker lets publish nothing: its memory or disk is short.",
)
TOPOLOGY_MENDED = Counter(
    "alexandrite_topology_mended_total",
    "Parts of the broker's topology that were gone and were declared again.",
    ["what"],
)
TOPOLOGY_PARTS = ("exchange", "queue", "binding", "dead_queue")
"""What may be gone; the bindings of a queue of dead letters count as bindings."""
for _part in TOPOLOGY_PARTS:
    # A series that begins with its first 1 has not increased yet, and no alert would see it.
    TOPOLOGY_MENDED.labels(_part)
TOPOLOGY_CHECKED = Gauge(
    "alexandrite_topology_checked_timestamp_seconds", "When this process last saw the whole topology of its queue."
)
DEPENDENCY_FAILURES = Counter("alexandrite_dependency_failures_total", "Calls to a dependency that failed.", ["to"])
GAUGES_FRESH = Gauge("alexandrite_gauges_fresh", "1 while the database answers what the gauges ask.")

REFRESH_S = 5.0
SAMPLES_MAX = 200
"""Rows that one gauge may have. More would mean that a label takes its values from what people do."""


@dataclass(frozen=True, slots=True)
class GaugeQuery:
    """A gauge whose samples are rows of `sql`: one column per label, and `value`."""

    name: str
    help: str
    labels: Sequence[str]
    sql: str
    every_s: float = REFRESH_S


DELIVERY_GAUGES = (
    GaugeQuery(
        "alexandrite_outbox_pending",
        "Messages committed and not yet confirmed by the broker.",
        (),
        "SELECT count(*) AS value FROM outbox WHERE published_at IS NULL AND parked_at IS NULL",
    ),
    GaugeQuery(
        "alexandrite_outbox_age_seconds",
        "Age of the oldest message not yet confirmed by the broker.",
        (),
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0) AS value"
        " FROM outbox WHERE published_at IS NULL AND parked_at IS NULL",
    ),
    GaugeQuery(
        "alexandrite_outbox_parked",
        "Messages that the broker would not take, set aside for a person.",
        (),
        "SELECT count(*) AS value FROM outbox WHERE parked_at IS NOT NULL AND published_at IS NULL",
    ),
    GaugeQuery(
        "alexandrite_inbox",
        "Received messages without an effect yet, by state.",
        ("state",),
        "SELECT state, count(*) AS value FROM inbox"
        " WHERE state IN ('retry','waiting','held','parked','refused') GROUP BY state",
    ),
    GaugeQuery(
        "alexandrite_inbox_oldest_seconds",
        "Age of the oldest received message without an effect, by state.",
        ("state",),
        "SELECT state, extract(epoch FROM clock_timestamp() - min(received_at)) AS value FROM inbox"
        " WHERE state IN ('retry','waiting','held','parked') GROUP BY state",
    ),
    GaugeQuery(
        "alexandrite_dead_letters",
        "Dead letters that nobody has settled.",
        (),
        "SELECT count(*) AS value FROM dead_letter WHERE state = 'dead'",
    ),
)


class QueriedGauges:
    """Answers gauges from the database, each at most once per `every_s`; a failed query leaves the gauges out, never at 0."""

    def __init__(self, engine: AsyncEngine, queries: Sequence[GaugeQuery]) -> None:
        self._engine = engine
        self._queries = queries
        self._families: dict[str, GaugeMetricFamily] = {}
        self._due_at: dict[str, float] = {}

    async def refresh(self) -> None:
        """Runs the queries again whose last answers are too old."""
        now = time.monotonic()
        due = [query for query in self._queries if now >= self._due_at.get(query.name, now)]
        if not due:
            return
        self._due_at |= {query.name: now + query.every_s for query in due}
        try:
            async with self._engine.connect() as connection:
                answers = {query.name: await self._ask(connection, query) for query in due}
            self._families |= answers
            GAUGES_FRESH.set(1)
        except Exception as error:
            # Without an answer the old ones say nothing any more; all are asked again as soon as they may be.
            self._families = {}
            self._due_at = {query.name: now + REFRESH_S for query in self._queries}
            GAUGES_FRESH.set(0)
            log.warning("gauges not refreshed", error=said_by(error))

    @staticmethod
    async def _ask(connection: AsyncConnection, query: GaugeQuery) -> GaugeMetricFamily:
        family = GaugeMetricFamily(query.name, query.help, labels=list(query.labels))
        rows = (await connection.execute(text(query.sql))).mappings().all()
        if len(rows) > SAMPLES_MAX:
            log.warning("gauge cut short", gauge=query.name, rows=len(rows), kept=SAMPLES_MAX)
        for row in rows[:SAMPLES_MAX]:
            family.add_metric([str(row[label]) for label in query.labels], float(row["value"]))
        return family

    def collect(self) -> list[GaugeMetricFamily]:
        """The last answers, for prometheus_client."""
        return list(self._families.values())

    def describe(self) -> list[Any]:
        """Nothing to say before the first refresh (prometheus_client would otherwise call collect at registration)."""
        return []


async def exposition(gauges: QueriedGauges | None) -> bytes:
    """All metrics of this process, and of those beside it, in the Prometheus text format."""
    if gauges is not None:
        await gauges.refresh()
    return generate_latest(OTHERS.added_to(REGISTRY))
