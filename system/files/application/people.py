"""A person's models: one that they delete, and all of them when their data leaves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from system.files.application.handlers import Tools
from system.files.application.ports import Storage
from system.files.domain.preview import SIZES, preview_key_of
from system.files.domain.upload import Upload
from system.plumbing.erasure import Erased, PeopleUnitOfWork, Reach

AT_ONCE = 50
"""So many in one request; whoever asks is told how many are left, and asks again."""


class People(Protocol):
    """The uploads of a person, inside a unit of work."""

    async def some_of(self, person: UUID, *, but: Collection[UUID], limit: int) -> list[Upload]:
        """At most so many of their uploads, those in `but` left out."""

    async def count(self, person: UUID, *, but: Collection[UUID]) -> int:
        """How many they have beside those."""

    async def is_shared(self, upload: Upload) -> bool:
        """Whether another upload, of whomever, has the same verified content."""

    async def remove(self, upload: Upload) -> None:
        """Forgets the upload."""

    async def forget_pictures(self, sha256: str) -> None:
        """Forgets the previews of this content."""

    async def leave_landing(self, upload: Upload, *, lingers: timedelta) -> None:
        """Has the landing place emptied once more, when nobody's form can write there any longer."""

    async def landings_due(self, *, limit: int) -> list[str]:
        """Landing places of uploads that are gone, whose forms have expired."""

    async def landings_emptied(self, keys: Collection[str]) -> None:
        """Forgets these places."""

    async def take_name_off(self, person: UUID, *, lingers: timedelta) -> int:
        """Makes what they have left nobody's, under a name that says nothing; how many. Landing places are emptied in time."""

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        """Writes into the audit log that they were forgotten."""


async def delete_model(upload: Upload, tools: Tools) -> None:
    """Deletes an upload and, unless somebody else sent the same, its content and pictures. Doing it again changes nothing."""
    begin: Any = tools.begin
    uow: PeopleUnitOfWork[People]
    async with begin() as uow:
        await _delete(upload, uow, tools)
        await uow.commit()


async def erase_person(person: UUID, reach: Reach, tools: Tools, *, at_once: int = AT_ONCE) -> Erased:
    """Deletes a person's models but those that orders were made from, which become nobody's. Repeatable. Raises Unavailable."""
    begin: Any = tools.begin
    kept = frozenset(reach.model_ids)
    uow: PeopleUnitOfWork[People]
    async with begin() as uow:
        chosen = await uow.people.some_of(person, but=kept, limit=at_once)
    for upload in chosen:
        await delete_model(upload, tools)
    async with begin() as uow:
        remaining = await uow.people.count(person, but=kept)
        made_of = 0 if remaining else await uow.people.take_name_off(person, lingers=_lingers(tools))
        counts = {"models_deleted": len(chosen), "models_of_orders": made_of}
        await uow.people.note(person, counts)
        await uow.commit()
    return Erased(counts=counts, remaining=remaining)


async def empty_landings(tools: Tools, *, at_most: int = 100) -> int:
    """Empties the landing places of uploads that are gone, once their forms have expired; how many."""
    begin: Any = tools.begin
    uow: PeopleUnitOfWork[People]
    async with begin() as uow:
        keys = await uow.people.landings_due(limit=at_most)
    for key in keys:
        await tools.storage.delete(key)
    async with begin() as uow:
        # Forgotten after the deletion: a crash between them only deletes once more.
        await uow.people.landings_emptied(keys)
        await uow.commit()
    return len(keys)


async def _delete(upload: Upload, uow: PeopleUnitOfWork[People], tools: Tools) -> None:
    """The storage first: a crash leaves the row, which leads here again."""
    storage: Storage = tools.storage
    if upload.sealed_key is not None:
        assert upload.findings is not None and upload.findings.sha256 is not None
        sha256 = upload.findings.sha256
        await uow.lock(upload.sealed_key)
        if not await uow.people.is_shared(upload):
            for key in (upload.sealed_key, *(preview_key_of(sha256, size_px) for size_px in SIZES)):
                await storage.delete(key)
            await uow.people.forget_pictures(sha256)
    await storage.delete(upload.landing_key)
    await uow.people.leave_landing(upload, lingers=_lingers(tools))
    await uow.people.remove(upload)


def _lingers(tools: Tools) -> timedelta:
    return timedelta(seconds=tools.limits.linger_s)
