"""`python -m perf.seed --orders 1000000 [--target PROJECT] [--pay]`: gives a running system a past.

Writes so many orders into the databases of MES (work orders with histories, parcels, statuses) and CRM (sales orders), with the same
ids and numbers: 6,000 that are being made, all others shipped long ago. Every row follows from its number and from --newest alone;
`perf/past` says how. What is there already is kept: a killed run goes on where it was, and a past can be lengthened.
Bar: a million orders within 300 s. Exit status 0 met, 1 missed.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from perf.system import Target

PAST = Path(__file__).with_name("past")
ORDERS_MAX = 1_000_000
BATCH = 25_000
SECONDS_MAX = 300.0
"""For ORDERS_MAX."""
NUMBERED = "^A-[0-9]{2}8[0-9]{6}$"
"""What numbers of the past look like: one digit more than the shop's own, so that neither is ever taken for the other."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one service's database gets: its scripts, its tables, and how its part of the past is known again."""

    service: str
    scripts: tuple[str, ...]
    tables: tuple[str, ...]
    known: str


# The newest order was approved 90 s before the past ends.
MES = Share(
    "mes",
    ("mes",),
    ("work_order", "work_order_history", "parcel", "order_status", "operator", "pay_ledger"),
    "SELECT count(*), max(approved_at) + interval '90 seconds' FROM work_order WHERE order_number ~ %s",
)
PAID_MES = Share("mes", ("mes", "pay"), MES.tables, MES.known)
CRM = Share(
    "crm",
    ("crm",),
    ("sales_order",),
    "SELECT count(*), max(decided_at) + interval '90 seconds' FROM sales_order WHERE number ~ %s",
)


def last_hour(now: datetime) -> datetime:
    """When a past ends: long enough ago that no open board takes it for news."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def batches(present: int, wanted: int, *, size: int = BATCH) -> list[tuple[int, int]]:
    """The numbers that are missing, newest first, as pairs of the first and the last of each batch."""
    return [(first, min(first + size - 1, wanted)) for first in range(present + 1, wanted + 1, size)]


def known(target: Target, share: Share) -> tuple[int, datetime | None]:
    """How many orders of the past a database holds, and when that past ends; None when it holds none."""
    with target.database(share.service) as connection:
        row = connection.execute(share.known, [NUMBERED]).fetchone()
    assert row is not None
    return int(row[0]), row[1]


def fill(target: Target, *, orders: int, newest: datetime | None = None, pay: bool = False) -> float:
    """Writes what is missing into both databases at once. Returns the seconds it took, the statistics for the planner included."""
    shares = (PAID_MES if pay else MES, CRM)
    found = [known(target, share) for share in shares]
    ends = next((moment for _, moment in found if moment is not None), newest or last_hour(datetime.now(UTC)))
    begun = time.monotonic()
    stopped = threading.Event()
    with ThreadPoolExecutor(len(shares)) as pool:
        writing = [
            pool.submit(_write, target, share, batches(present, orders), ends, begun, stopped)
            for share, (present, _) in zip(shares, found, strict=True)
        ]
        try:
            for each in writing:
                each.result()
        finally:
            # One that failed, or Ctrl-C: the other ends after its batch.
            stopped.set()
    return time.monotonic() - begun


def _write(
    target: Target,
    share: Share,
    missing: Sequence[tuple[int, int]],
    newest: datetime,
    begun: float,
    stopped: threading.Event,
) -> None:
    if not missing:
        return
    script = "\n".join(_script(name) for name in ("orders", *share.scripts))
    with target.database(share.service) as connection:
        connection.execute(_script("session"))
        # The client's cursor fills values in itself: only so may a script of several statements have any.
        writer = psycopg.ClientCursor(connection)
        for first, last in missing:
            if stopped.is_set():
                return
            with connection.transaction():
                writer.execute(script, {"first": first, "last": last, "newest": newest})
            elapsed_s = time.monotonic() - begun
            print(
                f"  {share.service}: {last:,} of {missing[-1][1]:,} orders after {elapsed_s:.0f} s",
                flush=True,
            )
        _settle(connection, share)
    print(f"  {share.service}: settled after {time.monotonic() - begun:.0f} s", flush=True)


def _settle(connection: psycopg.Connection[Any], share: Share) -> None:
    """What otherwise came by itself in the middle of a measurement: statistics, visibility, a checkpoint."""
    connection.execute(f"VACUUM (ANALYZE) {', '.join(share.tables)}")
    connection.execute("CHECKPOINT")


def _script(name: str) -> str:
    return (PAST / f"{name}.sql").read_text(encoding="utf-8")


def count(text: str) -> int:
    """A number of orders from the command line."""
    orders = int(text.replace("_", "").replace(",", ""))
    if not 1 <= orders <= ORDERS_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {ORDERS_MAX}")
    return orders


def moment(text: str) -> datetime:
    """A moment from the command line; without a zone it is UTC."""
    said = datetime.fromisoformat(text)
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def verdict(written: int, seconds: float) -> bool:
    """Whether so many orders took no longer than their share of the bar; a few are given the time that any run needs."""
    return seconds <= SECONDS_MAX * max(written / ORDERS_MAX, 0.1)


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=count, default=ORDERS_MAX, help="how long the past is afterwards")
    parser.add_argument("--target", metavar="PROJECT", help="a running compose project; `make up`'s when not given")
    parser.add_argument("--newest", type=moment, help="when the past ends; the last full hour but one when not given")
    parser.add_argument("--pay", action="store_true", help="write the pay ledger too")
    arguments = parser.parse_args()
    target = Target.of(arguments.target) if arguments.target else Target.find()
    present, _ = known(target, MES)
    seconds = fill(target, orders=arguments.orders, newest=arguments.newest, pay=arguments.pay)
    written = max(0, arguments.orders - present)
    met = verdict(written, seconds)
    print(
        f"seed: {written:,} orders more in {seconds:.0f} s (bar {SECONDS_MAX:.0f} s a million) {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
