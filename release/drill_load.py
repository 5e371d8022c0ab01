"""Customers for a drill: they look at the catalogue all the time and order now and then, as strangers to the pipeline would.

Each request that ends is noted with its moment, so that the first bad answer and the last one are known to a tenth of a second.
Every order is begun under its own keys and repeated until it is answered; afterwards each must be there exactly once.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

CATALOGUE = "/api/shop/v1/products"
GOOD = {"kind": "ready_made", "sku": "ring-classic-585", "quantity": 1, "ring_size": "17.5"}
DELIVERY = {"recipient": "Drill", "address": "Tverskaya 1", "city": "Moscow", "postcode": "125009", "country": "RU"}
ADMINISTRATOR = "anna.admin@alexandrite.example"
ASK_TIMEOUT_S = 10.0
PATIENCE_S = 60.0
PAUSE_S = 0.3
SETTLED_WITHIN_S = 20.0
LOOK_S_MAX = 3.0
LOOKERS = 8
BUYERS = 3
ENDED = frozenset({"CANCELLED", "CLOSED", "REJECTED"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One look at the catalogue: when it ended (seconds since the epoch) and with which status, 0 for none."""

    at: float
    status: int
    took_s: float

    @property
    def is_bad(self) -> bool:
        """An error of ours, no answer, or one that nobody waits for."""
        return self.status == 0 or self.status >= 500 or self.took_s > LOOK_S_MAX


@dataclass(frozen=True, slots=True)
class Where:
    """The gateway, and the administrator's password for the count at the end."""

    url: str
    ca_file: str
    password: str


@dataclass
class Buyer:
    """A synthetic customer and what they ordered."""

    http: httpx.AsyncClient
    email: str
    headers: dict[str, str] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One intended effect: the same key until it is answered. Raises RuntimeError when it never is, or is refused."""
        headers = {**self.headers, "idempotency-key": str(uuid4())}
        deadline, said = time.monotonic() + PATIENCE_S, "no answer"
        while time.monotonic() < deadline:
            try:
                answer = await self.http.request(method, path, json=body, headers=headers)
            except httpx.HTTPError as error:
                said = repr(error)
            else:
                if answer.is_success:
                    found: dict[str, Any] = answer.json() if answer.content else {}
                    return found
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code < 500 and answer.status_code not in (409, 429):
                    break
            await asyncio.sleep(PAUSE_S)
        raise RuntimeError(f"{method} {path}: {said}")

    async def registers(self) -> None:
        """An account of their own."""
        password = secrets.token_urlsafe(12)
        body = {"email": self.email, "password": password, "name": "Drill", "language": "en"}
        await self.ask("POST", "/api/identity/v1/registrations", body)
        session = await self.ask("POST", "/api/identity/v1/sessions", {"email": self.email, "password": password})
        self.headers["authorization"] = f"Bearer {session['access_token']}"

    async def orders(self) -> None:
        """One ready-made good, at the price shown."""
        order = (await self.ask("POST", "/api/shop/v1/orders", {}))["order"]
        path = f"/api/shop/v1/orders/{order['order_id']}"
        self.begun.append(order["order_id"])
        shown = (await self.ask("POST", f"{path}/lines", GOOD))["order"]
        deadline = time.monotonic() + PATIENCE_S
        while not shown["lines"][0]["total"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} shows no price after {PATIENCE_S:.0f} s")
            await asyncio.sleep(PAUSE_S)
            shown = await self.ask("GET", path)
        customer = {"name": "Drill", "email": self.email, "language": "en"}
        total = shown["lines"][0]["total"]
        await self.ask(
            "POST", f"{path}/submission", {"customer": customer, "delivery": DELIVERY, "agreed_total": total}
        )
        self.submitted.append(order["order_id"])


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What became of the orders. Lost: submitted and not priced. Doubled: there twice, or with a status twice."""

    orders: int
    lost: int
    doubled: int
    findings: int
    unanswered: int


class Load:
    """A context: the customers come when it is entered and go when it is left."""

    def __init__(self, where: Where, *, looks_per_s: float, orders_per_s: float) -> None:
        self._where = where
        self._looks_per_s = looks_per_s
        self._orders_per_s = orders_per_s
        self._trust = ssl.create_default_context(cafile=where.ca_file)
        self.answers: list[Answer] = []
        self.unanswered: list[str] = []
        self.since = datetime.now(UTC)
        self._buyers: list[Buyer] = []
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="customers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(PATIENCE_S)
        if self._trouble is not None:
            raise RuntimeError(f"the customers did not come: {self._trouble}") from self._trouble
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=2 * PATIENCE_S)

    def bad(self, *, since: float) -> list[Answer]:
        """Bad answers from a moment on."""
        return [answer for answer in self.answers if answer.is_bad and answer.at >= since]

    def _run(self) -> None:
        try:
            asyncio.run(self._come())
        except BaseException as error:
            self._trouble = error
            self._ready.set()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._where.url,
            verify=self._trust,
            timeout=ASK_TIMEOUT_S,
            headers={"Origin": self._where.url},
            limits=httpx.Limits(max_connections=40, max_keepalive_connections=40),
        )

    async def _come(self) -> None:
        async with self._client() as http:
            self._buyers = [Buyer(http, f"drill+{uuid4().hex}@customers.example") for _ in range(BUYERS)]
            for buyer in self._buyers:
                await buyer.registers()
            self._ready.set()
            lookers = [self._look(http, LOOKERS / self._looks_per_s) for _ in range(LOOKERS)]
            await asyncio.gather(*lookers, *(self._buy(buyer, BUYERS / self._orders_per_s) for buyer in self._buyers))

    async def _look(self, http: httpx.AsyncClient, every_s: float) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                status = (await http.get(CATALOGUE)).status_code
            except httpx.HTTPError:
                status = 0
            self.answers.append(Answer(time.time(), status, time.monotonic() - begun))
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - begun)))

    async def _buy(self, buyer: Buyer, every_s: float) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                await buyer.orders()
            except RuntimeError as error:
                self.unanswered.append(str(error))
            await asyncio.sleep(max(0.0, every_s - (time.monotonic() - begun)))

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def reckon(self) -> Reckoning:
        """Counts every order once the customers are gone, then cancels them: a drill leaves no work for sellers."""
        return asyncio.run(self._reckon())

    async def _reckon(self) -> Reckoning:
        async with self._client() as http:
            administrator = Buyer(http, ADMINISTRATOR)
            body = {"email": ADMINISTRATOR, "password": self._where.password}
            session = await administrator.ask("POST", "/api/identity/v1/sessions", body)
            administrator.headers["authorization"] = f"Bearer {session['access_token']}"
            lost = doubled = 0
            for buyer in self._buyers:
                buyer.http = http
                for order_id in buyer.submitted:
                    lost += not await _is_priced(administrator, order_id)
                    doubled += await _twice(administrator, order_id)
                doubled += max(0, await _listed(buyer) - len(buyer.begun))
            findings = await self._differences(administrator)
            for buyer in self._buyers:
                for order_id in buyer.submitted:
                    await buyer.ask("POST", f"/api/shop/v1/orders/{order_id}/cancellation", {"reason": "a drill"})
        orders = sum(len(buyer.submitted) for buyer in self._buyers)
        return Reckoning(orders, lost, doubled, findings, len(self.unanswered))

    async def _differences(self, administrator: Buyer) -> int:
        """Findings of the reconciliation that stay: right after a slot was stopped its messages are still on their way."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while True:
            report = await administrator.http.get(
                "/api/orchestrator/v1/reconciliation",
                params={"since": self.since.isoformat()},
                headers=administrator.headers,
                timeout=PATIENCE_S,
            )
            found = len(report.raise_for_status().json()["findings"])
            if not found or time.monotonic() > deadline:
                return found
            await asyncio.sleep(PAUSE_S)


async def _is_priced(administrator: Buyer, order_id: str) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        order = await administrator.ask("GET", f"/api/orchestrator/v1/orders/{order_id}")
        if order["status"] == "PRICE_CALCULATED":
            return True
        if order["status"] in ENDED:
            return False
        await asyncio.sleep(PAUSE_S)
    return False


async def _twice(administrator: Buyer, order_id: str) -> int:
    """How many statuses the order entered more than once."""
    timeline = await administrator.ask("GET", f"/api/orchestrator/v1/orders/{order_id}/timeline")
    entered = [entry["details"]["to"] for entry in timeline["entries"] if entry["kind"] == "status"]
    return len(entered) - len(set(entered))


async def _listed(buyer: Buyer) -> int:
    """How many orders the customer's own list shows."""
    count, cursor = 0, ""
    while True:
        page = await buyer.ask("GET", f"/api/shop/v1/orders{f'?cursor={cursor}' if cursor else ''}")
        count += len(page["items"])
        cursor = page.get("next") or ""
        if not cursor:
            return count
