"""`python -m perf.road`: how soon an order's road is shown, and whether the newest orders' traces are whole.

On the system that `make up` started, after something was made there (`perf.losses`, `perf.cluster`): the pages of the newest hundred
orders, each loaded twice through the gateway by one administrator. Bar: p95 under 500 ms, no trace broken.
"""

from __future__ import annotations

import statistics
import time

import httpx

from perf.system import Target, percentile

ADMINISTRATOR = "anna.admin@alexandrite.example"
ORDERS = 100
LOADS = 2
P95_MS_MAX = 500.0


def measure(target: Target) -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    with httpx.Client(base_url=target.url, verify=target.tls(), timeout=30) as http:
        signing_in = {"email": ADMINISTRATOR, "password": target.demo_password()}
        session = http.post("/api/identity/v1/sessions", json=signing_in).raise_for_status().json()
        http.headers["authorization"] = f"Bearer {session['access_token']}"
        listed = http.get("/api/orchestrator/v1/orders", params={"limit": ORDERS}).raise_for_status().json()
        orders = [order["order_id"] for order in listed["items"]]
        if not orders:
            raise SystemExit("There are no orders yet. Make some first: python -m perf.losses")
        took_ms = []
        for order in orders * LOADS:
            begun = time.perf_counter()
            http.get(f"/observability/orders/{order}").raise_for_status()
            took_ms.append((time.perf_counter() - begun) * 1000)
        traces = [http.get(f"/api/observability/v1/orders/{order}/trace").raise_for_status().json() for order in orders]
    broken = sum(not trace["unbroken"] for trace in traces)
    p95 = percentile(took_ms, 0.95)
    met = p95 < P95_MS_MAX and not broken
    spans = statistics.median(len(trace["spans"]) for trace in traces)
    print(
        f"road: orders={len(orders)} loads={len(took_ms)} spans_median={spans:.0f} p50_ms={percentile(took_ms, 0.5):.0f}"
        f" p95_ms={p95:.0f} broken={broken} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(measure(Target.find()))
