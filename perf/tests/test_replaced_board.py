"""The replaced board shows what is in work, by status and newest first, and ends when its time is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from perf.baselines.replaced_board import first_page

START = datetime(2026, 5, 3, 12, tzinfo=UTC)


def order(number: int, state: str) -> dict[str, Any]:
    at = START + timedelta(hours=number)
    named = {
        "id": number,
        "order_id": number,
        "order_number": f"A-{number}",
        "title": "Ring <1>",
        "material": "gold_585",
    }
    held = {"state": state, "claim_no": 0, "claimed_by_name": None, "approved_at": at, "promise_at": at}
    return named | held | {"weight_g": Decimal("2.5"), "quantity": 2}


class Database:
    """Answers the board's four questions."""

    itersize = 0

    def __init__(self, orders: list[dict[str, Any]]) -> None:
        self.orders = orders
        self.asked: list[str] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    @contextlib.contextmanager
    def cursor(self, *_: object, **__: object) -> Iterator[Database]:
        yield self

    def execute(self, statement: str, values: object = None) -> Database:
        self.asked.append(statement)
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.orders)

    def fetchone(self) -> dict[str, Any] | None:
        if "order_status" in self.asked[-1]:
            return {"status": "MANUFACTURING_APPROVED", "status_since": START}
        if "pay_rate" in self.asked[-1]:
            return {"per_piece": Decimal(900), "per_gram": Decimal(60), "currency": "RUB"}
        return None


def test_what_is_in_work_is_shown_by_status_and_newest_first() -> None:
    database: Any = Database([order(1, "CLAIMED"), order(2, "SHIPPED"), order(3, "RELEASED"), order(4, "RELEASED")])
    page = first_page(database, seconds_max=60)
    assert page.finished
    places = [page.text.index(f"A-{number}<") for number in (4, 3, 1)]
    assert places == sorted(places)
    assert "A-2<" not in page.text and "Ring &lt;1&gt;" in page.text
    assert "2100.00" in page.text
    # One question for all orders, and three for each that is shown.
    assert len(database.asked) == 1 + 3 * 3


def test_a_page_that_takes_too_long_is_cut_off() -> None:
    database: Any = Database([order(1, "RELEASED")])
    page = first_page(database, seconds_max=-1)
    assert not page.finished and page.text == ""
