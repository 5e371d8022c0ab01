"""A seller's one search, by whatever a customer on the telephone knows, in all the orders there are.

Every key is asked for in turn, with values drawn from the database; what is found must hold the order that the value was taken from,
or for a word any order at all. A key that finds nothing says so: a fast answer without the order is none.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from perf.actors import Person
from perf.bars import Bar, Findings
from perf.first_page import NotMeasured
from perf.rounds import Answer
from perf.seed import NUMBERED
from perf.system import Target, percentile

PATH = "/api/crm/v1/orders"
SEARCH_P95_MS = 100.0
WARM = 5
KEYS = ("number", "e-mail", "phone", "partner reference", "word", "name", "common word")
WORDS = frozenset({"word", "name", "common word"})
"""Many orders have these: that of the sample need not be on the first page."""
_SAMPLE = """
    SELECT number, customer_email, customer->>'phone', partner_reference, lines->0->>'title', customer->>'name'
    FROM sales_order TABLESAMPLE SYSTEM (%s) REPEATABLE (7)
    WHERE partner_reference IS NOT NULL AND number ~ %s ORDER BY md5(number) LIMIT %s
"""
SAMPLED_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One search: by which key, for what, how long it took from here, whether it found what it had to."""

    key: str
    value: str
    ms: float
    found: bool
    at: float


def sample(target: Target, *, count: int) -> list[tuple[str, dict[str, str]]]:
    """Orders of the past with every key: the number of each, and its values by key. Raises NotMeasured when there are none."""
    with target.database("crm") as crm:
        row = crm.execute("SELECT reltuples FROM pg_class WHERE relname = 'sales_order'").fetchone()
        share = min(100.0, 100 * SAMPLED_ROWS / max(1.0, float(row[0]) if row else 1.0))
        rows = crm.execute(_SAMPLE, [share, NUMBERED, count]).fetchall()
    if not rows:
        raise NotMeasured("CRM holds no order with a partner's reference: python -m perf.seed writes some")
    return [(one[0], values_of(*one)) for one in rows]


def values_of(number: str, email: str, phone: str, reference: str, title: str, name: str) -> dict[str, str]:
    """What to search for, by key. A title is a kind of piece, which many have, and the name of a collection."""
    kind, collection = title.split(" ", 1)
    words = (number, email, phone, reference, collection, name.split()[-1], kind)
    return dict(zip(KEYS, words, strict=True))


async def search(seller: Person, target: Target, *, requests: int) -> Findings:
    """Every key in turn, `requests` of each."""
    orders = sample(target, count=requests)
    for number, values in orders[:WARM]:
        for key in KEYS:
            await _ask(seller, key, values[key], number)
    asked = []
    for turn in range(requests):
        number, values = orders[turn % len(orders)]
        asked += [await _ask(seller, key, values[key], number) for key in KEYS]
    return judged(asked)


def judged(asked: Sequence[Asked]) -> Findings:
    """The figures of every key, and their bars."""
    findings = Findings()
    for key in KEYS:
        own = [one for one in asked if one.key == key]
        p95 = percentile([one.ms for one in own], 0.95) if own else math.nan
        lost = [one for one in own if not one.found]
        findings.figures |= {f"search_{_word(key)}_p95_ms": p95, f"search_{_word(key)}_lost": float(len(lost))}
        note = ""
        if lost:
            often = "EVERY search" if len(lost) == len(own) else f"{len(lost)} of {len(own)} searches"
            note = f"{often} FOUND NOTHING, e.g. for {lost[0].value!r}"
            findings.remarks.append(f"Search by {key}: {note}.")
        findings.bars.append(Bar(f"search by {key}, client p95", p95, "<", SEARCH_P95_MS, "ms"))
        findings.bars.append(Bar(f"search by {key}, did not find its order", len(lost), "<=", 0, note=note))
    findings.answers = [Answer(f"search by {one.key}", one.at, one.ms, one.found) for one in asked]
    return findings


def holds(items: Sequence[Mapping[str, object]], key: str, number: str) -> bool:
    """Whether a page of results is what the key had to find."""
    return bool(items) if key in WORDS else any(item.get("number") == number for item in items)


async def _ask(seller: Person, key: str, value: str, number: str) -> Asked:
    at = time.monotonic()
    items: list[dict[str, object]] = []
    # Once: a refusal or a timeout is an answer that holds nothing.
    with contextlib.suppress(httpx.HTTPError):
        response = await seller.http.get(PATH, params={"query": value}, headers=seller.headers)
        items = response.json().get("items", []) if response.status_code == 200 else []
    return Asked(key, value, (time.monotonic() - at) * 1000, holds(items, key, number), at)


def _word(key: str) -> str:
    return key.replace("-", "").replace(" ", "_")
