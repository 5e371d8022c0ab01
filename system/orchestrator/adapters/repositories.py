"""Orders in the database: each is read once in a transaction, and what changed of them is written in one statement per table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, TextClause, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from system.kernel.errors import Unavailable
from system.orchestrator.adapters.rows import (
    as_read,
    line_of,
    line_values,
    note_values,
    order_of,
    order_values,
    run_of,
    run_values,
    transition_of,
    transition_values,
)
from system.orchestrator.adapters.tables import order_history, order_line, order_note, orders, saga_step
from system.orchestrator.domain.errors import OrderUnknown
from system.orchestrator.domain.order import Line, Order, Policy, Transition
from system.orchestrator.domain.saga import SagaRun, StepRun
from system.orchestrator.domain.status import Status
from system.plumbing.rows import as_rows, given, inserting, saving


def _reading(table: Table, *order: Any) -> Any:
    """The rows of several orders; built once, because building a statement costs more than running it."""
    return select(table).where(table.c.order_id == bindparam("ids", type_=ARRAY(Uuid())).any_()).order_by(*order)


def _changing() -> TextClause:
    """Writes orders where they still are what was read; returns those."""
    names = [column.name for column in orders.columns if column.name != "order_id"]
    rows = given(*orders.columns, read_version=orders.c.version, read_status=orders.c.status)
    replaced = ", ".join(f"{name} = given.{name}" for name in names)
    # Their ids once more: a plan that reads the whole table, because it is small, would be kept while it grows.
    return text(f"""
        UPDATE orders SET {replaced} FROM {rows}
        WHERE orders.order_id = ANY(CAST(:ids AS uuid[])) AND orders.order_id = given.order_id
          AND orders.version = given.read_version AND orders.status = given.read_status
        RETURNING orders.order_id
    """)  # noqa: S608


def _names(table: Table, *without: str) -> list[str]:
    return [column.name for column in table.columns if column.name not in without]


_READ_ORDERS = _reading(orders)
_READ_LINES = _reading(order_line, order_line.c.order_id, order_line.c.position)
_READ_RUNS = _reading(saga_step)
_READ_HISTORY = _reading(order_history, order_history.c.order_id, order_history.c.seq)
_ADD_ORDERS = inserting(orders, *_names(orders))
_CHANGE_ORDERS = _changing()
_SAVE_LINES = saving(order_line, *_names(order_line), key=("order_id", "line_id"))
_SAVE_RUNS = saving(saga_step, *_names(saga_step), key=("order_id", "name"))
_REMOVE_RUNS = text(f"""
    DELETE FROM saga_step USING {given(saga_step.c.order_id, saga_step.c.name)}
    WHERE saga_step.order_id = given.order_id AND saga_step.name = given.name
""")  # noqa: S608
# In the order given: the database checks each row against the one before it.
_ADD_HISTORY = inserting(order_history, *_names(order_history))
_ADD_NOTES = inserting(order_note, *_names(order_note, "id"))


@dataclass(slots=True)
class _Stored:
    """What the database holds of an order; version 0: nothing."""

    version: int
    status: Status | None
    lines: dict[UUID, Line] = field(default_factory=dict)
    runs: dict[str, StepRun] = field(default_factory=dict)
    history_length: int = 0


class OrderRepository:
    """Orders over one connection, in one transaction. It remembers what it read, so that it writes only what changed.

    A saved order is written at once; after `prepare`, at the next `flush`.
    """

    def __init__(self, connection: AsyncConnection, *, policy: Policy, now: datetime) -> None:
        self._connection = connection
        self._policy = policy
        self._now = now
        self._is_collecting = False
        self._known: dict[UUID, Order | None] = {}
        self._stored: dict[UUID, _Stored] = {}
        self._saved: dict[UUID, Order] = {}
        self._notes: list[dict[str, Any]] = []

    async def prepare(self, order_ids: Iterable[UUID]) -> None:
        """Reads all of these orders at once; from here on what is saved is collected. The caller has locked them."""
        self._is_collecting = True
        asked = [order_id for order_id in order_ids if order_id not in self._known]
        if asked:
            self._known |= dict.fromkeys(asked) | await self._read(asked)

    async def get(self, order_id: UUID) -> Order:
        """The order. Raises OrderUnknown."""
        order = await self.find(order_id)
        if order is None:
            raise OrderUnknown(str(order_id))
        return order

    async def find(self, order_id: UUID) -> Order | None:
        """The order with its lines, saga and history; None when there is none. Asked again, the same object."""
        if order_id not in self._known:
            # That there is none is remembered by `prepare` alone: whoever has no lock may see it come.
            self._known |= await self._read([order_id])
        order = self._known.get(order_id)
        return as_read(order) if order is not None else None

    async def save(self, order: Order) -> None:
        """Writes what changed, or lets `flush` do it. Either raises Unavailable when somebody else changed it since it was read."""
        order_id = order.order_id
        self._known[order_id] = self._saved[order_id] = order
        self._stored.setdefault(order_id, _Stored(order.loaded_version, order.loaded_status))
        self._notes += [note_values(order_id, note) for note in order.notes]
        order.notes.clear()
        order.loaded_version, order.loaded_status = order.version, order.status
        if not self._is_collecting:
            await self.flush()

    async def flush(self) -> None:
        """Writes what was saved, in one statement for each table. Raises Unavailable."""
        saved, self._saved = list(self._saved.values()), {}
        notes, self._notes = self._notes, []
        if not saved:
            return
        await self._write(
            _ADD_ORDERS, [self._row(order) for order in saved if not self._stored[order.order_id].version]
        )
        await self._change([order for order in saved if self._stored[order.order_id].version])
        await self._write(_SAVE_LINES, [row for order in saved for row in self._changed_lines(order)])
        await self._write(_REMOVE_RUNS, [row for order in saved for row in self._gone_runs(order)])
        await self._write(_SAVE_RUNS, [row for order in saved for row in self._changed_runs(order)])
        await self._write(_ADD_HISTORY, [row for order in saved for row in self._new_history(order)])
        await self._write(_ADD_NOTES, notes)
        for order in saved:
            self._stored[order.order_id] = _held(order)

    def discard(self) -> None:
        """Forgets everything: what was read and saved is not what the database holds any more."""
        self._known.clear()
        self._stored.clear()
        self._saved.clear()
        self._notes.clear()

    async def _read(self, order_ids: list[UUID]) -> dict[UUID, Order | None]:
        ids = {"ids": order_ids}
        rows = (await self._connection.execute(_READ_ORDERS, ids)).all()
        if not rows:
            return {}
        lines: dict[UUID, list[Line]] = {}
        for line in await self._connection.execute(_READ_LINES, ids):
            lines.setdefault(line.order_id, []).append(line_of(line))
        runs: dict[UUID, list[StepRun]] = {}
        for run in await self._connection.execute(_READ_RUNS, ids):
            runs.setdefault(run.order_id, []).append(run_of(run))
        history: dict[UUID, list[Transition]] = {}
        for step in await self._connection.execute(_READ_HISTORY, ids):
            history.setdefault(step.order_id, []).append(transition_of(step))
        read: dict[UUID, Order | None] = {}
        for row in rows:
            order_id = row.order_id
            order = order_of(
                row, tuple(lines.get(order_id, ())), SagaRun(runs.get(order_id, ())), history.get(order_id, [])
            )
            read[order_id] = order
            self._stored[order_id] = _held(order)
        return read

    async def _write(self, statement: TextClause, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self._connection.execute(statement, as_rows(rows))

    async def _change(self, changed: list[Order]) -> None:
        if not changed:
            return
        rows = [
            self._row(order) | {"read_version": stored.version, "read_status": stored.status}
            for order in changed
            for stored in (self._stored[order.order_id],)
        ]
        given_rows = as_rows(rows) | {"ids": [order.order_id for order in changed]}
        written = {row.order_id for row in await self._connection.execute(_CHANGE_ORDERS, given_rows)}
        for order in changed:
            if order.order_id not in written:
                raise Unavailable(
                    "order-changed-meanwhile", f"Order {order.number} was changed at the same moment; try again."
                )

    def _row(self, order: Order) -> dict[str, Any]:
        return {"order_id": order.order_id, **order_values(order, policy=self._policy, now=self._now)}

    def _changed_lines(self, order: Order) -> Iterable[dict[str, Any]]:
        before = self._stored[order.order_id].lines
        rows = {
            line.line_id: line_values(order.order_id, position, line)
            for position, line in enumerate(order.lines)
            if before.get(line.line_id) != line
        }
        return rows.values()

    def _changed_runs(self, order: Order) -> Iterable[dict[str, Any]]:
        before = self._stored[order.order_id].runs
        return [run_values(order.order_id, run) for name, run in order.saga.runs.items() if before.get(name) != run]

    def _gone_runs(self, order: Order) -> Iterable[dict[str, Any]]:
        before = self._stored[order.order_id].runs
        return [{"order_id": order.order_id, "name": name} for name in before.keys() - order.saga.runs.keys()]

    def _new_history(self, order: Order) -> Iterable[dict[str, Any]]:
        length = self._stored[order.order_id].history_length
        return [transition_values(order.order_id, step) for step in order.history[length:]]


def _held(order: Order) -> _Stored:
    lines = {line.line_id: line for line in order.lines}
    return _Stored(order.version, order.status, lines, dict(order.saga.runs), len(order.history))
