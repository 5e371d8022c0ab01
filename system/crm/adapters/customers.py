"""Reads about customers. CRM keeps no list of them: a customer is whoever ordered, as their newest order has them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.crm.adapters import tables
from system.crm.adapters.queries import beginnings, moment_and_id, phone_of, words_of, words_of_order
from system.crm.adapters.repositories import customer_key
from system.crm.adapters.rows import letter_from, sales_order_from
from system.crm.application.views import letter_view, money_view, summary_view
from system.crm.domain.errors import CustomerNotFound
from system.kernel.money import Money
from system.plumbing.web import Cursor

LETTERS_MAX = 30
OPEN_MAX = 20
UNPAID = ("CANCELLED", "REJECTED", "PRICE_FAILED")

_order = tables.sales_order
_later = tables.sales_order.alias("later")
_is_somebodys = _order.c.customer_email.is_not(None)
"""Whoever had their data erased is nobody's customer any more; their orders are accounted for."""


def customers_statement(
    *, query: str | None, as_words: bool, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """The newest order of each customer, whoever ordered last first. `query`: only those whose e-mail or phone it is, or, `as_words`,
    in whose orders each of its words begins one: a name, a city, what the piece is called."""
    if query is not None and as_words:
        statement = select(_order).where(_order.c.order_id.in_(_in_whose_words(query)), _is_somebodys)
    else:
        named = [] if query is None else [_named(query)]
        nobody_later: list[ColumnElement[bool]] = [
            customer_key(_later) == customer_key(),
            tuple_(_later.c.opened_at, _later.c.order_id) > tuple_(_order.c.opened_at, _order.c.order_id),
            *(_later.c.order_id.in_(each) for each in named),
        ]
        statement = select(_order).where(
            _order.c.submitted_at.is_not(None),
            _is_somebodys,
            *(_order.c.order_id.in_(each) for each in named),
            ~select(_later.c.order_id).where(and_(*nobody_later)).exists(),
        )
    if after is not None:
        statement = statement.where(tuple_(_order.c.opened_at, _order.c.order_id) < tuple_(*after))
    return statement.order_by(_order.c.opened_at.desc(), _order.c.order_id.desc()).limit(limit)


def _in_whose_words(query: str) -> Any:
    """Of each customer the newest order that has the words; later ones have others. Read by itself, so that no plan looks for words
    in one order after the other."""
    fits = words_of_order.op("@@")(beginnings(words_of(query)))
    found = (
        select(_order.c.order_id, _order.c.opened_at, customer_key().label("customer"))
        .where(fits, _order.c.submitted_at.is_not(None))
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    newest = select(found.c.order_id).ext(distinct_on(found.c.customer))
    return newest.order_by(found.c.customer, found.c.opened_at.desc(), found.c.order_id.desc())


def orders_of_statement(customer_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    """A customer's orders, the newest first, in the order of their index."""
    statement = select(_order).where(customer_key() == str(customer_id))
    if after is not None:
        statement = statement.where(tuple_(_order.c.opened_at, _order.c.order_id) < tuple_(*after))
    return statement.order_by(_order.c.opened_at.desc(), _order.c.order_id.desc()).limit(limit)


def _named(query: str) -> Any:
    """The orders whose customer's e-mail or phone it is, one branch per index."""
    written, called = tables.sales_order.alias("written"), tables.sales_order.alias("called")
    branches: list[Select[Any]] = [
        select(written.c.order_id).where(func.lower(written.c.customer_email) == query.lower())
    ]
    if phone := phone_of(query):
        branches.append(select(called.c.order_id).where(literal_column(tables.PHONE) == phone))
    return union_all(*branches)


class CustomerQueries:
    """What sellers ask about customers."""

    def __init__(self, engine: AsyncEngine, *, at_risk_margin_s: int) -> None:
        self._engine = engine
        self._margin_s = at_risk_margin_s

    async def customers(self, *, query: str | None, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of customers, whoever ordered last first. What is nobody's e-mail or phone is searched for as words."""
        after = moment_and_id(cursor)
        ways = (False, True) if query is not None and words_of(query) else (False,)
        rows: list[Any] = []
        async with self._engine.connect() as connection:
            for as_words in ways:
                statement = customers_statement(query=query, as_words=as_words, after=after, limit=limit + 1)
                rows = list((await connection.execute(statement)).mappings())
                if rows:
                    break
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "items": [_brief(row) for row in rows[:limit]],
            "next": Cursor.encode(last["opened_at"].isoformat(), last["order_id"]) if last else None,
        }

    async def customer(self, customer_id: UUID) -> dict[str, Any]:
        """Who they are, how many orders in which status, the sum of what they did not take back, what is open now, and the newest
        letters. Raises CustomerNotFound."""
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            newest = (
                (await connection.execute(orders_of_statement(customer_id, after=None, limit=1))).mappings().first()
            )
            if newest is None or newest["customer_email"] is None:
                raise CustomerNotFound(str(customer_id))
            sums = await self._sums(connection, customer_id)
            opened = await connection.execute(
                orders_of_statement(customer_id, after=None, limit=OPEN_MAX).where(
                    func.cardinality(_order.c.allowed) > 0
                )
            )
            open_now = [self._line(row, now=now) for row in opened.mappings()]
            letters = await self._letters(connection, customer_id)
        return _brief(newest) | sums | {"open": open_now, "letters": letters}

    async def orders(self, customer_id: UUID, *, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of a customer's orders, the newest first. Raises CustomerNotFound when there is none at all."""
        now, after = datetime.now(UTC), moment_and_id(cursor)
        async with self._engine.connect() as connection:
            found = await connection.execute(orders_of_statement(customer_id, after=after, limit=limit + 1))
            rows = found.mappings().all()
        if not rows and after is None:
            raise CustomerNotFound(str(customer_id))
        if rows and rows[0]["customer_email"] is None:
            raise CustomerNotFound(str(customer_id))
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "items": [self._line(row, now=now) for row in rows[:limit]],
            "next": Cursor.encode(last["opened_at"].isoformat(), last["order_id"]) if last else None,
        }

    def _line(self, row: Any, *, now: datetime) -> dict[str, Any]:
        return summary_view(sales_order_from(row), now=now, at_risk_margin_s=self._margin_s)

    async def _sums(self, connection: AsyncConnection, customer_id: UUID) -> dict[str, Any]:
        price = func.coalesce(_order.c.total, _order.c.agreed_total)
        currency = func.coalesce(_order.c.total_currency, _order.c.agreed_currency)
        statement = (
            select(
                _order.c.status,
                currency.label("currency"),
                func.count().label("orders"),
                func.sum(price).label("total"),
                func.min(_order.c.opened_at).label("first"),
            )
            .where(customer_key() == str(customer_id))
            .group_by(_order.c.status, currency)
        )
        rows = (await connection.execute(statement)).all()
        by_status: dict[str, int] = {}
        totals: dict[str, Decimal] = {}
        for row in rows:
            by_status[row.status] = by_status.get(row.status, 0) + row.orders
            if row.currency is not None and row.status not in UNPAID:
                totals[row.currency] = totals.get(row.currency, Decimal(0)) + (row.total or Decimal(0))
        return {
            "orders": sum(by_status.values()),
            "by_status": by_status,
            "totals": [money_view(Money(amount, currency)) for currency, amount in sorted(totals.items())],
            "customer_since": min(row.first for row in rows).isoformat(),
        }

    async def _letters(self, connection: AsyncConnection, customer_id: UUID) -> list[dict[str, Any]]:
        letter = tables.letter
        statement = (
            select(letter, _order.c.number)
            .join(_order, _order.c.order_id == letter.c.order_id)
            .where(customer_key() == str(customer_id))
            .order_by(letter.c.at.desc(), letter.c.letter_id.desc())
            .limit(LETTERS_MAX)
        )
        return [
            letter_view(letter_from(row)) | {"order_id": str(row["order_id"]), "order_number": row["number"]}
            for row in (await connection.execute(statement)).mappings()
        ]


def _brief(row: Any) -> dict[str, Any]:
    """A customer as the newest order has them."""
    customer = row["customer"]
    return {
        "customer_id": customer["id"],
        "name": customer["name"],
        "email": customer["email"],
        "phone": customer.get("phone"),
        "language": customer.get("language"),
        "channel": row["channel"],
        "last_order": {
            "order_id": str(row["order_id"]),
            "number": row["number"],
            "status": row["status"],
            "at": row["opened_at"].isoformat(),
        },
    }
