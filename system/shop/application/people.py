"""A person's data at the shop: all of it for them to take along, and their way out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from uuid import UUID

from system.plumbing.erasure import Erased, Forgetting, PeopleUnitOfWork
from system.shop.application.views import history_of
from system.shop.domain.errors import wire
from system.shop.domain.order import Line, Order
from system.shop.domain.people import OrdersOpen


class People(Forgetting, Protocol):
    """What the shop holds of a person, inside a unit of work."""

    async def reach(self, person: UUID) -> tuple[list[UUID], list[UUID]]:
        """All their orders, and the models that submitted ones are made from."""

    async def open_orders(self, person: UUID) -> list[str]:
        """The numbers of their submitted orders that have not ended."""

    async def empty_carts(self, person: UUID) -> int:
        """Takes everything out of what was never submitted; how many pieces' lines."""

    async def take_name_off(self, person: UUID) -> int:
        """Leaves of submitted orders number, lines, prices, statuses, dates and the country; of how many."""


async def erase_person(person: UUID, begin: Callable[[], PeopleUnitOfWork[People]]) -> Erased:
    """Takes a person out of their orders. Doing it again does what is left. Raises OrdersOpen, and then changed nothing."""
    async with begin() as uow:
        order_ids, model_ids = await uow.people.reach(person)
        # As whoever changes an order does: an order that is just being submitted is seen by one of the two.
        await uow.lock(person, *order_ids)
        if numbers := await uow.people.open_orders(person):
            raise OrdersOpen(numbers)
        counts = {
            "cart_lines": await uow.people.empty_carts(person),
            "orders": await uow.people.take_name_off(person),
            "messages": await uow.people.forget_in_messages(person, order_ids),
        }
        await uow.people.note(person, counts)
        await uow.commit()
    return Erased(order_ids=order_ids, model_ids=model_ids, counts=counts)


def own_data(orders: Iterable[Order]) -> dict[str, Any]:
    """Everything the shop knows of a person, in words that they can read: each order as they made it, and its road."""
    return {"orders": [_order(order) for order in orders]}


def _order(order: Order) -> dict[str, Any]:
    terms, answer = order.terms, order.consent_answer
    return {
        "number": order.number,
        "channel": order.channel.value,
        "status": order.status.value,
        "begun_at": order.created_at.isoformat(),
        "ordered_at": order.submitted_at.isoformat() if order.submitted_at else None,
        "pieces": [_piece(line) for line in order.lines],
        "agreed_total": wire(terms.agreed_total) if terms else None,
        "contact": {
            "name": terms.customer.name,
            "email": terms.customer.email,
            "phone": terms.customer.phone,
            "language": terms.customer.language,
        }
        if terms
        else None,
        "delivery": {
            "recipient": terms.delivery.recipient,
            "address": terms.delivery.address,
            "city": terms.delivery.city,
            "postcode": terms.delivery.postcode,
            "country": terms.delivery.country,
        }
        if terms
        else None,
        "your_reference": terms.partner_reference if terms else None,
        "answer_to_a_new_price": {
            "price": wire(answer.total),
            "accepted": answer.accepted,
            "at": answer.at.isoformat(),
        }
        if answer
        else None,
        "reason": order.progress.reason if order.progress else None,
        "road": [{"status": moment.status.value, "at": moment.at.isoformat()} for moment in history_of(order)],
        "parcels": [
            {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
            for parcel in (order.progress.parcels if order.progress else ())
        ],
    }


def _piece(line: Line) -> dict[str, Any]:
    return {
        "title": {"ru": line.title.ru, "en": line.title.en},
        "kind": line.kind.value,
        "material": line.material,
        "quantity": line.quantity,
        "ring_size": line.ring_size,
        "article": line.sku,
        "stones": dict(line.extras.stones) if line.extras else {},
        "plating": line.extras.plating if line.extras else None,
        "engraving": line.extras.engraving.text if line.extras and line.extras.engraving else None,
        "model_file": str(line.file_id) if line.file_id else None,
        "agreed_total": wire(line.agreed_total) if line.agreed_total else None,
    }
