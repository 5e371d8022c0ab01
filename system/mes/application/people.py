"""A customer's name and words in production's records: taking them out. What was made, by whom and for how much stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from system.plumbing.erasure import Erased, Forgetting, PeopleUnitOfWork, Reach


class People(Forgetting, Protocol):
    """What MES holds of a customer, inside a unit of work. It knows orders, and no people behind them."""

    async def take_file_names_off(self, order_ids: Sequence[UUID]) -> int:
        """Work orders made from a model are not called by the name of its file any more; how many."""

    async def forget_written(self, order_ids: Sequence[UUID]) -> int:
        """Takes names and words out of withdrawals, histories and the ledger's titles; out of how many rows."""


async def erase_person(person: UUID, reach: Reach, begin: Callable[[], PeopleUnitOfWork[People]]) -> Erased:
    """Takes a person's name and words out of what was made for them. Doing it again does what is left."""
    order_ids = sorted(set(reach.order_ids))
    async with begin() as uow:
        await uow.lock(*order_ids)
        counts = {
            "work_orders": await uow.people.take_file_names_off(order_ids),
            "written": await uow.people.forget_written(order_ids),
            "messages": await uow.people.forget_in_messages(person, order_ids),
        }
        await uow.people.note(person, counts)
        await uow.commit()
    return Erased(counts=counts)
