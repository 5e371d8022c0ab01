"""What the measurements of pricing share: models sent ahead, prices asked for, and the moment each is firm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import httpx

from fixtures.models3d import variant
from perf.actors import Person, Undone
from perf.upload import MATERIAL, PRICE_S_MAX, events_of, priced, sent


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A model that lies in storage, verified, and whose it is."""

    person: Person
    file_id: str
    complete_at: float


async def uploaded(person: Person, model: str, count: int, *, at_once: int = 4) -> list[Uploaded]:
    """So many models that nobody sent before. Raises Undone."""
    turn = asyncio.Semaphore(at_once)

    async def one() -> Uploaded:
        async with turn:
            body = await asyncio.to_thread(variant, model, f"{model} {uuid4()}")
            return Uploaded(person, *await sent(person, body))

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def asked(what: Uploaded) -> str:
    """Asks what a model costs; the quote's id. Raises Undone."""
    wanted = {"file_id": what.file_id, "material": MATERIAL, "quantity": 1}
    quote = await what.person.send("POST", "/api/pricing/v1/quotes", json=wanted)
    return str(quote["quote_id"])


async def firm_after(what: Uploaded, *, since: float) -> float:
    """Asks, listens, and says how many seconds after `since` the price was firm. Raises Undone, TimeoutError."""
    address = f"/api/pricing/v1/quotes/{await asked(what)}/events"
    person = what.person
    async with (
        asyncio.timeout(PRICE_S_MAX * 4),
        person.http.stream("GET", address, headers=person.headers, timeout=PRICE_S_MAX * 4) as stream,
    ):
        if stream.status_code != httpx.codes.OK:
            raise Undone(f"{address}: {stream.status_code}")
        _, firm_s = await priced(events_of(stream.aiter_lines()), since=since)
    return firm_s


async def asked_for_all(models: Iterable[Uploaded], *, at_once: int = 8) -> list[str]:
    """Asks for all of them, a few at once; their quotes. Raises Undone."""
    turn = asyncio.Semaphore(at_once)

    async def one(what: Uploaded) -> str:
        async with turn:
            return await asked(what)

    return list(await asyncio.gather(*(one(what) for what in models)))


async def all_final(person: Person, quotes: Sequence[str], *, within_s: float) -> float:
    """Waits until the last of them is priced; seconds from now. Raises Undone for one without a price, TimeoutError."""
    begun = time.monotonic()
    async with asyncio.timeout(within_s):
        for quote_id in quotes:
            while (quote := await person.send("GET", f"/api/pricing/v1/quotes/{quote_id}"))["status"] not in (
                "READY",
                "FAILED",
            ):
                await asyncio.sleep(0.2)
            if quote["status"] == "FAILED":
                raise Undone(f"no price: {quote['problem']}")
    return time.monotonic() - begun
