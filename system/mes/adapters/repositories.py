"""Work orders, withdrawals, statuses and operators in PostgreSQL; the promises are in `application/ports.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.mes.adapters import tables
from system.mes.domain.errors import WorkOrderNotFound
from system.mes.domain.withdrawal import Withdrawal
from system.mes.domain.work_order import Claim, Operator, Parcel, WorkOrder, WorkOrderState
from system.messages.orchestrator_v1 import OrderChanged
from system.plumbing.rows import as_rows, inserting
from system.plumbing.telemetry import bind_order

_work_order = tables.work_order
_ADD = inserting(
    _work_order,
    *(column.name for column in _work_order.columns),
    more="ON CONFLICT (id) DO NOTHING RETURNING id",
)
_NOTE = inserting(tables.work_order_history, "work_order_id", "at", "state", "claim_no", "actor", "reason")


class WorkOrderRepository:
    """Work orders, their history, and the parcels they left in. `has_changed`: whether any was stored through this one."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._notes: list[dict[str, Any]] = []
        self.has_changed = False

    async def get(self, work_order_id: UUID) -> WorkOrder:
        """As it is now, without a lock. Raises WorkOrderNotFound."""
        return await self._one(work_order_id, lock=False)

    async def hold(self, work_order_id: UUID) -> WorkOrder:
        """As it is, locked until the end of the transaction. Raises WorkOrderNotFound."""
        return await self._one(work_order_id, lock=True)

    async def hold_of_order(self, order_id: UUID) -> list[WorkOrder]:
        """All of an order's, locked in the order of their ids, so that two such locks never wait for each other."""
        rows = await self._connection.execute(
            select(_work_order).where(_work_order.c.order_id == order_id).order_by(_work_order.c.id).with_for_update()
        )
        return [work_order_from(row) for row in rows.mappings()]

    async def claim(self, work_order_id: UUID, operator: Operator, *, at: datetime) -> WorkOrder | None:
        """One conditional update: the claimed work order with its new claim_no, or None when it was not free."""
        self.has_changed = True
        row = (
            (
                await self._connection.execute(
                    update(_work_order)
                    .where(_work_order.c.id == work_order_id, text(tables.ON_THE_BOARD))
                    .values(
                        state=WorkOrderState.CLAIMED,
                        state_since=at,
                        claim_no=_work_order.c.claim_no + 1,
                        claimed_by=operator.id,
                        claimed_by_name=operator.name,
                        claimed_at=at,
                    )
                    .returning(_work_order)
                )
            )
            .mappings()
            .first()
        )
        return self._about(row) if row else None

    async def in_hand(self, operator_id: UUID, *, besides: UUID, limit: int) -> list[str]:
        """Order numbers of what the operator has claimed and not made yet, one work order left out; `limit` of them at most."""
        found = await self._connection.execute(
            select(_work_order.c.order_number)
            .where(_work_order.c.claimed_by == operator_id, text(tables.CLAIMED), _work_order.c.id != besides)
            .order_by(_work_order.c.claimed_at)
            .limit(limit)
        )
        return list(found.scalars())

    async def add(self, work_orders: list[WorkOrder]) -> list[WorkOrder]:
        """Stores those whose id is new, and returns them; known ones stay as they are."""
        if not work_orders:
            return []
        added = await self._connection.execute(_ADD, as_rows(_row_of(each) for each in work_orders))
        ids = {row.id for row in added}
        self.has_changed = True
        return [each for each in work_orders if each.id in ids]

    async def save(self, work_order: WorkOrder) -> None:
        """Stores a held work order's new state."""
        self.has_changed = True
        row = _row_of(work_order)
        await self._connection.execute(
            update(_work_order).where(_work_order.c.id == work_order.id).values({name: row[name] for name in _CHANGING})
        )

    async def note(self, work_order: WorkOrder, *, actor: str, at: datetime, reason: str | None = None) -> None:
        """Adds the state it has reached to the work order's history, before the commit."""
        self._notes.append(
            {
                "work_order_id": work_order.id,
                "at": at,
                "state": work_order.state,
                "claim_no": work_order.claim_no,
                "actor": actor,
                "reason": reason,
            }
        )

    async def write(self) -> None:
        """Writes the history of what was done."""
        if self._notes:
            await self._connection.execute(_NOTE, as_rows(self._notes))
        self._notes = []

    def forget(self) -> None:
        """Drops what was not written yet."""
        self._notes = []

    async def take_parcel(self, parcel: Parcel, *, order_id: UUID, at: datetime) -> bool:
        """Binds a tracking number to an order. False when another order has it; True again for the same order."""
        parcels = tables.parcel
        await self._connection.execute(
            upsert(parcels)
            .values(carrier=parcel.carrier, tracking_number=parcel.tracking_number, order_id=order_id, at=at)
            .on_conflict_do_nothing()
        )
        holder = await self._connection.execute(
            select(parcels.c.order_id).where(
                parcels.c.carrier == parcel.carrier, parcels.c.tracking_number == parcel.tracking_number
            )
        )
        return bool(holder.scalar_one() == order_id)

    async def _one(self, work_order_id: UUID, *, lock: bool) -> WorkOrder:
        statement = select(_work_order).where(_work_order.c.id == work_order_id)
        if lock:
            statement = statement.with_for_update()
        row = (await self._connection.execute(statement)).mappings().first()
        if row is None:
            raise WorkOrderNotFound(work_order_id)
        return self._about(row)

    def _about(self, row: RowMapping) -> WorkOrder:
        # Whoever asks by a work order's id learns only here which order it is about.
        bind_order(row["order_id"])
        return work_order_from(row)


_WITHDRAWN = text("SELECT DISTINCT order_id FROM withdrawal WHERE accepted AND order_id = ANY(:order_ids)")


class WithdrawalRepository:
    """Decisions about withdrawals. `locked` are the orders that may be read ahead."""

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self._accepted: dict[UUID, bool] = {}

    async def get(self, withdrawal_id: UUID) -> Withdrawal | None:
        """The decision about this request, if it was made."""
        found = await self._connection.execute(select(tables.withdrawal).where(tables.withdrawal.c.id == withdrawal_id))
        row = found.mappings().first()
        return Withdrawal(**row) if row else None

    async def accepted_for(self, order_id: UUID) -> bool:
        """Whether the order was withdrawn."""
        if order_id not in self._accepted:
            wanted = {order_id, *self._locked()} - self._accepted.keys()
            self._accepted |= dict.fromkeys(wanted, False)
            rows = await self._connection.execute(_WITHDRAWN, {"order_ids": sorted(wanted)})
            self._accepted |= {row.order_id: True for row in rows}
        return self._accepted[order_id]

    async def write(self) -> None:
        """Nothing is held back here."""

    def forget(self) -> None:
        """Drops what was read ahead."""
        self._accepted = {}

    async def add(self, withdrawal: Withdrawal) -> None:
        """Remembers a decision."""
        self._accepted.pop(withdrawal.order_id, None)
        await self._connection.execute(
            insert(tables.withdrawal).values(
                id=withdrawal.id,
                order_id=withdrawal.order_id,
                requested_by=withdrawal.requested_by,
                by_seller=withdrawal.by_seller,
                reason=withdrawal.reason,
                accepted=withdrawal.accepted,
                held_by=withdrawal.held_by,
                decided_at=withdrawal.decided_at,
            )
        )


_STATUS = tuple(column.name for column in tables.order_status.columns if column.name != "heard_at")
_TAKE_STATUS = inserting(
    tables.order_status,
    *_STATUS,
    shared={"heard_at": "clock_timestamp()"},
    more="ON CONFLICT (order_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_STATUS[1:], "heard_at"))
    + " WHERE order_status.version < excluded.version",
)
_HEARD = text("SELECT order_id, version, status FROM order_status WHERE order_id = ANY(:order_ids)")


class OrderStatusRepository:
    """The newest status heard of each order, written before the commit. `locked` are the orders that may be read ahead."""

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self._heard: dict[UUID, tuple[int, str] | None] = {}
        self._taken: dict[UUID, dict[str, Any]] = {}

    async def take(self, changed: OrderChanged) -> bool:
        """Keeps the state when its version is the highest yet. False when it is an older one."""
        heard = await self._heard_of(changed.order_id)
        if heard is not None and changed.version <= heard[0]:
            return False
        self._heard[changed.order_id] = (changed.version, changed.status)
        self._taken[changed.order_id] = {
            "order_id": changed.order_id,
            "number": changed.number,
            "version": changed.version,
            "status": changed.status,
            "status_since": changed.status_since,
            "promise_at": changed.promise_at,
            "cancellation_requested": changed.cancellation_requested,
            "allowed": [str(each) for each in changed.allowed],
        }
        return True

    async def status_of(self, order_id: UUID) -> str | None:
        """The last known status, or None when nothing was heard."""
        heard = await self._heard_of(order_id)
        return heard[1] if heard is not None else None

    async def write(self) -> None:
        """Writes what was taken: the newest of each order."""
        if self._taken:
            await self._connection.execute(_TAKE_STATUS, as_rows(row for _, row in sorted(self._taken.items())))
        self._taken = {}

    def forget(self) -> None:
        """Drops what was read ahead and what was not written yet."""
        self._heard, self._taken = {}, {}

    async def _heard_of(self, order_id: UUID) -> tuple[int, str] | None:
        if order_id not in self._heard:
            wanted = {order_id, *self._locked()} - self._heard.keys()
            self._heard |= dict.fromkeys(wanted)
            for row in await self._connection.execute(_HEARD, {"order_ids": sorted(wanted)}):
                self._heard[row.order_id] = (row.version, row.status)
        return self._heard[order_id]


class OperatorRepository:
    """The operators MES has met."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, operator_id: UUID) -> Operator | None:
        """The operator, if they ever came here."""
        found = await self._connection.execute(
            select(tables.operator.c.name).where(tables.operator.c.id == operator_id)
        )
        name = found.scalar_one_or_none()
        return Operator(operator_id, name) if name is not None else None

    async def meet(self, operator: Operator, *, at: datetime) -> None:
        """Remembers an operator and their present name; until the commit nobody else can do so with the same operator."""
        statement = upsert(tables.operator).values(id=operator.id, name=operator.name, seen_at=at)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={"name": statement.excluded.name, "seen_at": statement.excluded.seen_at}
            )
        )


_CHANGING = (
    "state",
    "state_since",
    "claim_no",
    "claimed_by",
    "claimed_by_name",
    "claimed_at",
    "rework_count",
    "carrier",
    "tracking_number",
)


def _row_of(work_order: WorkOrder) -> dict[str, Any]:
    claim, parcel = work_order.claim, work_order.parcel
    row = {name: getattr(work_order, name) for name in _PLAIN}
    return row | {
        "state_since": work_order.state_since or work_order.released_at,
        "claimed_by": claim.operator.id if claim else None,
        "claimed_by_name": claim.operator.name if claim else None,
        "claimed_at": claim.claimed_at if claim else None,
        "carrier": parcel.carrier if parcel else None,
        "tracking_number": parcel.tracking_number if parcel else None,
    }


_PLAIN = (
    "id",
    "order_id",
    "line_id",
    "order_number",
    "channel",
    "title",
    "kind",
    "material",
    "quantity",
    "ring_size",
    "file_id",
    "sku",
    "weight_g",
    "approved_at",
    "promise_at",
    "released_at",
    "state",
    "claim_no",
    "rework_count",
    "extras",
)


def work_order_from(row: Mapping[Any, Any]) -> WorkOrder:
    """The domain's work order from a row of its table."""
    claim = None
    if row["claimed_by"] is not None:
        claim = Claim(Operator(row["claimed_by"], row["claimed_by_name"]), row["claimed_at"])
    parcel = Parcel(row["carrier"], row["tracking_number"]) if row["tracking_number"] is not None else None
    plain = {name: row[name] for name in _PLAIN} | {"state": WorkOrderState(row["state"])}
    return WorkOrder(**plain, state_since=row["state_since"], claim=claim, parcel=parcel)
