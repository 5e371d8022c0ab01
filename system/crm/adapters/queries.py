"""Reads: straight from the tables to JSON, past the domain's commands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Double,
    Interval,
    RowMapping,
    Select,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from system.crm.adapters import tables
from system.crm.adapters.repositories import letters_statement
from system.crm.adapters.rows import letter_from, sales_order_from
from system.crm.application.views import letter_view, order_view, summary_view
from system.crm.domain.errors import OrderNotFound
from system.crm.domain.escalation import EscalationTerms, Level
from system.crm.domain.parcel import plain
from system.kernel.errors import Invalid
from system.plumbing.web import Cursor

ITEMS_MAX = 100
HISTORY_MAX = 5
PHONE_DIGITS, PHONE_DIGITS_MIN = 10, 7
WORDS_MAX = 8
RECONCILED_MAX = 20_000
NEXT_ORDERS_PER_LINE = 8
NEAR_ORDERS = 20_000
"""Words are looked for among the newest orders first, at last among all: of a word that many have, hardly anybody wants an older one.
The very newest are read one by one, eight for each line of the page; that fills it with a word that one order in eight has."""
NOTED_MAX = 500

_order = tables.sales_order
_AWAITS_APPROVAL: ColumnElement[bool] = literal_column(tables.AWAITS_APPROVAL)
_for_administrators: ColumnElement[bool] = literal_column(tables.FOR_ADMINISTRATORS)
_words_of_note: ColumnElement[Any] = literal_column(f"({tables.NOTE_WORDS})")
_phone_key: ColumnElement[str] = literal_column(tables.PHONE)
words_of_order: ColumnElement[Any] = literal_column(f"({tables.WORDS})")
_BUDGET: ColumnElement[timedelta] = literal_column("(due_at - status_since)", Interval())
_RUSSIAN: ColumnElement[Any] = literal_column("'russian'::regconfig")


def approvals_statement(*, due_before: datetime | None, after: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    """Orders that wait for a seller, the nearest deadline first, in the order of their partial index."""
    statement = select(_order).where(_AWAITS_APPROVAL)
    if due_before is not None:
        statement = statement.where(_order.c.due_at <= due_before)
    if after is not None:
        statement = statement.where(tuple_(_order.c.due_at, _order.c.order_id) > tuple_(*after))
    return statement.order_by(_order.c.due_at, _order.c.order_id).limit(limit)


def orders_statement(
    *, query: str | None, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """Orders, the newest first. `query` is something that names them exactly, in any case: number, e-mail, phone, partner's
    reference, or the number on a parcel; each has its index."""
    statement = select(_order)
    if query is not None:
        # One branch per index: an OR could tempt the planner to walk the newest orders instead.
        branches = [
            select(_order.c.order_id).where(func.upper(_order.c.number) == query.upper()),
            select(_order.c.order_id).where(func.lower(_order.c.customer_email) == query.lower()),
            select(_order.c.order_id).where(func.lower(_order.c.partner_reference) == query.lower()),
            select(tables.shipment.c.order_id).where(tables.shipment.c.tracking_key == plain(query)),
        ]
        if phone := phone_of(query):
            branches.append(select(_order.c.order_id).where(_phone_key == phone))
        statement = statement.where(_order.c.order_id.in_(union_all(*branches)))
    return _newest(statement, status=status, after=after, limit=limit)


def words_statement(
    *,
    words: list[str],
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    opened_since: datetime | None = None,
) -> Select[Any]:
    """Orders in which each of the words begins one of the customer's: a name, a city, what a piece is called. Newest first."""
    statement = select(_order).where(words_of_order.op("@@")(beginnings(words)))
    if opened_since is not None:
        statement = statement.where(_order.c.opened_at >= opened_since)
    return _newest(statement, status=status, after=after, limit=limit)


def near_statement(*, after: tuple[datetime, UUID] | None, orders: int) -> Select[Any]:
    """When the last of so many of the newest orders (after a place in the list) was opened; nothing when there are fewer."""
    statement = select(_order.c.opened_at)
    if after is not None:
        statement = statement.where(tuple_(_order.c.opened_at, _order.c.order_id) < tuple_(*after))
    newest = statement.order_by(_order.c.opened_at.desc(), _order.c.order_id.desc())
    return newest.offset(orders - 1).limit(1)


BITMAPS_ONLY = text(
    "SELECT set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '64MB', true)"
)
"""For this transaction: indexes are combined before a row is read. The planner would rather walk the newest orders and find the
words of each, which is a hundred times dearer than it believes."""


def noted_statement(*, words: list[str]) -> Select[Any]:
    """The ids of orders about which a seller noted all these words, the latest note first."""
    note = tables.note
    # A note is about an order or a customer. Asked for in this way, the index of all orders' notes is of no use, which is larger.
    noted = select(note.c.order_id).where(note.c.customer_id.is_(None), _words_of_note.op("@@")(beginnings(words)))
    return noted.order_by(note.c.at.desc()).limit(NOTED_MAX)


def chosen_statement(
    *, order_ids: Sequence[UUID], status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """These orders, the newest first. Asked for by themselves: joined with what found them, all orders could be read."""
    chosen = select(_order).where(_order.c.order_id == func.any(list(order_ids)))
    return _newest(chosen, status=status, after=after, limit=limit)


def beginnings(words: list[str]) -> ColumnElement[Any]:
    """What each of the words begins, as the indexes of words are asked."""
    return func.to_tsquery(_RUSSIAN, " & ".join(f"{word}:*" for word in words))


def escalated_statement(*, after: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    """Orders that were escalated to the administrators and still wait, the most overdue first."""
    statement = select(_order).where(_for_administrators)
    if after is not None:
        statement = statement.where(tuple_(_order.c.due_at, _order.c.order_id) > tuple_(*after))
    return statement.order_by(_order.c.due_at, _order.c.order_id).limit(limit)


def waiting_too_long_statement(now: datetime, *, terms: EscalationTerms, limit: int) -> Select[Any]:
    """Orders that wait and whose next level is reached, the most overdue first: among those that wait, which are few."""

    def reached(percent: int) -> ColumnElement[bool]:
        # Not by `*`, which SQLAlchemy does not know of an interval and a number; PostgreSQL does.
        waited = _BUDGET.op("*", return_type=Interval())(literal(percent / 100, Double()))
        return _order.c.status_since + waited <= now

    told_nobody = _order.c.escalated_wait.is_distinct_from(_order.c.status_since)
    not_all = or_(told_nobody, _order.c.escalation != Level.ADMINISTRATORS)
    return (
        select(_order.c.order_id)
        .where(
            _AWAITS_APPROVAL,
            _order.c.due_at.is_not(None),
            or_(told_nobody & reached(terms.sellers_percent), not_all & reached(terms.administrators_percent)),
        )
        .order_by(_order.c.due_at, _order.c.order_id)
        .limit(limit)
    )


def _newest(
    statement: Select[Any], *, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    if status is not None:
        statement = statement.where(_order.c.status == status)
    if after is not None:
        statement = statement.where(tuple_(_order.c.opened_at, _order.c.order_id) < tuple_(*after))
    return statement.order_by(_order.c.opened_at.desc(), _order.c.order_id.desc()).limit(limit)


def phone_of(query: str) -> str | None:
    """The last ten digits of what looks like a telephone number, whatever stands between them; None for anything else."""
    digits = re.sub(r"[^0-9]", "", query)
    is_phone = len(digits) >= PHONE_DIGITS_MIN and not re.search(r"[^0-9+()\s.-]", query)
    return digits[-PHONE_DIGITS:] if is_phone else None


def words_of(query: str) -> list[str]:
    """The words of a search, without whatever a query language could take for its own."""
    return re.findall(r"\w+", query.replace("_", " "))[:WORDS_MAX]


class CrmQueries:
    """What the sellers' screens ask."""

    def __init__(self, engine: AsyncEngine, *, at_risk_margin_s: int) -> None:
        self._engine = engine
        self._margin_s = at_risk_margin_s

    async def approvals(self, *, due_within_s: int | None, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of the approval queue; `due_within_s` leaves out orders with more time than that to spare."""
        now = datetime.now(UTC)
        due_before = now + timedelta(seconds=due_within_s) if due_within_s is not None else None
        after = moment_and_id(cursor)
        statement = approvals_statement(due_before=due_before, after=after, limit=limit + 1)
        return await self._page(statement, key="due_at", limit=limit, now=now)

    async def orders(self, *, query: str | None, status: str | None, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of orders. What names no order exactly is searched for as words of it, and then as words of the notes."""
        now, after = datetime.now(UTC), moment_and_id(cursor)
        statement = orders_statement(query=query, status=status, after=after, limit=limit + 1)
        found = await self._page(statement, key="opened_at", limit=limit, now=now)
        words = words_of(query) if query is not None else []
        if found["items"] or not words:
            return found
        rows = await self._of_words(words=words, status=status, after=after, limit=limit + 1)
        if not rows:
            rows = await self._noted(words=words, status=status, after=after, limit=limit + 1)
        return self._listed(rows, key="opened_at", limit=limit, now=now)

    async def _of_words(
        self, *, words: list[str], status: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[RowMapping]:
        """Near orders first; all of them only where the near ones do not fill the page."""
        async with self._engine.connect() as connection:

            async def since(orders: int) -> datetime | None:
                opened_at: datetime | None = (
                    await connection.execute(near_statement(after=after, orders=orders))
                ).scalar()
                return opened_at

            async def found(since: datetime | None) -> Sequence[RowMapping]:
                statement = words_statement(words=words, status=status, after=after, limit=limit, opened_since=since)
                rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all()
                return rows

            next_since = await since(NEXT_ORDERS_PER_LINE * limit)
            if next_since is not None and len(rows := await found(next_since)) == limit:
                return rows
            near_since = await since(NEAR_ORDERS)
            await connection.execute(BITMAPS_ONLY)
            if near_since is not None and len(rows := await found(near_since)) == limit:
                return rows
            return await found(None)

    async def _noted(
        self, *, words: list[str], status: str | None, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            noted = list((await connection.execute(noted_statement(words=words))).scalars())
            statement = chosen_statement(order_ids=noted, status=status, after=after, limit=limit)
            rows: Sequence[RowMapping] = (await connection.execute(statement)).mappings().all() if noted else []
            return rows

    async def escalated(self, *, cursor: str | None, limit: int) -> dict[str, Any]:
        """One page of the administrators' list: orders that wait too long, and who took them."""
        statement = escalated_statement(after=moment_and_id(cursor), limit=limit + 1)
        return await self._page(statement, key="due_at", limit=limit, now=datetime.now(UTC))

    async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
        """Orders that wait for a seller and whose next level is reached, the most overdue first."""
        async with self._engine.connect() as connection:
            found = await connection.execute(waiting_too_long_statement(now, terms=terms, limit=limit))
            return list(found.scalars())

    async def counts(self) -> dict[str, int]:
        """How many orders wait for a seller, and how many of these are `at_risk` and `overdue`."""
        now = datetime.now(UTC)
        due = _order.c.due_at
        statement = select(
            func.count().label("waiting"),
            func.count().filter(due <= now + timedelta(seconds=self._margin_s)).label("at_risk"),
            func.count().filter(due <= now).label("overdue"),
        ).where(_AWAITS_APPROVAL)
        async with self._engine.connect() as connection:
            return dict((await connection.execute(statement)).mappings().one())

    async def following(self, order_id: UUID) -> UUID | None:
        """The order that a seller looks at after this one: the most urgent other one that waits."""
        statement = approvals_statement(due_before=None, after=None, limit=2).with_only_columns(_order.c.order_id)
        async with self._engine.connect() as connection:
            waiting = (await connection.execute(statement)).scalars()
            return next((each for each in waiting if each != order_id), None)

    async def changed_since(self, since: datetime, *, limit: int) -> Sequence[tuple[UUID, datetime]]:
        """Orders of which something was heard or decided after `since`, and when; the oldest change first."""
        statement = (
            select(_order.c.order_id, _order.c.heard_at)
            .where(_order.c.heard_at > since)
            .order_by(_order.c.heard_at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.order_id, row.heard_at) for row in await connection.execute(statement)]

    async def summaries(self, order_ids: Sequence[UUID]) -> list[tuple[datetime, dict[str, Any]]]:
        """These orders as lines of a list, each with when it was last heard of; the oldest change first."""
        now = datetime.now(UTC)
        statement = select(_order).where(_order.c.order_id == func.any(list(order_ids))).order_by(_order.c.heard_at)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [
            (row["heard_at"], summary_view(sales_order_from(row), now=now, at_risk_margin_s=self._margin_s))
            for row in rows
        ]

    async def customer_history(self, email: str, *, besides: UUID) -> dict[str, Any]:
        """What else the customer ordered: `orders` in all, `by_status`, and the `newest` few as lines of a list."""
        now = datetime.now(UTC)
        others = (func.lower(_order.c.customer_email) == email.lower(), _order.c.order_id != besides)
        counted = select(_order.c.status, func.count().label("orders")).where(*others).group_by(_order.c.status)
        newest = select(_order).where(*others).order_by(_order.c.opened_at.desc()).limit(HISTORY_MAX)
        async with self._engine.connect() as connection:
            by_status = {row.status: row.orders for row in await connection.execute(counted)}
            rows = (await connection.execute(newest)).mappings().all()
        return {
            "orders": sum(by_status.values()),
            "by_status": by_status,
            "newest": [summary_view(sales_order_from(row), now=now, at_risk_margin_s=self._margin_s) for row in rows],
        }

    async def order(self, order_id: UUID) -> dict[str, Any]:
        """One order with what carriers said of its parcels and what was written about it. Raises OrderNotFound."""
        events, shipments = tables.carrier_event, tables.shipment
        async with self._engine.connect() as connection:
            found = await connection.execute(select(_order).where(_order.c.order_id == order_id))
            row = found.mappings().first()
            if row is None:
                raise OrderNotFound(str(order_id))
            said = await connection.execute(
                select(events)
                .where(
                    tuple_(events.c.carrier_key, events.c.tracking_key).in_(
                        select(shipments.c.carrier_key, shipments.c.tracking_key).where(
                            shipments.c.order_id == order_id
                        )
                    )
                )
                .order_by(events.c.received_at)
            )
            carrier_events = [
                {
                    "carrier": event.carrier,
                    "tracking_number": event.tracking_number,
                    "event": event.event,
                    "occurred_at": event.occurred_at.isoformat(),
                    "received_at": event.received_at.isoformat(),
                }
                for event in said
            ]
            written = await connection.execute(letters_statement(order_id))
            letters = [letter_view(letter_from(letter)) for letter in written.mappings()]
        view = order_view(sales_order_from(row), now=datetime.now(UTC), at_risk_margin_s=self._margin_s)
        return view | {"carrier_events": carrier_events, "letters": letters}

    async def letters(self, order_id: UUID) -> list[dict[str, Any]]:
        """What customer and sellers wrote to each other about an order, the oldest first."""
        async with self._engine.connect() as connection:
            written = await connection.execute(letters_statement(order_id))
            return [letter_view(letter_from(letter)) for letter in written.mappings()]

    async def beliefs(self, since: datetime | None) -> dict[str, Any]:
        """What CRM believes of each order that changed since then: for the reconciliation report."""
        statement = select(
            _order.c.order_id,
            _order.c.number,
            _order.c.status,
            _order.c.version,
            _order.c.decision,
            _order.c.submitted_at,
        ).limit(RECONCILED_MAX)
        if since is not None:
            statement = statement.where(_order.c.heard_at >= since)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_order.c.heard_at.desc()))
            orders = {
                str(row.order_id): {
                    "number": row.number,
                    # Before the orchestrator's first word CRM holds no belief about the status.
                    "status": row.status if row.version else None,
                    "version": row.version,
                    "decision": row.decision,
                    "has_content": row.submitted_at is not None,
                }
                for row in rows
            }
        return {"orders": orders}

    async def _page(self, statement: Select[Any], *, key: str, limit: int, now: datetime) -> dict[str, Any]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return self._listed(rows, key=key, limit=limit, now=now)

    def _listed(self, rows: Sequence[RowMapping], *, key: str, limit: int, now: datetime) -> dict[str, Any]:
        page = rows[:limit]
        following = Cursor.encode(page[-1][key].isoformat(), page[-1]["order_id"]) if len(rows) > limit else None
        return {
            "items": [summary_view(sales_order_from(row), now=now, at_risk_margin_s=self._margin_s) for row in page],
            "next": following,
        }


def moment_and_id(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place of a list's cursor. Raises Invalid for one of another list."""
    keys = Cursor.decode(cursor, keys=2)
    if keys is None:
        return None
    try:
        moment, order_id = datetime.fromisoformat(keys[0]), UUID(keys[1])
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error
    return moment, order_id
