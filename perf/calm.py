"""`python -m perf.calm`: half an hour of everyday load on the running system, and every alert that fired meanwhile.

People order, approve and make pieces as in `perf.run --profile steady`; nothing is broken and nobody is late. Whatever fires then is
a false alert. Told from Prometheus' own record, so that an alert that came and went between two looks counts too; the one that always
fires, so that its silence is noticed, has to be there. Pending ones are shown: they told nobody. Bar: none fired, while orders came.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fixtures.models3d import model
from perf.profiles import MODELS
from perf.run import failures_in, load, read_raw
from perf.system import Target

PROMETHEUS = "http://localhost:9090"
STEP_S = 15
ALWAYS = "Watchdog"
SETTLED_S = 60
"""After the load: what was about to fire has its time."""


def series(target: Target, expression: str, *, since: float) -> list[dict[str, Any]]:
    """The series of an expression from a moment until now, as Prometheus kept them. Raises CalledProcessError."""
    asked = ["promtool", "query", "range", f"--start={since:.0f}", f"--end={time.time():.0f}", f"--step={STEP_S}s"]
    done = subprocess.run(
        ["docker", "exec", f"{target.project}-prometheus-1", *asked, "--format=json", PROMETHEUS, expression],
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def alerts_since(target: Target, since: float) -> dict[str, Counter[str]]:
    """How many looks saw each alert, by its state (`firing`, `pending`)."""
    seen: dict[str, Counter[str]] = {"firing": Counter(), "pending": Counter()}
    for one in series(target, "ALERTS", since=since):
        labels = one["metric"]
        told = " ".join(
            f"{name}={labels[name]}" for name in sorted(labels) if name in ("service", "role", "stage", "queue")
        )
        seen[labels["alertstate"]][f"{labels['alertname']} {told}".strip()] += len(one["values"])
    return seen


def orders_priced(target: Target, since: float) -> int:
    """Orders that came to a seller since a moment."""
    with target.database("orchestrator") as database:
        row = database.execute(
            "SELECT count(DISTINCT order_id) FROM order_history WHERE to_status = 'PRICE_CALCULATED'"
            " AND at >= to_timestamp(%s)",
            [since],
        ).fetchone()
    return int(row[0]) if row else 0


def main() -> int:
    """0 when nothing fired."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=8)
    arguments = parser.parse_args()
    model(MODELS["1k"])
    target = Target.find()
    since = time.time()
    before = alerts_since(target, since - STEP_S)["firing"]
    if not before.pop(ALWAYS, 0):
        print(f"{ALWAYS} does not fire: nobody would be told of anything, and this judge is blind", file=sys.stderr)
        return 2
    for alert in before:
        print(f"fires already: {alert}", flush=True)
    with tempfile.TemporaryDirectory(prefix="alexandrite-calm-") as directory:
        raw = Path(directory) / "requests.jsonl"
        seconds = arguments.minutes * 60
        load(target.url, profile="steady", models="1k", seconds=seconds, people=arguments.people, raw=raw)
        requests, failed = len(read_raw(raw)), failures_in(raw)
    time.sleep(SETTLED_S)
    seen = alerts_since(target, since)
    seen["firing"].pop(ALWAYS, 0)
    for state, alerts in seen.items():
        for alert, looks in alerts.most_common():
            print(f"{state}: {alert}, {looks * STEP_S} s", flush=True)
    for said, count in failed.most_common(5):
        print(f"failed: {count} x {said}", flush=True)
    orders = orders_priced(target, since)
    met = not seen["firing"] and not before and orders > 0
    print(
        f"calm: minutes={arguments.minutes:g} people={arguments.people} requests={requests} failed={failed.total()}"
        f" orders={orders} pending={len(seen['pending'])} false_alerts={len(seen['firing'])} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
