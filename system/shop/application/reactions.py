"""What the shop does when a message arrives. The consumer commits; a reaction never does."""

from __future__ import annotations

from system.messages.orchestrator_v1 import OrderChanged, ReleaseStock, ReserveStock
from system.messages.shop_v1 import StockRefused, StockReserved
from system.shop.application.notices import tell_customer
from system.shop.application.ports import ShopUnitOfWork
from system.shop.application.publishing import progress_of
from system.shop.domain import stock
from system.shop.domain.errors import ReservationWithdrawn
from system.shop.domain.stock import Reservation, ReservationState


async def on_order_changed(message: OrderChanged, uow: ShopUnitOfWork) -> None:
    """Keeps the newest state and writes to the customer about it; an older or repeated one does neither. Raises OrderUnknownHere."""
    progress = progress_of(message)
    told = await uow.orders.tell(message.order_id, progress)
    if told is not None:
        await tell_customer(message.order_id, told.before, progress, uow)


async def on_reserve_stock(message: ReserveStock, uow: ShopUnitOfWork) -> None:
    """Sets the goods aside, all or none, and says which. Asked again, it says the same again: the reply may be what got lost.

    Raises ReservationWithdrawn when the undo came first.
    """
    decided = await uow.stock.reservation(message.order_id)
    if decided is None:
        wanted = stock.pieces_of((item.sku, item.quantity) for item in message.items)
        decided = stock.reserve(message.order_id, wanted, await uow.stock.available(wanted))
        await uow.stock.decide(decided, now=uow.now)
    if decided.state is ReservationState.RELEASED:
        raise ReservationWithdrawn(message.order_id)
    if decided.shortage is not None:
        uow.publish(
            StockRefused(
                order_id=message.order_id,
                sku=decided.shortage.sku,
                asked=decided.shortage.asked,
                available=decided.shortage.available,
            )
        )
    else:
        uow.publish(StockReserved(order_id=message.order_id))


async def on_release_stock(message: ReleaseStock, uow: ShopUnitOfWork) -> None:
    """Puts the goods back, once. Without a reservation it leaves a mark, so that one which comes later takes nothing."""
    decided = await uow.stock.reservation(message.order_id)
    if decided is None:
        await uow.stock.decide(Reservation(message.order_id, ReservationState.RELEASED), now=uow.now)
    elif decided.state is ReservationState.RESERVED:
        await uow.stock.release(decided, now=uow.now)
