"""A customer's data in CRM: their way out of it. What sellers decided stays, without the words and the name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from system.plumbing.erasure import Erased, Forgetting, PeopleUnitOfWork, Reach


class People(Forgetting, Protocol):
    """What CRM holds of a customer, inside a unit of work."""

    async def orders_of(self, person: UUID) -> list[UUID]:
        """The orders of which CRM knows that they are theirs."""

    async def take_name_off(self, order_ids: Sequence[UUID]) -> int:
        """Leaves of these orders number, lines, prices, statuses, dates, and who decided; of how many."""

    async def forget_written(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        """Deletes letters, notes and reminders about them, and empties what carriers wrote; how many."""


async def erase_person(person: UUID, reach: Reach, begin: Callable[[], PeopleUnitOfWork[People]]) -> Erased:
    """Takes a person out of their orders and of what was written about them. Doing it again does what is left."""
    async with begin() as uow:
        order_ids = sorted({*reach.order_ids, *await uow.people.orders_of(person)})
        # As messages about these orders do: one that is just being worked on is waited for.
        await uow.lock(*order_ids)
        counts = {
            "orders": await uow.people.take_name_off(order_ids),
            "written": await uow.people.forget_written(person, order_ids),
            "messages": await uow.people.forget_in_messages(person, order_ids),
        }
        await uow.people.note(person, counts)
        await uow.commit()
    return Erased(counts=counts)
