"""Deleting and forgetting models over memory: what breaks in the middle is done by the next try, and nobody else loses anything."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast
from uuid import UUID

import pytest

from system.files.application.handlers import Limits, Tools
from system.files.application.people import delete_model, empty_landings, erase_person
from system.files.domain.preview import SIZES, preview_key_of
from system.files.domain.upload import Findings, Format, Upload
from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.erasure import Reach
from system.plumbing.tokens import NOBODY

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Shelf:
    """Rows and objects; a unit of work that is left without a commit puts the rows back, as the storage never does."""

    uploads: dict[UUID, Upload] = field(default_factory=dict)
    pictures: set[str] = field(default_factory=set)
    left: dict[str, datetime] = field(default_factory=dict)
    audited: list[dict[str, int]] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)
    calls_until_crash: int | None = None

    def sent(self, person: UUID, sha256: str, *, name: str = "anna.stl", expired: bool = False) -> Upload:
        """A verified model."""
        expires_at = NOW + timedelta(minutes=-500 if expired else 10)
        upload = Upload(new_id(), person, name, 84, NOW - timedelta(days=1), expires_at)
        upload = upload.settled(Findings(84, sha256, Format.STL_BINARY, 1), NOW)
        self.uploads[upload.file_id] = upload
        self.pictures.add(sha256)
        sealed = upload.sealed_key
        assert sealed is not None
        self.objects |= {upload.landing_key, sealed, *(preview_key_of(sha256, size) for size in SIZES)}
        return upload

    async def delete(self, key: str) -> None:
        """Empties a key, unless the storage goes away at this moment."""
        if self.calls_until_crash is not None:
            self.calls_until_crash -= 1
            if self.calls_until_crash == 0:
                self.calls_until_crash = None
                raise Unavailable("storage-unavailable", "The storage does not answer.")
        self.objects.discard(key)


class MemoryPeople:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def _of(self, person: UUID, but: Collection[UUID]) -> list[Upload]:
        return [one for one in self._shelf.uploads.values() if one.owner_id == person and one.file_id not in but]

    async def some_of(self, person: UUID, *, but: Collection[UUID], limit: int) -> list[Upload]:
        return self._of(person, but)[:limit]

    async def count(self, person: UUID, *, but: Collection[UUID]) -> int:
        return len(self._of(person, but))

    async def is_shared(self, upload: Upload) -> bool:
        others = [one for one in self._shelf.uploads.values() if one.file_id != upload.file_id]
        return any(one.sealed_key == upload.sealed_key for one in others)

    async def remove(self, upload: Upload) -> None:
        self._shelf.uploads.pop(upload.file_id, None)

    async def forget_pictures(self, sha256: str) -> None:
        self._shelf.pictures.discard(sha256)

    async def leave_landing(self, upload: Upload, *, lingers: timedelta) -> None:
        if upload.expires_at + lingers >= NOW:
            self._shelf.left[upload.landing_key] = upload.expires_at + lingers

    async def landings_due(self, *, limit: int) -> list[str]:
        return [key for key, empty_from in self._shelf.left.items() if empty_from < NOW][:limit]

    async def landings_emptied(self, keys: Collection[str]) -> None:
        for key in keys:
            self._shelf.left.pop(key)

    async def take_name_off(self, person: UUID, *, lingers: timedelta) -> int:
        theirs = self._of(person, ())
        for one in theirs:
            self._shelf.uploads[one.file_id] = replace(one, owner_id=NOBODY, filename="model.stl")
        return len(theirs)

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        self._shelf.audited.append(counts)


class MemoryUnitOfWork:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.people = MemoryPeople(shelf)

    async def __aenter__(self) -> Self:
        shelf = self._shelf
        self._before = (dict(shelf.uploads), set(shelf.pictures), dict(shelf.left))
        self._committed = False
        return self

    async def __aexit__(self, *exc: Any) -> None:
        if not self._committed:
            self._shelf.uploads, self._shelf.pictures, self._shelf.left = self._before

    async def lock(self, *subjects: UUID | str) -> None:
        """Nobody else is here."""

    async def commit(self) -> None:
        self._committed = True


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def tools(shelf: Shelf) -> Tools:
    limits = Limits(
        bytes_max=1000,
        expires_s=900,
        linger_s=3600,
        pending_max=5,
        levels_above_bytes=1000,
        part_bytes=1000,
        parts_expires_s=900,
    )
    return Tools(cast(Any, lambda: MemoryUnitOfWork(shelf)), cast(Any, shelf), limits)


async def test_the_last_upload_takes_its_content_along(shelf: Shelf, tools: Tools) -> None:
    anna, boris = new_id(), new_id()
    hers, his = shelf.sent(anna, "a" * 64), shelf.sent(boris, "a" * 64)

    await delete_model(hers, tools)
    assert his.sealed_key in shelf.objects and shelf.pictures == {"a" * 64}
    await delete_model(his, tools)

    assert shelf.objects == set() and shelf.pictures == set() and shelf.uploads == {}


@pytest.mark.parametrize("call", range(1, 9))
async def test_whatever_call_fails_the_next_try_ends_it(shelf: Shelf, tools: Tools, call: int) -> None:
    anna = new_id()
    ordered = shelf.sent(anna, "a" * 64)
    shelf.sent(anna, "b" * 64)
    shelf.sent(anna, "c" * 64)
    shelf.calls_until_crash = call

    with contextlib.suppress(Unavailable):
        await erase_person(anna, Reach(model_ids=[ordered.file_id]), tools)
    erased = await erase_person(anna, Reach(model_ids=[ordered.file_id]), tools)

    assert erased.remaining == 0
    [kept] = shelf.uploads.values()
    assert (kept.file_id, kept.owner_id, kept.filename) == (ordered.file_id, NOBODY, "model.stl")
    assert not any("b" * 64 in key or "c" * 64 in key for key in shelf.objects)
    assert kept.sealed_key in shelf.objects


async def test_until_the_others_are_gone_no_name_is_taken_off(shelf: Shelf, tools: Tools) -> None:
    anna = new_id()
    ordered = shelf.sent(anna, "a" * 64)
    for letter in "bcd":
        shelf.sent(anna, letter * 64)

    erased = await erase_person(anna, Reach(model_ids=[ordered.file_id]), tools, at_once=2)

    assert erased.remaining == 1 and shelf.uploads[ordered.file_id].owner_id == anna
    assert (await erase_person(anna, Reach(model_ids=[ordered.file_id]), tools, at_once=2)).remaining == 0


async def test_a_landing_place_is_emptied_again_when_its_form_has_expired(shelf: Shelf, tools: Tools) -> None:
    anna = new_id()
    fresh, old = shelf.sent(anna, "a" * 64), shelf.sent(anna, "b" * 64, expired=True)
    await erase_person(anna, Reach(), tools)

    assert set(shelf.left) == {fresh.landing_key}, f"nobody can write to {old.landing_key} any more"
    shelf.objects.add(fresh.landing_key)
    assert await empty_landings(tools) == 0
    shelf.left[fresh.landing_key] = NOW - timedelta(seconds=1)
    assert await empty_landings(tools) == 1

    assert shelf.objects == set() and shelf.left == {}
