"""A customer's name in the orders that were decided here: taking it out. Statuses, moments and prices stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from system.plumbing.erasure import Erased, Forgetting, PeopleUnitOfWork, Reach


class People(Forgetting, Protocol):
    """What the orchestrator holds of a customer, inside a unit of work."""

    async def orders_of(self, person: UUID) -> list[UUID]:
        """All their orders, carts too."""

    async def take_name_off(self, person: UUID) -> int:
        """Leaves of their orders what is accounted by; of how many."""

    async def forget_written(self, order_ids: Sequence[UUID]) -> int:
        """Takes names and words out of histories and notes; out of how many rows."""


async def erase_person(person: UUID, reach: Reach, begin: Callable[[], PeopleUnitOfWork[People]]) -> Erased:
    """Takes a person's name and words out of their orders. Doing it again does what is left."""
    async with begin() as uow:
        order_ids = sorted({*reach.order_ids, *await uow.people.orders_of(person)})
        await uow.lock(*order_ids)
        counts = {
            "orders": await uow.people.take_name_off(person),
            "written": await uow.people.forget_written(order_ids),
            "messages": await uow.people.forget_in_messages(person, order_ids),
        }
        await uow.people.note(person, counts)
        await uow.commit()
    return Erased(counts=counts)
