"""Orders and parcels in PostgreSQL; the promises are in `application/ports.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.crm.adapters import tables
from system.crm.adapters.rows import carrier_event_from, letter_from, sales_order_from, shipment_from
from system.crm.domain.errors import OrderNotFound
from system.crm.domain.escalation import Escalation
from system.crm.domain.letter import Letter
from system.crm.domain.parcel import DELIVERED, CarrierEvent, ParcelKey, Shipment
from system.crm.domain.sales_order import Assignment, Decision, SalesOrder
from system.messages.orchestrator_v1 import OrderChanged, OrderStatus
from system.messages.shop_v1 import OrderSubmitted

_order = tables.sales_order
_NOW = text("clock_timestamp()")
_OF_ORCHESTRATOR = (
    "number",
    "version",
    "status",
    "status_since",
    "promise_at",
    "budget_until",
    "due_at",
    "allowed",
    "reason",
    "cancellation_requested",
    "total",
    "total_currency",
    "priced_lines",
    "consent",
    "shipments",
    "history",
    "heard_at",
)
_OF_SHOP = (
    "channel",
    "customer",
    "customer_email",
    "delivery",
    "lines",
    "agreed_total",
    "agreed_currency",
    "partner_reference",
    "submitted_at",
    "heard_at",
)


def _taking(columns: tuple[str, ...], condition: Callable[[Any], ColumnElement[bool]]) -> Any:
    """INSERT, or UPDATE of `columns` where `condition` holds; built once, since building costs more than running it."""
    statement = upsert(_order).values(heard_at=_NOW)
    return statement.on_conflict_do_update(
        index_elements=["order_id"],
        set_={name: statement.excluded[name] for name in columns},
        where=condition(statement.excluded),
    ).returning(_order.c.order_id)


_TAKE_CONTENT = _taking(_OF_SHOP, lambda excluded: _order.c.submitted_at.is_(None))
_TAKE_STATUS = _taking(_OF_ORCHESTRATOR, lambda excluded: _order.c.version < excluded.version)


class SalesOrderRepository:
    """The read model. Each of the two sources writes its own columns, so that their messages may come in any order."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, order_id: UUID) -> SalesOrder:
        """The order as committed. Raises OrderNotFound."""
        found = await self._connection.execute(select(_order).where(_order.c.order_id == order_id))
        row = found.mappings().first()
        if row is None:
            raise OrderNotFound(str(order_id))
        return sales_order_from(row)

    async def take_content(self, submitted: OrderSubmitted) -> bool:
        """Keeps what was submitted; False when it was known already."""
        agreed = submitted.agreed_total.money()
        taken = await self._connection.execute(
            _TAKE_CONTENT,
            {
                "order_id": submitted.order_id,
                "number": submitted.number,
                "opened_at": submitted.submitted_at,
                "version": 0,
                "status": OrderStatus.SUBMITTED,
                "status_since": submitted.submitted_at,
                "channel": submitted.channel,
                "customer": submitted.customer.model_dump(mode="json"),
                "customer_email": submitted.customer.email,
                "delivery": submitted.delivery.model_dump(mode="json"),
                "lines": [line.model_dump(mode="json") for line in submitted.lines],
                "agreed_total": agreed.amount,
                "agreed_currency": agreed.currency,
                "partner_reference": submitted.partner_reference,
                "submitted_at": submitted.submitted_at,
            },
        )
        return taken.first() is not None

    async def take_status(self, changed: OrderChanged) -> bool:
        """Keeps the orchestrator's state when its version is the highest yet; False for an older one."""
        total = changed.total.money() if changed.total else None
        taken = await self._connection.execute(
            _TAKE_STATUS,
            {
                "order_id": changed.order_id,
                "number": changed.number,
                "opened_at": changed.history[0].at if changed.history else changed.status_since,
                "version": changed.version,
                "status": changed.status,
                "status_since": changed.status_since,
                "promise_at": changed.promise_at,
                "budget_until": changed.budget_until,
                "due_at": changed.budget_until or changed.promise_at,
                "allowed": [str(each) for each in changed.allowed],
                "reason": changed.reason,
                "cancellation_requested": changed.cancellation_requested,
                "total": total.amount if total else None,
                "total_currency": total.currency if total else None,
                "priced_lines": [line.model_dump(mode="json") for line in changed.lines],
                "consent": changed.consent.model_dump(mode="json") if changed.consent else None,
                "shipments": [each.model_dump(mode="json") for each in changed.shipments],
                "history": [step.model_dump(mode="json") for step in changed.history],
            },
        )
        return taken.first() is not None

    async def decide(self, order_id: UUID, decision: Decision, *, seen_version: int | None) -> SalesOrder | None:
        """One conditional update: the decided order, or None when nobody may decide about it now."""
        statement = (
            update(_order)
            .where(_order.c.order_id == order_id, text(tables.AWAITS_APPROVAL))
            .values(
                decision=decision.kind,
                decided_by=decision.seller.id,
                decided_by_name=decision.seller.name,
                decided_at=decision.at,
                decision_reason=decision.reason,
                heard_at=_NOW,
            )
            .returning(_order)
        )
        if seen_version is not None:
            statement = statement.where(_order.c.version == seen_version)
        row = (await self._connection.execute(statement)).mappings().first()
        return sales_order_from(row) if row else None

    async def wait_for_customer(self, order_id: UUID, *, since: datetime | None) -> bool:
        """The order waits for its customer since then, or not any more; False when nobody knows yet whose order it is."""
        statement = (
            update(_order)
            .where(_order.c.order_id == order_id, _order.c.submitted_at.is_not(None))
            .values(waits_for_customer_since=since, heard_at=_NOW)
            .returning(_order.c.order_id)
        )
        return (await self._connection.execute(statement)).first() is not None

    async def hold(self, order_id: UUID) -> SalesOrder:
        """The order, which until the end of this transaction nobody else changes. Raises OrderNotFound."""
        found = await self._connection.execute(select(_order).where(_order.c.order_id == order_id).with_for_update())
        row = found.mappings().first()
        if row is None:
            raise OrderNotFound(str(order_id))
        return sales_order_from(row)

    async def assign(self, order_id: UUID, assignment: Assignment | None) -> None:
        """Keeps who looks after the order, which is held; None: nobody."""
        seller = assignment.seller if assignment else None
        await self._change(
            order_id,
            taken_by=seller.id if seller else None,
            taken_by_name=seller.name if seller else None,
            taken_at=assignment.at if assignment else None,
        )

    async def escalate(self, order_id: UUID, escalation: Escalation) -> None:
        """Keeps how far the order, which is held, was escalated."""
        await self._change(
            order_id,
            escalation=escalation.level,
            escalated_at=escalation.at,
            escalated_wait=escalation.waits_since,
        )

    async def has_customer(self, customer_id: UUID) -> bool:
        """Whether this customer ordered anything, and their data was not erased since."""
        theirs = (customer_key() == str(customer_id), _order.c.customer_email.is_not(None))
        statement = select(_order.c.order_id).where(*theirs).limit(1)
        return (await self._connection.execute(statement)).first() is not None

    async def _change(self, order_id: UUID, **values: Any) -> None:
        # `heard_at` is what open pages are told by.
        await self._connection.execute(
            update(_order).where(_order.c.order_id == order_id).values(heard_at=_NOW, **values)
        )


def customer_key(of: Any = _order) -> ColumnElement[str]:
    """Whose order it is, as the index has it."""
    # No parameter: it would hide the index from a prepared plan.
    key: ColumnElement[str] = of.c.customer.op("->>", return_type=Text())(literal_column("'id'"))
    return key


class LetterRepository:
    """What customers and sellers wrote to each other."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, letter: Letter) -> bool:
        """Keeps a letter. False when its id was kept before."""
        row = {
            "letter_id": letter.id,
            "order_id": letter.order_id,
            "side": letter.side,
            "author": letter.author,
            "text": letter.text,
            "at": letter.at,
        }
        kept = upsert(tables.letter).values(row).on_conflict_do_nothing().returning(tables.letter.c.letter_id)
        return (await self._connection.execute(kept)).first() is not None

    async def to_be_told(self, letter: Letter) -> None:
        """Its customer is told of it by e-mail, once this is committed."""
        row = {"letter_id": letter.id, "order_id": letter.order_id, "since": letter.at}
        await self._connection.execute(upsert(tables.letter_to_tell).values(row).on_conflict_do_nothing())

    async def of(self, order_id: UUID) -> list[Letter]:
        """An order's letters, the oldest first."""
        found = await self._connection.execute(letters_statement(order_id))
        return [letter_from(row) for row in found.mappings()]


def letters_statement(order_id: UUID) -> Select[Any]:
    """An order's letters, the oldest first."""
    letter = tables.letter
    return select(letter).where(letter.c.order_id == order_id).order_by(letter.c.at, letter.c.letter_id)


class ParcelRepository:
    """Shipments, carriers' messages, and reported deliveries."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_shipments(self, shipments: list[Shipment]) -> None:
        """Remembers the parcels of an order; known ones stay."""
        if not shipments:
            return
        rows = [
            {
                "carrier_key": each.key.carrier,
                "tracking_key": each.key.tracking_number,
                "work_order_id": each.work_order_id,
                "order_id": each.order_id,
                "carrier": each.carrier,
                "tracking_number": each.tracking_number,
            }
            for each in shipments
        ]
        await self._connection.execute(upsert(tables.shipment).values(rows).on_conflict_do_nothing())

    async def add_event(self, event: CarrierEvent) -> bool:
        """Keeps a carrier's message. False when its id was kept before."""
        kept = await self._connection.execute(
            upsert(tables.carrier_event)
            .values(
                webhook_id=event.webhook_id,
                carrier_key=event.key.carrier,
                tracking_key=event.key.tracking_number,
                carrier=event.carrier,
                tracking_number=event.tracking_number,
                event=event.event,
                occurred_at=event.occurred_at,
                received_at=event.received_at,
                body=event.body,
            )
            .on_conflict_do_nothing(index_elements=["webhook_id"])
            .returning(tables.carrier_event.c.webhook_id)
        )
        return kept.first() is not None

    async def shipments_of(self, key: ParcelKey) -> list[Shipment]:
        """The shipments a parcel belongs to, by order."""
        table = tables.shipment
        rows = await self._connection.execute(
            select(table)
            .where(table.c.carrier_key == key.carrier, table.c.tracking_key == key.tracking_number)
            .order_by(table.c.order_id, table.c.work_order_id)
        )
        return [shipment_from(row) for row in rows.mappings()]

    async def delivery_of(self, key: ParcelKey) -> CarrierEvent | None:
        """The first message that said the parcel arrived, if one did."""
        table = tables.carrier_event
        rows = await self._connection.execute(
            select(table)
            .where(
                table.c.carrier_key == key.carrier,
                table.c.tracking_key == key.tracking_number,
                table.c.event == DELIVERED,
            )
            .order_by(table.c.received_at)
            .limit(1)
        )
        row = rows.mappings().first()
        return carrier_event_from(row) if row else None

    async def report_delivery(self, order_id: UUID, event: CarrierEvent, *, at: datetime) -> bool:
        """Marks the delivery of a parcel to an order as reported. False when it was before."""
        reported = await self._connection.execute(
            upsert(tables.delivery)
            .values(
                order_id=order_id,
                carrier_key=event.key.carrier,
                tracking_key=event.key.tracking_number,
                webhook_id=event.webhook_id,
                reported_at=at,
            )
            .on_conflict_do_nothing()
            .returning(tables.delivery.c.order_id)
        )
        return reported.first() is not None
