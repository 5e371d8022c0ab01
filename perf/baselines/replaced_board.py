"""The board that was replaced, on the database of the one that replaced it.

Operators complained that its first page, orders in work by status, is slow although it is filtered and sorted. Its code is not ours to
run, so this is the plain way to make such a page, which is slow for the reasons they saw, and slower with every order ever made:
* all orders are read, in one query without a condition or an end, as a repository's `find_all` reads them;
* what is in work is found by the application, and sorted there, by status and then newest approved first;
* each row's status and pay are looked up row by row, as an object's lazy relations are;
* all of it becomes one page, without the next one to ask for.

In its favour: it is measured inside its process, without gateway, network or sign-in; rows that it does not show are forgotten at once
(all of them as objects would need gigabytes); its lookups meet indexes; the page is plainer than ours.
"""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

IN_WORK = ("RELEASED", "CLAIMED", "COMPLETED", "PACKING")
CHUNK = 5000
_ORDERS = "SELECT * FROM work_order"
_STATUS = "SELECT status, status_since FROM order_status WHERE order_id = %s"
_EARNED = "SELECT amount, currency FROM pay_ledger WHERE work_order_id = %s AND claim_no = %s AND kind = 'earn'"
_RATE = """
    SELECT per_piece, per_gram, currency FROM pay_rate WHERE material IN (%s, '*') AND valid_from <= now()
    ORDER BY material = '*', valid_from DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Page:
    """The page, how long it took, and whether it was finished within its time. When not, it takes at least so long."""

    text: str
    seconds: float
    finished: bool


class _TooLate(Exception):
    """The time for this page is over."""


def first_page(connection: psycopg.Connection[Any], *, seconds_max: float) -> Page:
    """The page, or what there is of it after so many seconds."""
    begun = time.monotonic()
    text, finished = "", True
    try:
        text = _render(_looked_up(connection, _sorted(_in_work(connection, begun + seconds_max)), begun + seconds_max))
    except _TooLate:
        finished = False
    return Page(text, time.monotonic() - begun, finished)


def _in_work(connection: psycopg.Connection[Any], deadline: float) -> list[dict[str, Any]]:
    kept = []
    # A cursor on the server only so that it can be stopped: every row travels.
    with connection.transaction(), connection.cursor("orders", row_factory=dict_row) as orders:
        orders.itersize = CHUNK
        orders.execute(_ORDERS)
        for number, order in enumerate(orders):
            if number % CHUNK == 0:
                _check(deadline)
            if order["state"] in IN_WORK:
                kept.append(order)
    return kept


def _sorted(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    newest_first = sorted(orders, key=lambda order: (order["approved_at"], order["id"]), reverse=True)
    return sorted(newest_first, key=lambda order: IN_WORK.index(order["state"]))


def _looked_up(
    connection: psycopg.Connection[Any], orders: list[dict[str, Any]], deadline: float
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as one:
        for order in orders:
            _check(deadline)
            order["order"] = one.execute(_STATUS, [order["order_id"]]).fetchone()
            earned = one.execute(_EARNED, [order["id"], order["claim_no"]]).fetchone()
            rate = one.execute(_RATE, [order["material"]]).fetchone()
            order["pay"] = earned["amount"] if earned else _pay(order, rate)
    return orders


def _pay(order: dict[str, Any], rate: dict[str, Any] | None) -> Any:
    return (rate["per_piece"] + rate["per_gram"] * (order["weight_g"] or 0)) * order["quantity"] if rate else 0


def _render(orders: list[dict[str, Any]]) -> str:
    rows = []
    for order in orders:
        status = order["order"]["status"] if order["order"] else ""
        cells = [order["order_number"], order["title"], order["material"], order["state"], status]
        cells += [
            order["claimed_by_name"] or "",
            f"{order['approved_at']:%d.%m.%Y %H:%M}",
            f"{order['promise_at']:%d.%m.%Y}",
        ]
        cells.append(f"{order['pay']:.2f}")
        rows.append("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>")
    return "<!doctype html><title>Orders in work</title><table>\n" + "\n".join(rows) + "\n</table>\n"


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise _TooLate
