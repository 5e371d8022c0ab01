"""`python -m perf.delivery`: how long a message takes from its commit to the commit of its effect.

Steady: customers start orders at a fixed rate; the commit of the shop's row and of the orchestrator's history row are compared by
PostgreSQL's own commit timestamps. Burst: so many events are committed in one transaction into the shop's outbox; the clock stops at
the commit of the last effect. Bars: p99 under 250 ms at 20 events/s; 3,000 events under 15 s.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4

from perf.actors import client, customer
from perf.system import Target, percentile

P99_MS_MAX = 250.0
BURST_S_MAX = 15.0

_COMMITTED = """
    SELECT order_id::text, extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS at
    FROM order_history WHERE to_status = 'INITIATED' AND order_id = ANY(%s::uuid[])
"""
_STARTED = """
    SELECT body->'order'->>'order_id' AS order_id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS at
    FROM idempotency_key WHERE body->'order'->>'order_id' = ANY(%s)
"""
_BURST = """
    WITH made AS (
        SELECT gen_random_uuid() AS order_id, number FROM generate_series(1, %(count)s) AS number),
    kept AS (
        INSERT INTO orders (id, number, channel, customer_id, revision, created_at, changed_at)
        SELECT order_id, %(run)s || number, 'shop', gen_random_uuid(), 1, %(now)s, %(now)s FROM made),
    counted AS (
        INSERT INTO outbox_sequence (subject, last) SELECT order_id::text, 1 FROM made RETURNING subject)
    INSERT INTO outbox (event_id, source, subject, sequence, bucket, type, data, occurred_at)
    SELECT gen_random_uuid(), 'shop', order_id::text, 1, %(bucket)s, 'shop.order_initiated.v1',
           jsonb_build_object('order_id', order_id, 'number', %(run)s || number, 'channel', 'shop',
                              'customer_id', gen_random_uuid(), 'initiated_at', to_jsonb(%(now)s::timestamptz)), %(now)s
    FROM made RETURNING subject
"""


async def steady(target: Target, *, rate: float, seconds: float) -> list[float]:
    """Milliseconds from commit to committed effect, of every order started at `rate` per second."""
    order_ids: list[str] = []
    async with client(target) as http:
        buyers = [await customer(http) for _ in range(4)]

        async def start(buyer_number: int) -> None:
            answer = await buyers[buyer_number % len(buyers)].send("POST", "/api/shop/v1/orders", json={})
            order_ids.append(answer["order"]["order_id"])

        tasks = []
        begun = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(start(number)))
        await asyncio.gather(*tasks)
    await asyncio.sleep(3)
    with target.database("shop") as shop, target.database("orchestrator") as orchestrator:
        sent = {row[0]: float(row[1]) for row in shop.execute(_STARTED, [order_ids])}
        done = {row[0]: float(row[1]) for row in orchestrator.execute(_COMMITTED, [order_ids])}
    missing = set(order_ids) - set(done)
    if missing or set(order_ids) - set(sent):
        raise SystemExit(f"{len(missing)} of {len(order_ids)} orders had no effect within 3 s")
    return [(done[order_id] - sent[order_id]) * 1000 for order_id in order_ids]


def burst(target: Target, *, count: int) -> float:
    """Seconds from the commit of `count` events at once to the commit of the last effect."""
    with target.database("shop") as shop, target.database("orchestrator") as orchestrator:
        with shop.transaction():
            # Buckets only spread the work over processes; a burst in one bucket is the hardest case for its holder.
            subjects = [
                row[0]
                for row in shop.execute(
                    _BURST, {"count": count, "bucket": 0, "run": f"B-{uuid4().hex[:6]}-", "now": datetime.now(UTC)}
                )
            ]
            shop.execute("SELECT pg_notify('outbox', '')")
        committed = time.time()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            done = orchestrator.execute(_COMMITTED, [subjects]).fetchall()
            if len(done) == count:
                return max(float(row[1]) for row in done) - committed
            time.sleep(0.2)
    raise SystemExit(f"only {len(done)} of {count} events took effect within 120 s")


def main() -> int:
    """Prints the figures; the exit status says whether both bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--burst", type=int, default=3000)
    arguments = parser.parse_args()
    target = Target.find()
    latencies_ms = asyncio.run(steady(target, rate=arguments.rate, seconds=arguments.seconds))
    p50, p99 = percentile(latencies_ms, 0.5), percentile(latencies_ms, 0.99)
    print(
        f"steady: {len(latencies_ms)} events at {arguments.rate:g}/s, commit to committed effect: p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )
    burst_s = burst(target, count=arguments.burst)
    print(f"burst: {arguments.burst} events committed at once, the last effect after {burst_s:.1f} s")
    met = p99 < P99_MS_MAX and burst_s < BURST_S_MAX
    print(
        f"delivery: p99_ms={p99:.0f} (bar {P99_MS_MAX:g}) burst_s={burst_s:.1f} (bar {BURST_S_MAX:g}) {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
