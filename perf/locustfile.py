"""What `locust -f perf/locustfile.py` loads: the roles, the shape of the chosen profile, and the raw record of every request.

PERF_PROFILE, PERF_MODELS, PERF_SECONDS and PERF_PEOPLE choose; PERF_RAW names the file of JSON lines. `python -m perf.run` sets them.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from locust import events

from perf import shapes, users
from perf.system import Staff
from perf.users import Customer, Operator, Partner, Seller

__all__ = ["Chosen", "Customer", "Operator", "Partner", "Seller"]

PROFILE = os.environ.get("PERF_PROFILE", "steady")


Chosen = type(
    "Chosen",
    (shapes.SHAPES[PROFILE],),
    {
        "abstract": False,
        "seconds": float(os.environ.get("PERF_SECONDS", "60")),
        "people": int(os.environ.get("PERF_PEOPLE", "12")),
    },
)

users.Someone.staff = Staff.of_checkout()
users.Someone.models = os.environ.get("PERF_MODELS", "1k")
if PROFILE != "partner-burst":
    Partner.fixed_count = 0


def record(raw: Path) -> None:
    """Appends every request to a file until the run ends."""
    file = raw.open("a", encoding="utf-8")

    def note(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
        entry: dict[str, Any] = {
            "time": round(time.time(), 3),
            "name": name,
            "ms": round(response_time, 2),
            "ok": exception is None,
        }
        if exception is not None:
            entry["said"] = str(exception)[:200]
        file.write(json.dumps(entry) + "\n")

    def close(**_: Any) -> None:
        file.close()

    events.request.add_listener(note)  # type: ignore[no-untyped-call]  # Locust's
    events.quit.add_listener(close)  # type: ignore[no-untyped-call]  # Locust's


if os.environ.get("PERF_RAW"):
    record(Path(os.environ["PERF_RAW"]))
