"""The board that was replaced, rebuilt from what is known of it, beside the one that replaced it.

Its tables are in a schema of their own in MES' database, filled from MES' own: the same orders, each with its customer, its model and
every status it ever had. Indexes are on keys only, its own and those it refers to. A page of it is two questions:
* the orders of one status, joined with customers and models, the latest status by a correlated subquery, newest first, with
  `LIMIT 50 OFFSET n`;
* `COUNT(*)` over the same joins and the same condition, for the pager.

In its favour: it is measured inside its process, without gateway, network or sign-in; the tables were just analysed; the page is
plainer than ours.
"""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled
from psycopg.rows import dict_row

STATUS = "RELEASED"
PAGE_ROWS = 50
CUSTOMER_ORDERS = 3
"""Orders that one customer has made, on average."""

_BUILD = f"""
    CREATE SCHEMA replaced;
    CREATE TABLE replaced.customers AS
        SELECT n AS id, 'Customer ' || n AS name, 'customer' || n || '@example.com' AS email
        FROM generate_series(0, (SELECT count(*) FROM public.work_order) / {CUSTOMER_ORDERS}) AS n;
    CREATE TABLE replaced.models AS
        SELECT row_number() OVER (ORDER BY id) AS id, title AS name, kind, material, weight_g, id AS made_for
        FROM public.work_order;
    CREATE TABLE replaced.orders AS
        SELECT w.id, w.order_number AS number, m.id AS model_id,
               abs(hashtext(w.order_id::text)) % (SELECT count(*) FROM replaced.customers) AS customer_id,
               w.quantity, w.approved_at AS created_at, w.promise_at, w.claimed_by_name AS operator
        FROM public.work_order w JOIN replaced.models m ON m.made_for = w.id;
    CREATE TABLE replaced.order_statuses AS
        SELECT id, work_order_id AS order_id, state AS status, at AS changed_at FROM public.work_order_history;
    ALTER TABLE replaced.customers ADD PRIMARY KEY (id);
    ALTER TABLE replaced.models ADD PRIMARY KEY (id);
    ALTER TABLE replaced.orders ADD PRIMARY KEY (id);
    ALTER TABLE replaced.order_statuses ADD PRIMARY KEY (id);
    CREATE INDEX ON replaced.orders (customer_id);
    CREATE INDEX ON replaced.orders (model_id);
    CREATE INDEX ON replaced.order_statuses (order_id);
    ANALYZE replaced.customers, replaced.models, replaced.orders, replaced.order_statuses;
"""  # noqa: S608 - constants of ours
_JOINED = """
    FROM replaced.orders o
    JOIN replaced.customers c ON c.id = o.customer_id
    JOIN replaced.models m ON m.id = o.model_id
    WHERE (SELECT s.status FROM replaced.order_statuses s WHERE s.order_id = o.id ORDER BY s.changed_at DESC LIMIT 1) = %(status)s
"""
_PAGE = f"""
    SELECT o.id, o.number, c.name AS customer, m.name AS model, m.material, m.weight_g, o.quantity, o.operator, o.created_at,
           o.promise_at
    {_JOINED}
    ORDER BY o.created_at DESC LIMIT {PAGE_ROWS} OFFSET %(offset)s
"""
_COUNT = f"SELECT count(*) AS orders {_JOINED}"


@dataclass(frozen=True, slots=True)
class Page:
    """The page, how long it took, and whether it was finished within its time. When not, it takes at least so long."""

    text: str
    seconds: float
    finished: bool


def build(connection: psycopg.Connection[Any]) -> None:
    """Its tables, filled from those of MES as they are now; whatever was built before goes."""
    connection.execute("DROP SCHEMA IF EXISTS replaced CASCADE")
    connection.execute(_BUILD)


def first_page(connection: psycopg.Connection[Any], *, seconds_max: float) -> Page:
    """The page, or what there is of it after so many seconds."""
    begun = time.monotonic()
    wanted = {"status": STATUS, "offset": 0}
    text, finished = "", True
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as asked:
            rows = _asked(asked, _PAGE, wanted, begun + seconds_max)
            [counted] = _asked(asked, _COUNT, wanted, begun + seconds_max)
        text = _render(rows, counted["orders"])
    except QueryCanceled:
        finished = False
    return Page(text, time.monotonic() - begun, finished)


def _asked(cursor: psycopg.Cursor[dict[str, Any]], question: Any, wanted: Any, deadline: float) -> list[dict[str, Any]]:
    # At least a millisecond: none at all would mean no limit.
    left_ms = max(1, int((deadline - time.monotonic()) * 1000))
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(left_ms)])
    return cursor.execute(question, wanted).fetchall()


def _render(orders: list[dict[str, Any]], counted: int) -> str:
    rows = []
    for order in orders:
        cells = [order["number"], order["customer"], order["model"], order["material"], STATUS, order["operator"] or ""]
        cells += [order["quantity"], order["weight_g"] or ""]
        cells += [f"{order['created_at']:%d.%m.%Y %H:%M}", f"{order['promise_at']:%d.%m.%Y}"]
        rows.append("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>")
    pager = f"<p>1 to {len(orders)} of {counted}</p>"
    return "<!doctype html><title>Orders in work</title><table>\n" + "\n".join(rows) + f"\n</table>\n{pager}\n"
