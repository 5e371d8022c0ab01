"""Orders and parcels in PostgreSQL; the promises are in `application/ports.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, TextClause, literal_column, select, text, update
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
from system.plumbing.rows import as_rows, inserting

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


_CONTENT_ROW = ("order_id", "opened_at", "version", "status", "status_since", "number", *_OF_SHOP)
_STATUS_ROW = ("order_id", "opened_at", *_OF_ORCHESTRATOR)


def _taking(row: tuple[str, ...], columns: tuple[str, ...], condition: str) -> TextClause:
    """INSERT of any number of orders, or UPDATE of `columns` where `condition` holds."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns)
    given = tuple(name for name in row if name != "heard_at")
    more = f"ON CONFLICT (order_id) DO UPDATE SET {changed} WHERE {condition}"
    return inserting(_order, *given, shared={"heard_at": "clock_timestamp()"}, more=more)


_TAKE_CONTENT = _taking(_CONTENT_ROW, _OF_SHOP, "sales_order.submitted_at IS NULL")
_TAKE_STATUS = _taking(_STATUS_ROW, _OF_ORCHESTRATOR, "sales_order.version < excluded.version")
_HEARD = text("""
    SELECT order_id, version, submitted_at IS NOT NULL AS has_content FROM sales_order WHERE order_id = ANY(:order_ids)
""")


@dataclass(slots=True)
class _Heard:
    """How much was heard of an order from each of the two sources."""

    version: int = -1
    has_content: bool = False


class SalesOrderRepository:
    """The read model. Each of the two sources writes its own columns, so that their messages may come in any order.

    What they say is written before the commit, for all orders of a batch at once. `locked` are those that may be read ahead.
    """

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self._heard: dict[UUID, _Heard] = {}
        self._contents: dict[UUID, dict[str, Any]] = {}
        self._statuses: dict[UUID, dict[str, Any]] = {}

    async def write(self) -> None:
        """Writes what was taken: the newest of each order."""
        for statement, taken in ((_TAKE_CONTENT, self._contents), (_TAKE_STATUS, self._statuses)):
            if taken:
                await self._connection.execute(statement, as_rows(row for _, row in sorted(taken.items())))
        self._contents, self._statuses = {}, {}

    def forget(self) -> None:
        """Drops what was read ahead and what was not written yet."""
        self._heard, self._contents, self._statuses = {}, {}, {}

    async def _heard_of(self, order_id: UUID) -> _Heard:
        if order_id not in self._heard:
            wanted = {order_id, *self._locked()} - self._heard.keys()
            self._heard |= {each: _Heard() for each in wanted}
            for row in await self._connection.execute(_HEARD, {"order_ids": sorted(wanted)}):
                self._heard[row.order_id] = _Heard(row.version, row.has_content)
        return self._heard[order_id]

    async def get(self, order_id: UUID) -> SalesOrder:
        """The order as committed. Raises OrderNotFound."""
        found = await self._connection.execute(select(_order).where(_order.c.order_id == order_id))
        row = found.mappings().first()
        if row is None:
            raise OrderNotFound(str(order_id))
        return sales_order_from(row)

    async def take_content(self, submitted: OrderSubmitted) -> bool:
        """Keeps what was submitted; False when it was known already."""
        heard = await self._heard_of(submitted.order_id)
        if heard.has_content:
            return False
        heard.has_content, heard.version = True, max(heard.version, 0)
        agreed = submitted.agreed_total.money()
        self._contents[submitted.order_id] = {
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
        }
        return True

    async def take_status(self, changed: OrderChanged) -> bool:
        """Keeps the orchestrator's state when its version is the highest yet; False for an older one."""
        heard = await self._heard_of(changed.order_id)
        if changed.version <= heard.version:
            return False
        heard.version = changed.version
        total = changed.total.money() if changed.total else None
        self._statuses[changed.order_id] = {
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
        }
        return True

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


_ADD_SHIPMENTS = inserting(
    tables.shipment,
    "carrier_key",
    "tracking_key",
    "work_order_id",
    "order_id",
    "carrier",
    "tracking_number",
    more="ON CONFLICT DO NOTHING",
)
_SHIPMENTS = text("""
    SELECT order_id, work_order_id, carrier_key, tracking_key FROM shipment WHERE order_id = ANY(:order_ids)
""")


class ParcelRepository:
    """Shipments, carriers' messages, and reported deliveries. `locked` are the orders that may be read ahead."""

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self._read: set[UUID] = set()
        self._known: set[tuple[UUID, str, str]] = set()

    async def write(self) -> None:
        """Nothing is held back here."""

    def forget(self) -> None:
        """Drops what was read ahead."""
        self._read, self._known = set(), set()

    async def unknown(self, shipments: list[Shipment]) -> list[Shipment]:
        """Those of an order that were not added before."""
        if wanted := {each.order_id for each in shipments} - self._read:
            wanted |= set(self._locked()) - self._read
            self._read |= wanted
            rows = await self._connection.execute(_SHIPMENTS, {"order_ids": sorted(wanted)})
            self._known |= {(row.work_order_id, row.carrier_key, row.tracking_key) for row in rows}
        return [each for each in shipments if _key_of(each) not in self._known]

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
        await self._connection.execute(_ADD_SHIPMENTS, as_rows(rows))
        self._known |= {_key_of(each) for each in shipments}

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


def _key_of(shipment: Shipment) -> tuple[UUID, str, str]:
    return shipment.work_order_id, shipment.key.carrier, shipment.key.tracking_number
