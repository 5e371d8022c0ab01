"""Orders between their rows and the domain, mapped by hand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.kernel.errors import Unavailable
from system.kernel.ids import bucket_of
from system.kernel.money import Money
from system.orchestrator.adapters.tables import order_history, order_line, order_note, orders, saga_step
from system.orchestrator.domain.errors import OrderUnknown
from system.orchestrator.domain.order import (
    Cancellation,
    Consent,
    Contact,
    Delivery,
    Line,
    Order,
    Policy,
    Transition,
)
from system.orchestrator.domain.saga import SagaRun, State, StepRun
from system.orchestrator.domain.status import Status, Who
from system.orchestrator.domain.work import Stage
from system.plumbing import telemetry


def _saving(table: Table, *key: str, changed: tuple[str, ...]) -> Any:
    """INSERT ... ON CONFLICT (key) DO UPDATE, built once: building and compiling it costs more than running it."""
    statement = upsert(table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in changed}
    )


_SAVE_LINE = _saving(
    order_line,
    "order_id",
    "line_id",
    changed=tuple(column.name for column in order_line.columns if column.name not in ("order_id", "line_id")),
)
_SAVE_RUN = _saving(
    saga_step, "order_id", "name", changed=("state", "attempts", "first_attempt", "since", "deadline_at")
)


class OrderRepository:
    """Orders over one connection. It remembers what it read, so that `save` writes only what changed."""

    def __init__(self, connection: AsyncConnection, *, policy: Policy, now: datetime) -> None:
        self._connection = connection
        self._policy = policy
        self._now = now
        self._lines: dict[UUID, tuple[Line, ...]] = {}
        self._runs: dict[UUID, dict[str, StepRun]] = {}
        self._history_length: dict[UUID, int] = {}

    async def get(self, order_id: UUID) -> Order:
        """The order. Raises OrderUnknown."""
        order = await self.find(order_id)
        if order is None:
            raise OrderUnknown(str(order_id))
        return order

    async def find(self, order_id: UUID) -> Order | None:
        """The order with its lines, saga and history; None when there is none."""
        row = (await self._connection.execute(select(orders).where(orders.c.order_id == order_id))).one_or_none()
        if row is None:
            return None
        lines = tuple(
            _line(line)
            for line in await self._connection.execute(
                select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.position)
            )
        )
        runs = [
            _run(run)
            for run in await self._connection.execute(select(saga_step).where(saga_step.c.order_id == order_id))
        ]
        history = [
            _transition(step)
            for step in await self._connection.execute(
                select(order_history).where(order_history.c.order_id == order_id).order_by(order_history.c.seq)
            )
        ]
        self._lines[order_id] = lines
        self._runs[order_id] = {run.name: run for run in runs}
        self._history_length[order_id] = len(history)
        return _order(row, lines, SagaRun(runs), history)

    async def save(self, order: Order) -> None:
        """Writes what changed. Raises Unavailable when somebody else changed the order since it was read."""
        values = self._values(order)
        if order.loaded_version == 0:
            await self._connection.execute(insert(orders), {"order_id": order.order_id, **values})
        else:
            changed = await self._connection.execute(
                update(orders)
                .where(
                    orders.c.order_id == order.order_id,
                    orders.c.version == order.loaded_version,
                    orders.c.status == order.loaded_status,
                )
                .values(**values)
            )
            if changed.rowcount != 1:
                raise Unavailable(
                    "order-changed-meanwhile", f"Order {order.number} was changed at the same moment; try again."
                )
        await self._save_lines(order)
        await self._save_runs(order)
        await self._save_history(order)
        await self._save_notes(order)
        order.loaded_version, order.loaded_status = order.version, order.status

    def _values(self, order: Order) -> dict[str, Any]:
        deadlines = order.deadlines(self._policy)
        money = order.agreed_total or order.total
        return {
            "number": order.number,
            "channel": order.channel,
            "customer_id": order.contact.customer_id,
            "customer_name": order.contact.name,
            "email": order.contact.email,
            "partner_reference": order.contact.partner_reference,
            "status": order.status.value,
            "status_since": order.status_since,
            "version": order.version,
            "promise_at": order.promise_at,
            "budget_until": deadlines.budget_until,
            "at_risk_from": deadlines.at_risk_from,
            "step_is_stuck": order.saga.is_stuck,
            "reason": order.reason,
            "agreed_total": order.agreed_total.amount if order.agreed_total else None,
            "total": order.total.amount if order.total else None,
            "currency": money.currency if money else None,
            "price_valid_until": order.price_valid_until,
            "approved_at": order.approved_at,
            "consent": _consent_json(order.consent),
            "cancellation": _cancellation_json(order.cancellation),
            "deliveries": [
                {"carrier": each.carrier, "tracking_number": each.tracking_number, "at": each.at.isoformat()}
                for each in order.deliveries
            ],
            "changed_at": self._now,
        }

    async def _save_lines(self, order: Order) -> None:
        before = {line.line_id: line for line in self._lines.get(order.order_id, ())}
        rows = [
            _line_values(order.order_id, position, line)
            for position, line in enumerate(order.lines)
            if before.get(line.line_id) != line
        ]
        if rows:
            await self._connection.execute(_SAVE_LINE, rows)
        self._lines[order.order_id] = order.lines

    async def _save_runs(self, order: Order) -> None:
        before = self._runs.get(order.order_id, {})
        rows = [
            asdict(run)
            | {"order_id": order.order_id, "state": run.state.value, "bucket": bucket_of(str(order.order_id))}
            for name, run in order.saga.runs.items()
            if before.get(name) != run
        ]
        gone = before.keys() - order.saga.runs.keys()
        if gone:
            await self._connection.execute(
                delete(saga_step).where(saga_step.c.order_id == order.order_id, saga_step.c.name.in_(gone))
            )
        if rows:
            await self._connection.execute(_SAVE_RUN, rows)
        self._runs[order.order_id] = dict(order.saga.runs)

    async def _save_history(self, order: Order) -> None:
        # One by one: the database checks each row against the one before it.
        for step in order.history[self._history_length.get(order.order_id, 0) :]:
            await self._connection.execute(
                insert(order_history).values(
                    order_id=order.order_id,
                    seq=step.seq,
                    version=step.version,
                    from_status=step.start.value if step.start else None,
                    to_status=step.end.value,
                    at=step.at,
                    actor=step.actor,
                    reason=step.reason,
                    reason_code=step.reason_code,
                )
            )
        self._history_length[order.order_id] = len(order.history)

    async def _save_notes(self, order: Order) -> None:
        if order.notes:
            await self._connection.execute(
                insert(order_note),
                [
                    asdict(note) | {"order_id": order.order_id, "traceparent": telemetry.current_traceparent()}
                    for note in order.notes
                ],
            )
            order.notes.clear()


def _order(row: Row[Any], lines: tuple[Line, ...], saga: SagaRun, history: list[Transition]) -> Order:
    return Order(
        order_id=row.order_id,
        number=row.number,
        channel=row.channel,
        contact=Contact(row.customer_id, row.customer_name, row.email, row.partner_reference),
        promise_at=row.promise_at,
        status=Status(row.status),
        status_since=row.status_since,
        version=row.version,
        loaded_version=row.version,
        loaded_status=Status(row.status),
        reason=row.reason,
        agreed_total=_money(row.agreed_total, row.currency),
        total=_money(row.total, row.currency),
        price_valid_until=row.price_valid_until,
        approved_at=row.approved_at,
        consent=_consent(row.consent),
        cancellation=_cancellation(row.cancellation),
        lines=lines,
        deliveries=tuple(
            Delivery(each["carrier"], each["tracking_number"], datetime.fromisoformat(each["at"]))
            for each in row.deliveries
        ),
        saga=saga,
        history=history,
    )


def _line(row: Row[Any]) -> Line:
    return Line(
        line_id=row.line_id,
        kind=row.kind,
        title=row.title,
        material=row.material,
        quantity=row.quantity,
        quote_id=row.quote_id,
        agreed_total=Money(row.agreed_total, row.currency),
        ring_size=row.ring_size,
        file_id=row.file_id,
        sku=row.sku,
        total=_money(row.total, row.currency),
        weight_g=row.weight_g,
        stage=Stage(row.stage),
        held_by=row.held_by,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        extras=row.extras,
    )


def _line_values(order_id: UUID, position: int, line: Line) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "line_id": line.line_id,
        "position": position,
        "kind": line.kind,
        "title": line.title,
        "material": line.material,
        "quantity": line.quantity,
        "ring_size": line.ring_size,
        "file_id": line.file_id,
        "sku": line.sku,
        "quote_id": line.quote_id,
        "agreed_total": line.agreed_total.amount,
        "total": line.total.amount if line.total else None,
        "currency": line.agreed_total.currency,
        "weight_g": line.weight_g,
        "stage": int(line.stage),
        "held_by": line.held_by,
        "carrier": line.carrier,
        "tracking_number": line.tracking_number,
        "extras": line.extras,
    }


def _run(row: Row[Any]) -> StepRun:
    return StepRun(row.name, State(row.state), row.attempts, row.since, row.deadline_at, row.first_attempt)


def _transition(row: Row[Any]) -> Transition:
    start = Status(row.from_status) if row.from_status else None
    end = Status(row.to_status)
    return Transition(row.seq, row.version, start, end, row.at, row.actor, row.reason, row.reason_code)


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return Money(amount, currency) if amount is not None and currency is not None else None


def _consent_json(consent: Consent | None) -> dict[str, Any] | None:
    if consent is None:
        return None
    return {
        "reasons": list(consent.reasons),
        "agreed_total": f"{consent.agreed_total.amount:.2f}",
        "total": f"{consent.total.amount:.2f}",
        "currency": consent.total.currency,
    }


def _consent(stored: dict[str, Any] | None) -> Consent | None:
    if stored is None:
        return None
    currency = stored["currency"]
    return Consent(
        tuple(stored["reasons"]), Money.of(stored["agreed_total"], currency), Money.of(stored["total"], currency)
    )


def _cancellation_json(wish: Cancellation | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    return {
        "withdrawal_id": str(wish.withdrawal_id),
        "requested_by": wish.requested_by,
        "who": wish.who.value,
        "reason": wish.reason,
        "at": wish.at.isoformat(),
    }


def _cancellation(stored: dict[str, Any] | None) -> Cancellation | None:
    if stored is None:
        return None
    return Cancellation(
        UUID(stored["withdrawal_id"]),
        stored["requested_by"],
        Who(stored["who"]),
        stored["reason"],
        datetime.fromisoformat(stored["at"]),
    )
