"""The load of the gate: a fixed rate of a fixed mix of requests, the same for both systems, whatever they answer.

Open loop: a request is due at its time and is sent then, also when others still wait (Schroeder, Wierman and Harchol-Balter, "Open
versus closed: a cautionary tale", NSDI 2006). Its latency counts from the moment it was due. Work moves from hand to hand through
pools: what one slot started, a later slot of the same system submits, approves, claims, makes, packs and ships. A slot that finds
its pool empty, because the system did not get that far, counts as a failure, so that both sides always have the same mix.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from fixtures.models3d import model, variant
from perf.actors import DELIVERY, READY_MADE, Person, client, customer, new_operator, staff
from perf.rounds import Answer, Round, duration_of
from perf.system import Target

TIMEOUT_S = 10.0
SESSION_S = 300.0
"""Well within the quarter of an hour that a session's token holds."""
GATE_MODEL = "torus-ring"
MATERIALS = ("silver_925", "gold_585")
STOCK = 12
"""How many pieces of work lie in each pool before the first round: more than a round takes out of any."""
OPERATORS = 16
"""They take turns: what is in hand at any time is spread so that nobody has more than an operator may."""

MIX: dict[str, int] = {
    "shop: catalogue": 10,
    "shop: product": 7,
    "shop: start order": 5,
    "shop: add line": 5,
    "shop: submit": 5,
    "shop: track order": 10,
    "shop: my orders": 5,
    "pricing: quote": 4,
    "files: open upload": 2,
    "files: store model": 2,
    "files: finish upload": 2,
    "crm: queue": 5,
    "crm: search": 4,
    "crm: approve": 5,
    "mes: board": 9,
    "mes: claim": 5,
    "mes: complete": 5,
    "mes: pack": 5,
    "mes: ship": 5,
}
"""How many of a hundred requests are of each kind."""


class NothingToDo(Exception):
    """The pool that a slot takes from is empty."""


@dataclass
class Pools:
    """Work that waits for its next step, oldest first; and what is kept to be looked at again."""

    started: deque[str] = field(default_factory=deque)
    priced: deque[tuple[str, Any]] = field(default_factory=deque)
    submitted: deque[str] = field(default_factory=deque)
    released: deque[str] = field(default_factory=deque)
    claimed: deque[str] = field(default_factory=deque)
    completed: deque[str] = field(default_factory=deque)
    packed: deque[str] = field(default_factory=deque)
    tracked: list[tuple[str, str]] = field(default_factory=list)
    opened: deque[dict[str, Any]] = field(default_factory=deque)
    stored: deque[str] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)
    holders: dict[str, Person] = field(default_factory=dict)


@dataclass
class Bench:
    """One system with the people who work on it."""

    target: Target
    http: httpx.AsyncClient
    buyer: Person
    seller: Person
    operators: Sequence[Person]
    file_id: str = ""
    pools: Pools = field(default_factory=Pools)
    signed_in_at: float = 0.0

    @classmethod
    async def of(cls, target: Target, http: httpx.AsyncClient) -> Bench:
        """People signed in, one model uploaded and priced, every pool filled. Raises Undone when the system will not."""
        administrator = await staff(http, target, "anna.admin")
        operators = [await new_operator(administrator, f"measured{number}") for number in range(OPERATORS)]
        bench = cls(target, http, await customer(http), await staff(http, target, "sofia.seller"), operators)
        bench.signed_in_at = asyncio.get_running_loop().time()
        await bench._know_model()
        await bench._fill()
        return bench

    async def stay_signed_in(self) -> None:
        """Renews the sessions before they end; between rounds, so that no request pays for it. Raises Undone."""
        now = asyncio.get_running_loop().time()
        if now - self.signed_in_at > SESSION_S:
            for person in (self.buyer, self.seller, *self.operators):
                await person.sign_in()
            self.signed_in_at = now

    async def act(self, name: str, number: int) -> None:
        """One request of a kind. Raises httpx.HTTPError, NothingToDo or Refused when it did not do what it should."""
        await ACTS[name](self, number)

    async def ask(self, person: Person, method: str, path: str, **more: Any) -> Any:
        """One request, never repeated. Raises Refused on anything but success."""
        headers = dict(person.headers)
        if method != "GET":
            headers["idempotency-key"] = str(uuid4())
        response = await self.http.request(method, path, headers=headers, **more)
        if not response.is_success:
            raise Refused(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response.json() if response.content else {}

    async def _know_model(self) -> None:
        """The model's analysis is known afterwards: quotes of the rounds measure the usual case, not the mesh engine."""
        await self.act("files: open upload", 0)
        await self.act("files: store model", 0)
        await self.act("files: finish upload", 0)
        for material in MATERIALS:
            quote = await self.buyer.send("POST", "/api/pricing/v1/quotes", json=self.quote_body(material))
            deadline = asyncio.get_running_loop().time() + 60
            while quote["status"] not in ("READY", "FAILED") and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.2)
                quote = await self.buyer.send("GET", f"/api/pricing/v1/quotes/{quote['quote_id']}")

    def quote_body(self, material: str) -> dict[str, Any]:
        """A quote for the model that was uploaded last."""
        return {"file_id": self.file_id, "material": material, "quantity": 1}

    async def _fill(self) -> None:
        """Every pool gets its stock by the same steps that the rounds measure; the first of them wait for the services' messages."""
        gate = asyncio.Semaphore(8)
        deadline = asyncio.get_running_loop().time() + 90

        async def patiently(name: str) -> None:
            async with gate:
                while True:
                    try:
                        return await self.act(name, 0)
                    except (Refused, NothingToDo):
                        if asyncio.get_running_loop().time() > deadline:
                            raise
                        await asyncio.sleep(0.5)

        # What comes late in an order's life must have passed every step before it.
        steps = ["shop: start order", "shop: add line", "shop: submit", "crm: approve"]
        steps += ["mes: claim", "mes: complete", "mes: pack"]
        for place, name in enumerate(steps):
            if name == "mes: claim":
                await self._until_released(STOCK * (len(steps) - place + 1), deadline)
            await asyncio.gather(*(patiently(name) for _ in range(STOCK * (len(steps) - place))))
        for name in ("files: open upload", "files: store model"):
            await asyncio.gather(
                *(patiently(name) for _ in range(STOCK // 2 if name.endswith("upload") else STOCK // 4))
            )

    async def _until_released(self, count: int, deadline: float) -> None:
        """Messages carry approvals to the board; the operator looks until so much work is there."""
        while len(self.pools.released) < count and asyncio.get_running_loop().time() < deadline:
            cursor: str | None = None
            for _ in range(5):
                page = await see_board(self, limit=100, cursor=cursor)
                cursor = page["next"]
                if cursor is None:
                    break
            await asyncio.sleep(0.3)


class Refused(Exception):
    """The system did not do what it was asked."""


def take(pool: deque[Any]) -> Any:
    """The oldest piece of work. Raises NothingToDo."""
    if not pool:
        raise NothingToDo
    return pool.popleft()


async def see_board(bench: Bench, *, limit: int = 50, cursor: str | None = None) -> Any:
    """The operator reads the board; what can be claimed and was not seen before goes to the pool."""
    params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
    page = await bench.ask(bench.operators[0], "GET", "/api/mes/v1/work-orders", params=params)
    # Newest first on the board; the pool wants the oldest first.
    for item in reversed(page["items"]):
        if item["work_order_id"] not in bench.pools.seen:
            bench.pools.seen.add(item["work_order_id"])
            bench.pools.released.append(item["work_order_id"])
    return page


async def _catalogue(bench: Bench, number: int) -> None:
    await bench.ask(bench.buyer, "GET", "/api/shop/v1/products")


async def _product(bench: Bench, number: int) -> None:
    await bench.ask(bench.buyer, "GET", f"/api/shop/v1/products/{READY_MADE}")


async def _start(bench: Bench, number: int) -> None:
    told = await bench.ask(bench.buyer, "POST", "/api/shop/v1/orders", json={})
    bench.pools.started.append(told["order"]["order_id"])


async def _add_line(bench: Bench, number: int) -> None:
    order_id = take(bench.pools.started)
    line = {"kind": "ready_made", "sku": READY_MADE, "quantity": 1, "ring_size": "17.5"}
    told = await bench.ask(bench.buyer, "POST", f"/api/shop/v1/orders/{order_id}/lines", json=line)
    total = told["order"]["lines"][0]["total"]
    if not total:
        raise Refused(f"order {order_id} shows no price")
    bench.pools.priced.append((order_id, total))


async def _submit(bench: Bench, number: int) -> None:
    order_id, total = take(bench.pools.priced)
    body = {
        "customer": {"name": "Load Customer", "email": bench.buyer.email, "language": "en"},
        "delivery": DELIVERY,
        "agreed_total": total,
    }
    told = await bench.ask(bench.buyer, "POST", f"/api/shop/v1/orders/{order_id}/submission", json=body)
    bench.pools.submitted.append(order_id)
    bench.pools.tracked.append((order_id, told["order"]["number"]))


async def _track(bench: Bench, number: int) -> None:
    order_id, _ = recent(bench, number)
    await bench.ask(bench.buyer, "GET", f"/api/shop/v1/orders/{order_id}")


async def _my_orders(bench: Bench, number: int) -> None:
    await bench.ask(bench.buyer, "GET", "/api/shop/v1/orders", params={"limit": 20})


def recent(bench: Bench, number: int) -> tuple[str, str]:
    """One of the last orders. Raises NothingToDo."""
    if not bench.pools.tracked:
        raise NothingToDo
    last = bench.pools.tracked[-40:]
    return last[number % len(last)]


async def _quote(bench: Bench, number: int) -> None:
    body = bench.quote_body(MATERIALS[number % len(MATERIALS)])
    told = await bench.ask(bench.buyer, "POST", "/api/pricing/v1/quotes", json=body)
    if told["status"] != "READY":
        raise Refused(f"a known model is {told['status']}")


async def _open_upload(bench: Bench, number: int) -> None:
    body = {"filename": f"{GATE_MODEL}.stl", "size_bytes": model(GATE_MODEL).stat().st_size}
    bench.pools.opened.append(await bench.ask(bench.buyer, "POST", "/api/files/v1/uploads", json=body))


async def _store(bench: Bench, number: int) -> None:
    upload = take(bench.pools.opened)
    content = variant(GATE_MODEL, str(uuid4()))
    # Storage is its own host behind the gateway's own port: no session goes there.
    response = await bench.http.post(
        upload["url"], data=upload["fields"], files={"file": (f"{GATE_MODEL}.stl", content, "application/octet-stream")}
    )
    if not response.is_success:
        raise Refused(f"the model was not stored: {response.status_code} {response.text[:200]}")
    bench.pools.stored.append(upload["file_id"])


async def _finish_upload(bench: Bench, number: int) -> None:
    file_id = take(bench.pools.stored)
    told = await bench.ask(bench.buyer, "POST", f"/api/files/v1/uploads/{file_id}/completion", json={})
    if told["status"] == "REFUSED":
        raise Refused("a sound model was refused")
    bench.file_id = bench.file_id or file_id


async def _queue(bench: Bench, number: int) -> None:
    await bench.ask(bench.seller, "GET", "/api/crm/v1/approvals", params={"limit": 50})


async def _search(bench: Bench, number: int) -> None:
    _, order_number = recent(bench, number)
    await bench.ask(bench.seller, "GET", "/api/crm/v1/orders", params={"query": order_number})


async def _approve(bench: Bench, number: int) -> None:
    order_id = take(bench.pools.submitted)
    try:
        await bench.ask(bench.seller, "POST", f"/api/crm/v1/orders/{order_id}/approval", json={})
    except Refused:
        bench.pools.submitted.append(order_id)
        raise


async def _board(bench: Bench, number: int) -> None:
    await see_board(bench)


def _step(path: str, source: str, goal: str) -> Callable[[Bench, int], Awaitable[None]]:
    """One step of an operator: takes from one pool, puts into the next."""

    async def act(bench: Bench, number: int) -> None:
        work_order = take(getattr(bench.pools, source))
        body = {"carrier": "cdek", "tracking_number": f"LOAD-{work_order[:13]}"} if path == "shipment" else {}
        # Whoever takes it carries it on; the next piece is the next operator's.
        turn = bench.operators[len(bench.pools.holders) % len(bench.operators)]
        holder = bench.pools.holders.setdefault(work_order, turn)
        await bench.ask(holder, "POST", f"/api/mes/v1/work-orders/{work_order}/{path}", json=body)
        if goal:
            getattr(bench.pools, goal).append(work_order)

    return act


ACTS: dict[str, Callable[[Bench, int], Awaitable[None]]] = {
    "shop: catalogue": _catalogue,
    "shop: product": _product,
    "shop: start order": _start,
    "shop: add line": _add_line,
    "shop: submit": _submit,
    "shop: track order": _track,
    "shop: my orders": _my_orders,
    "pricing: quote": _quote,
    "files: open upload": _open_upload,
    "files: store model": _store,
    "files: finish upload": _finish_upload,
    "crm: queue": _queue,
    "crm: search": _search,
    "crm: approve": _approve,
    "mes: board": _board,
    "mes: claim": _step("claim", "released", "claimed"),
    "mes: complete": _step("completion", "claimed", "completed"),
    "mes: pack": _step("packing", "completed", "packed"),
    "mes: ship": _step("shipment", "packed", ""),
}


def schedule(number: int, *, rate: float, seconds: float) -> list[tuple[float, str]]:
    """When which request is due in the round of this number: the mix to the last request, in an order of the number's own."""
    share = int(rate * seconds) / sum(MIX.values())
    names = [name for name, weight in MIX.items() for _ in range(max(1, round(weight * share)))]
    random.Random(number).shuffle(names)
    return [(place * seconds / len(names), name) for place, name in enumerate(names)]


def interleaved(number: int, *, rate: float, seconds: float) -> list[tuple[float, int, str]]:
    """When which request is due on which side: both sides get the same plan, and every other request goes to the other one.

    Whose turn comes first is drawn anew for every two requests, so that neither side always follows the other.
    """
    random_ = random.Random(-number)
    slots = []
    for due, name in schedule(number, rate=rate, seconds=seconds):
        first = random_.randrange(2)
        slots += [(due, first, name), (due + 0.5 / rate, 1 - first, name)]
    return slots


async def play(
    benches: Sequence[Bench], number: int, *, rate: float, seconds: float
) -> tuple[list[Round], list[list[str]]]:
    """One round of the load on both systems, request by request in turn; also what was said by requests that failed.

    `rate` is each side's. What the machine does in a second it does to both, so that only the difference is left.
    """
    loop = asyncio.get_running_loop()
    answers: list[list[Answer]] = [[] for _ in benches]
    said: list[list[str]] = [[] for _ in benches]
    # The collector of this process must not fall on one side's requests.
    gc.collect()
    gc.disable()
    begun = loop.time() + 0.05

    async def slot(place: int, due: float, side: int, name: str) -> None:
        ok = True
        await asyncio.sleep(begun + due - loop.time())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await benches[side].act(name, place)
        except (httpx.HTTPError, Refused, NothingToDo, TimeoutError, KeyError, ValueError) as error:
            ok = False
            said[side].append(f"{name}: {error!r}"[:300])
        answers[side].append(Answer(name, due, (loop.time() - begun - due) * 1000, ok))

    plan = interleaved(number, rate=rate, seconds=seconds)
    try:
        await asyncio.gather(*(slot(place // 2, due, side, name) for place, (due, side, name) in enumerate(plan)))
    finally:
        gc.enable()
    ordered = [tuple(sorted(one, key=lambda answer: answer.at)) for one in answers]
    return [Round(one, duration_of(one)) for one in ordered], said


def connections(target: Target) -> httpx.AsyncClient:
    """The pool of connections that a bench works with."""
    return client(target, connections=40)
