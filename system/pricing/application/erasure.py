"""What pricing keeps of a person leaves with them, but for the prices that orders were made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID


class Erasing(Protocol):
    """What is deleted from."""

    async def hold(self, owner_id: UUID) -> int:
        """Locks their quotes until the transaction ends; how many those are."""

    async def delete_unused(self, owner_id: UUID) -> int: ...

    async def forget_engravings(self, owner_id: UUID) -> int:
        """Takes the texts out of engravings of quotes that stay; how many."""

    async def forget_answers(self, person_id: UUID) -> int: ...


class ErasingWork(Protocol):
    """One transaction over it."""

    erasing: Erasing

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: Any) -> None: ...

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None: ...

    async def commit(self, answer: Any = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """How many quotes were deleted, how many stay as the accounting of orders, and how many kept answers were forgotten; of those
    that stay, how many lost the text of their engraving."""

    deleted: int
    kept: int
    answers: int
    engravings: int = 0


async def erase_person(person_id: UUID, uow: ErasingWork) -> Erased:
    """Deletes every quote of a person that no order uses. Again, it finds nothing left to delete.

    A quote that an order uses is never edited, by nobody, but for the words that its piece was engraved with, which are taken out: it
    keeps the id of an account that is gone, and nothing else about anybody.
    """
    async with uow:
        held = await uow.erasing.hold(person_id)
        # Once all are held: an order that took one of them meanwhile is seen.
        deleted = await uow.erasing.delete_unused(person_id)
        answers = await uow.erasing.forget_answers(person_id)
        engravings = await uow.erasing.forget_engravings(person_id)
        erased = Erased(deleted, held - deleted, answers, engravings)
        if deleted or answers or engravings:
            await uow.audit(
                actor="identity",
                action="person.erased",
                subject=f"person {person_id}",
                details={
                    "quotes_deleted": deleted,
                    "quotes_kept": erased.kept,
                    "answers": answers,
                    "engravings": engravings,
                },
            )
        await uow.commit()
        return erased
