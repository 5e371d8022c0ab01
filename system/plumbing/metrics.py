"""Prometheus metrics of every process, and gauges that a query answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.plumbing.telemetry import log, said_by

REQUESTS = Counter("alexandrite_http_requests_total", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "alexandrite_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
PUBLISHED = Counter("alexandrite_messages_published_total", "Messages that the broker confirmed.", ["type"])
PUBLISH_FAILURES = Counter("alexandrite_publish_failures_total", "Publishes refused or unroutable.", ["type"])
CONSUMED = Counter("alexandrite_messages_consumed_total", "Messages handled, by outcome.", ["type", "outcome"])
DELIVERY_SECONDS = Histogram(
    "alexandrite_message_delivery_seconds",
    "From the commit of a message to the commit of its effect.",
    ["type"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
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
TOPOLOGY_CHECKED = Gauge(
    "alexandrite_topology_checked_timestamp_seconds", "When this process last saw the whole topology of its queue."
)
DEPENDENCY_FAILURES = Counter("alexandrite_dependency_failures_total", "Calls to a dependency that failed.", ["to"])

REFRESH_S = 5.0


@dataclass(frozen=True, slots=True)
class GaugeQuery:
    """A gauge whose samples are rows of `sql`: one column per label, and `value`."""

    name: str
    help: str
    labels: Sequence[str]
    sql: str


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
    """Answers gauges from the database, at most once per REFRESH_S; a failed query leaves the gauge out, never at 0."""

    def __init__(self, engine: AsyncEngine, queries: Sequence[GaugeQuery]) -> None:
        self._engine = engine
        self._queries = queries
        self._families: list[GaugeMetricFamily] = []
        self._refreshed_at = 0.0

    async def refresh(self) -> None:
        """Runs the queries again when the last answers are too old."""
        if time.monotonic() - self._refreshed_at < REFRESH_S:
            return
        self._refreshed_at = time.monotonic()
        families = []
        try:
            async with self._engine.connect() as connection:
                for query in self._queries:
                    family = GaugeMetricFamily(query.name, query.help, labels=list(query.labels))
                    for row in (await connection.execute(text(query.sql))).mappings():
                        family.add_metric([str(row[label]) for label in query.labels], float(row["value"]))
                    families.append(family)
        except Exception as error:
            log.warning("gauges not refreshed", error=said_by(error))
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        """The last answers, for prometheus_client."""
        return self._families

    def describe(self) -> list[Any]:
        """Nothing to say before the first refresh (prometheus_client would otherwise call collect at registration)."""
        return []


async def exposition(gauges: QueriedGauges | None) -> bytes:
    """All metrics of this process in the Prometheus text format."""
    if gauges is not None:
        await gauges.refresh()
    return generate_latest(REGISTRY)
