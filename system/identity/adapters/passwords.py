"""Argon2id in threads, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from system.kernel.errors import Unavailable


class Argon2Hashing:
    """Hashes with Argon2id (RFC 9106). argon2-cffi releases the interpreter's lock, so a thread really is beside."""

    def __init__(self, *, time_cost: int, memory_kib: int, lanes: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes, hash_len=32, salt_len=16, type=Type.ID
        )
        # Compared against when nobody has the e-mail: same parameters, so the same time.
        self._nobody = self._hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        fits = await asyncio.to_thread(self._verify, password, password_hash or self._nobody)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


class BoundedPasswords:
    """Turns at hashing: `at_once` run, at most `waiting_max` wait, further ones are told to come back."""

    def __init__(self, hashing: Argon2Hashing, *, at_once: int, waiting_max: int) -> None:
        self._hashing = hashing
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._waiting_max = waiting_max

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Argon2Hashing]:
        """Waits for a turn. Raises Unavailable when too many wait already."""
        if self._waiting >= self._waiting_max:
            raise Unavailable("sign-in-busy", "Too many people are signing in at this moment: try again in a second.")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield self._hashing
        finally:
            self._turns.release()
