"""`python -m perf.telemetry_store`: how many spans a second the receiver keeps, beside what PostgreSQL takes by a bare COPY.

A copy of the same rows, in the same portions, each its own transaction, into a table with the same keys and indexes is the limit: no
receiver can be faster. In rounds, one after the other. Bars: the receiver keeps at least a fifth of the limit, and ten times what a
busy shop makes (100 orders a minute, 150 spans each: 250 a second).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from perf.bars import Bar
from perf.system import Target
from tools.prepare import state

SERVICE = "observability"
PORTION = 256
SENDERS = 2
RATIO_MIN = 0.2
SPANS_PER_S_MIN = 2500.0
RELEASE = "perf-telemetry-store"
TABLE = "perf_span"
ATTRIBUTES = {
    "http.request.method": "POST",
    "http.route": "/api/shop/v1/orders/{order_id}/submission",
    "db.system.name": "postgresql",
    "db.namespace": "shop",
    "db.operation.name": "UPDATE",
    "db.query.text": "UPDATE orders SET status = $1, changed_at = $2 WHERE id = $3 AND version = $4 RETURNING version",
    "server.address": "postgres",
    "user.kind": "customer",
}


def export(spans: int) -> bytes:
    """One export: spans of a few orders, as services send them."""
    told: Any = ExportTraceServiceRequest()
    of_resource = told.resource_spans.add()
    for key, value in (("service.name", "perf"), ("service.version", RELEASE)):
        of_resource.resource.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
    scope = of_resource.scope_spans.add()
    orders = [uuid4() for _ in range(8)]
    for number in range(spans):
        order = orders[number % len(orders)]
        begun = time.time_ns()
        one = scope.spans.add(
            trace_id=order.bytes,
            span_id=uuid4().bytes[:8],
            parent_span_id=uuid4().bytes[:8],
            name="UPDATE orders",
            kind=trace_pb2.Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=begun,
            end_time_unix_nano=begun + 1_234_567,
        )
        for key, text in (ATTRIBUTES | {"order.id": str(order)}).items():
            one.attributes.append(KeyValue(key=key, value=AnyValue(string_value=text)))
        one.attributes.append(KeyValue(key="db.response.returned_rows", value=AnyValue(int_value=1)))
    packed: bytes = told.SerializeToString()
    return packed


async def sent(url: str, key: str, exports: Sequence[bytes]) -> float:
    """Seconds until the last of the exports was kept. Raises when one was not."""
    waiting = list(exports)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:

        async def send() -> None:
            while waiting:
                (await http.post("/v1/traces", content=waiting.pop())).raise_for_status()

        begun = time.monotonic()
        await asyncio.gather(*(send() for _ in range(SENDERS)))
        return time.monotonic() - begun


def rows_of(database: psycopg.Connection[tuple[object, ...]], since: datetime) -> list[bytes]:
    """What was kept of these exports, as lines of a COPY."""
    statement = (
        f"COPY (SELECT * FROM span WHERE release = '{RELEASE}' AND started_at >= '{since.isoformat()}') TO STDOUT"  # noqa: S608
    )
    with database.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(block) for block in copy).splitlines(keepends=True)


def copied(database: psycopg.Connection[tuple[object, ...]], rows: Sequence[bytes]) -> float:
    """Seconds until the same rows were copied, in the same portions."""
    database.execute(f"DROP TABLE IF EXISTS {TABLE}")
    database.execute(f"CREATE TABLE {TABLE} (LIKE span INCLUDING ALL)")
    portions = [b"".join(rows[first : first + PORTION]) for first in range(0, len(rows), PORTION)]
    begun = time.monotonic()
    for portion in portions:
        with database.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            copy.write(portion)
    return time.monotonic() - begun


def find(target: Target) -> str:
    """Where the receiver is: inside, so at its container's own address."""
    networks = json.loads(target.docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", SERVICE))
    return f"http://{next(iter(networks.values()))['IPAddress']}:8000"


def measure(target: Target, url: str, *, rounds: int, exports: int) -> tuple[float, list[float]]:
    """Spans a second by the receiver, the median of the rounds; and its share of the limit in each round."""
    key = (state.STATE / "secrets" / SERVICE / "alexandrite_otlp_key").read_text(encoding="utf-8").strip()
    rates, shares = [], []
    with target.database(SERVICE) as database:
        for number in range(rounds):
            packed = [export(PORTION) for _ in range(exports)]
            since = datetime.now(UTC).replace(microsecond=0)
            database.execute("DELETE FROM span WHERE release = %s", [RELEASE])
            taken_s = asyncio.run(sent(url, key, packed))
            rows = rows_of(database, since.replace(hour=0, minute=0, second=0))
            if len(rows) != exports * PORTION:
                raise SystemExit(f"{len(rows)} of {exports * PORTION} spans were kept")
            limit_s = copied(database, rows)
            rates.append(len(rows) / taken_s)
            shares.append(limit_s / taken_s)
            print(f"round {number + 1}: {rates[-1]:.0f} spans/s, bare COPY {len(rows) / limit_s:.0f} rows/s")
        database.execute(f"DROP TABLE IF EXISTS {TABLE}")
        database.execute("DELETE FROM span WHERE release = %s", [RELEASE])
    return statistics.median(rates), shares


def main() -> int:
    """Prints the figures; the exit status says whether both bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--exports", type=int, default=40, help=f"exports of {PORTION} spans in a round")
    parser.add_argument("--url", default="", help="the receiver, when it is not the one of `make up`")
    arguments = parser.parse_args()
    target = Target.find()
    url = arguments.url or find(target)
    rate, shares = measure(target, url, rounds=arguments.rounds, exports=arguments.exports)
    spread = f"{min(shares):.2f} to {max(shares):.2f} in {len(shares)} rounds"
    bars = (
        Bar("spans kept a second", rate, ">=", SPANS_PER_S_MIN, "1/s"),
        Bar("share of a bare COPY", statistics.median(shares), ">=", RATIO_MIN, "", spread),
    )
    for bar in bars:
        print(bar.line())
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    raise SystemExit(main())
