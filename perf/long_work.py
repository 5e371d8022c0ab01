"""`python -m perf.long_work`: customers who upload 100 MB each and have it priced, in a process of their own.

They slow nobody who is measured.

Reads one JSON line: `url`, `ca`, `people` (how many), `mb_per_s` (how fast a line of theirs is). Says `ready` when all are signed in.
Then, line by line: `go` (work begins or goes on; answered by `going` once every line is sending and as many prices are being
calculated or wait, or by what there is after GOING_S_MAX), `rest` (nobody asks a price any more, and once those that were asked for
are there nobody sends any more; answered by `resting`, or by what there still is after RESTING_S_MAX), `end` (answered by one JSON
line: `uploads`, `prices`, `refused`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from fixtures.models3d import model
from perf.actors import Person, Undone

MODEL = "torus-ring-2m"
MATERIAL = "silver_925"
CHUNK_BYTES = 128 * 1024
LEAST = 19
TITLE_BYTES = 80
GOING_S_MAX = 300.0
RESTING_S_MAX = 900.0
ASKED_EVERY_S = 1.0
PRICED = frozenset({"READY", "FAILED"})


@dataclass
class Company:
    """What all of them do together: each has a model uploaded, then all ask their prices at one moment and upload the next.

    Asked one by one, the first prices would be there before the last are asked for, and never so many would wait.
    """

    people: int
    mb_per_s: float
    going: asyncio.Event = field(default_factory=asyncio.Event)
    asking: asyncio.Event = field(default_factory=asyncio.Event)
    uploaded: asyncio.Barrier = field(init=False)
    sending: int = 0
    uploads: int = 0
    prices: int = 0
    waiting: int = 0
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uploaded = asyncio.Barrier(self.people)

    async def gets_going(self) -> str:
        """`going` once there is as much at once as was asked for; what there is instead when that takes too long."""
        self.going.set()
        self.asking.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOING_S_MAX):
                while self.sending < self.people or self.waiting < self.people:
                    await asyncio.sleep(ASKED_EVERY_S)
                return "going"
        return self._described(GOING_S_MAX)

    async def comes_to_rest(self) -> str:
        """`resting` once no price is outstanding and nobody sends; what there still is when that takes too long.

        Until then they go on to upload, so that there is something to ask for as soon as work goes on.
        """
        self.asking.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTING_S_MAX):
                while self.waiting:
                    await asyncio.sleep(ASKED_EVERY_S)
                self.going.clear()
                return "resting"
        return self._described(RESTING_S_MAX)

    def _described(self, seconds: float) -> str:
        refused = "; ".join(f"{count} x {why}" for why, count in Counter(self.refused).most_common(3)) or "nothing"
        return (
            f"after {seconds:.0f} s {self.sending} of {self.people} send and {self.waiting} wait for a price; "
            f"{self.uploads} uploads and {self.prices} prices are done; refused: {refused}"
        )

    async def body(self, content: memoryview, *, head: bytes, tail: bytes) -> AsyncIterator[bytes]:
        """A form with a model in it, at the speed of a line; it pauses while everybody rests."""
        loop = asyncio.get_running_loop()
        yield head
        # Other bytes than anybody sent before: nothing that was kept for them is found.
        yield secrets.token_hex(TITLE_BYTES // 2).encode()
        for start in range(TITLE_BYTES, len(content), CHUNK_BYTES):
            await self.going.wait()
            begun = loop.time()
            chunk = bytes(content[start : start + CHUNK_BYTES])
            yield chunk
            await asyncio.sleep(begun + len(chunk) / (self.mb_per_s * 1e6) - loop.time())
        yield tail


async def work(company: Company, person: Person, content: memoryview) -> None:
    """Uploads and has priced what was uploaded, for ever; the next upload does not wait for the last price."""
    prices: set[asyncio.Task[None]] = set()
    try:
        while True:
            await company.going.wait()
            company.sending += 1
            try:
                file_id = await upload(company, person, content)
            finally:
                company.sending -= 1
            company.uploads += 1
            await company.uploaded.wait()
            await company.asking.wait()
            price = asyncio.create_task(priced(company, person, file_id))
            prices.add(price)
            price.add_done_callback(prices.discard)
    finally:
        for price in prices:
            price.cancel()


async def tried(company: Company, person: Person, content: memoryview) -> None:
    """As `work`; what is refused is told, and the next begins."""
    while True:
        try:
            await work(company, person, content)
        except (Undone, httpx.HTTPError) as error:
            company.refused.append(repr(error)[:200])
            await asyncio.sleep(ASKED_EVERY_S)


async def upload(company: Company, person: Person, content: memoryview) -> str:
    """The browser's way: a form, the file straight to storage through the gateway's own port, completion. Raises Undone."""
    opened = await person.send(
        "POST", "/api/files/v1/uploads", json={"filename": "ring.stl", "size_bytes": len(content)}
    )
    boundary = secrets.token_hex(16)
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in opened["fields"].items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="ring.stl"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n"
    response = await person.http.post(
        opened["url"],
        content=company.body(content, head=head.encode(), tail=tail.encode()),
        headers={
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(head) + len(content) + len(tail)),
        },
        timeout=300,
    )
    if not response.is_success:
        raise Undone(f"{urlsplit(opened['url']).path}: {response.status_code} {response.text[:200]}")
    file_id = str(opened["file_id"])
    told = await person.send("POST", f"/api/files/v1/uploads/{file_id}/completion", json={}, timeout=120)
    if told.get("status") != "VERIFIED":
        raise Undone(f"the upload is {told.get('status')}: {told.get('problem')}")
    return file_id


async def priced(company: Company, person: Person, file_id: str) -> None:
    """A firm price, however long that takes."""
    company.waiting += 1
    try:
        wanted = {"file_id": file_id, "material": MATERIAL, "quantity": 1}
        quote = await person.send("POST", "/api/pricing/v1/quotes", json=wanted)
        while quote["status"] not in PRICED:
            await asyncio.sleep(ASKED_EVERY_S)
            quote = await person.send("GET", f"/api/pricing/v1/quotes/{quote['quote_id']}")
        if quote["status"] != "READY":
            company.refused.append(f"no price: {quote['problem']}"[:200])
        company.prices += 1
    except (Undone, httpx.HTTPError) as error:
        company.refused.append(repr(error)[:200])
    finally:
        company.waiting -= 1


async def _obey(said: asyncio.StreamReader, company: Company) -> None:
    while (order := (await said.readline()).decode().strip()) not in ("end", ""):
        print(await (company.gets_going() if order == "go" else company.comes_to_rest()), flush=True)


async def _main() -> int:
    said = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    wanted: dict[str, Any] = json.loads(await said.readline())
    content = memoryview(await asyncio.to_thread(model(MODEL).read_bytes))
    company = Company(wanted["people"], wanted["mb_per_s"])
    # What sends here stands elsewhere in truth: it takes nothing from what is measured.
    os.nice(LEAST)
    async with httpx.AsyncClient(
        base_url=wanted["url"],
        verify=wanted["ca"],
        timeout=httpx.Timeout(30.0, connect=15.0, pool=None),
        limits=httpx.Limits(max_connections=None),
    ) as http:
        people = [Person(http, email, password) for email, password in wanted["accounts"]]
        for person in people:
            await person.sign_in()
        print("ready", flush=True)
        working = [asyncio.create_task(tried(company, person, content)) for person in people]
        try:
            await _obey(said, company)
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    print(json.dumps({"uploads": company.uploads, "prices": company.prices, "refused": company.refused}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main()))
