"""The people of a run: customers, sellers, operators and a carrier. They get on with it whatever breaks, and keep what they heard."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from fixtures.models3d import variant
from perf.actors import DELIVERY, Person, Undone, customer, new_operator, signed, staff
from perf.faults.evidence import Heard
from perf.faults.invariants import ENDS
from perf.faults.plan import BUYERS, CANCELLED, OPERATORS, Ending, Intent, Plan
from perf.system import Target

REFUSED = frozenset({404, 409})
PRICED = ("PRICE_CALCULATED",)
RELEASED = ("MANUFACTURING_APPROVED", "MANUFACTURING_STARTED", "MANUFACTURING_COMPLETED", "PACKAGING", "SHIPPED")
LOOK_EVERY_S = 0.15
FINISHED_WITHIN_S = 90.0
PATIENCE_S = 60.0


@dataclass
class People:
    """Staff, who are there for all runs, and the customers of one run. They sign in again by themselves."""

    http: httpx.AsyncClient
    buyers: list[Person]
    sellers: list[Person]
    operators: list[Person]
    administrator: Person

    @classmethod
    async def gather(cls, http: httpx.AsyncClient, target: Target) -> People:
        """Hires the staff. Raises Undone when the system will not."""
        administrator = await staff(http, target, "anna.admin")
        people = cls(
            http,
            [],
            [await staff(http, target, f"{name}.seller") for name in ("sofia", "sergey")],
            [await new_operator(administrator, f"faults{number}") for number in range(OPERATORS)],
            administrator,
        )
        for person in (*people.sellers, *people.operators, administrator):
            person.patience_s = PATIENCE_S
        return people

    async def with_new_buyers(self) -> People:
        """The same staff, and customers who never ordered."""
        buyers = await asyncio.gather(*(customer(self.http) for _ in range(BUYERS)))
        for buyer in buyers:
            buyer.patience_s = PATIENCE_S
        return replace(self, buyers=list(buyers))


class Statuses:
    """What the orchestrator's table says of the run's orders, looked up again and again by one reader for everybody."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[str, str] = {}
        self._of: set[str] = set()

    def follow(self, order_id: str) -> None:
        """From now on it is looked up."""
        self._of.add(order_id)

    def of(self, order_id: str) -> str:
        """Its status when it was last looked up; empty before."""
        return self._known.get(order_id, "")

    async def keep_looking(self) -> None:
        """Looks until cancelled; a database that is away is asked again."""
        while True:
            with contextlib.suppress(psycopg.Error):
                await asyncio.to_thread(self._look)
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        with self._target.database("orchestrator") as database:
            rows = database.execute(
                "SELECT order_id::text, status FROM orders WHERE order_id = ANY(%s::uuid[])", [sorted(self._of)]
            ).fetchall()
        self._known.update(dict(rows))

    async def reaches(self, order_id: str, wanted: Collection[str]) -> str:
        """Waits until it is one of these, or over. The caller keeps the time."""
        while (status := self.of(order_id)) not in wanted and status not in ENDS:
            await asyncio.sleep(LOOK_EVERY_S / 3)
        return status


@dataclass
class Crowd:
    """One run's orders and what their people heard."""

    plan: Plan
    people: People
    target: Target
    carrier_secret: str
    heard: Heard = field(default_factory=Heard)
    mails: list[str] = field(default_factory=list)
    over: int = 0

    def __post_init__(self) -> None:
        self.statuses = Statuses(self.target)
        self.tag = uuid4().hex[:8]

    async def lives(self) -> None:
        """Every order from its start to its end, side by side. What does not get there is remembered as undone."""
        looking = asyncio.create_task(self.statuses.keep_looking())
        try:
            await asyncio.gather(*(self._life(intent) for intent in self.plan.intents))
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _life(self, intent: Intent) -> None:
        stage = ["starting"]
        try:
            async with asyncio.timeout(FINISHED_WITHIN_S):
                await asyncio.sleep(intent.begins_after_s)
                await self._order(intent, stage)
        except Undone as error:
            self.heard.undone.append(f"order {intent.number}, {stage[-1]}: {error}")
        except TimeoutError:
            # Whether it may stay there is for the invariants to say: they know what people can see.
            self.heard.undone.append(f"order {intent.number} got as far as: {stage[-1]}")
        else:
            self.over += 1

    # -- one order -----------------------------------------------------------------------------------------------

    async def _order(self, intent: Intent, stage: list[str]) -> None:
        buyer = self.people.buyers[intent.buyer]
        order_id = await self._bought(buyer, intent, stage)
        stage.append(f"{order_id} waits for its price")
        if intent.ending is Ending.CANCELLED_WHILE_PRICED:
            await asyncio.sleep(intent.cancels_after_s)
            await self._cancel(buyer, order_id)
        await self._priced(buyer, order_id)
        stage.append(f"{order_id} waits for a seller")
        await self._decided(buyer, intent, order_id)
        status = await self.statuses.reaches(order_id, RELEASED)
        if status in ENDS:
            return
        stage.append(f"{order_id} is to be made")
        work_order = await self._made(buyer, intent, order_id)
        if not work_order:
            return
        stage.append(f"{order_id} is on its way")
        await self.statuses.reaches(order_id, ("SHIPPED",))
        if intent.ending is Ending.CLOSED_BY_HAND:
            await self._until(order_id, self.people.sellers[0], f"/api/crm/v1/orders/{order_id}/closure", "handed over")
        else:
            await self._delivered(work_order)
        await self.statuses.reaches(order_id, ("CLOSED",))

    async def _bought(self, buyer: Person, intent: Intent, stage: list[str]) -> str:
        key = str(uuid4())
        created = await self._again(intent, buyer, "/api/shop/v1/orders", {}, key=key)
        order_id = str(created["order"]["order_id"])
        self.heard.created[key] = order_id
        self.statuses.follow(order_id)
        stage.append(f"{order_id} is being filled")
        path = f"/api/shop/v1/orders/{order_id}"
        line = await self._line(buyer, intent)
        shown = (await buyer.send("POST", f"{path}/lines", json=line))["order"]
        while not shown["lines"][0]["total"]:
            await asyncio.sleep(0.2)
            shown = await buyer.send("GET", path)
        mail = f"faults.{self.tag}.{intent.number}@example.com"
        terms = {
            "customer": {"name": "Load Customer", "email": mail, "language": "en"},
            "delivery": DELIVERY,
            "agreed_total": shown["lines"][0]["total"],
        }
        self.mails.append(mail)
        stage.append(f"{order_id} is being submitted")
        await self._again(intent, buyer, f"{path}/submission", terms)
        self.heard.submitted.add(order_id)
        return order_id

    async def _line(self, buyer: Person, intent: Intent) -> dict[str, Any]:
        if intent.sku:
            sized = {"ring_size": "17.5"} if intent.sku.startswith("ring") else {}
            return {"kind": "ready_made", "sku": intent.sku, "quantity": intent.quantity} | sized
        file_id = await self._uploaded(buyer, variant(self.plan.model, f"{self.tag} {intent.number} {uuid4()}"))
        wish = {"file_id": file_id, "material": intent.material, "quantity": intent.quantity}
        quote = await buyer.send("POST", "/api/pricing/v1/quotes", json=wish)
        while quote["status"] not in ("READY", "FAILED"):
            await asyncio.sleep(0.2)
            quote = await buyer.send("GET", f"/api/pricing/v1/quotes/{quote['quote_id']}")
        if quote["status"] == "FAILED":
            raise Undone(f"no price for {self.plan.model}: {quote['problem']}")
        return {"kind": "custom", "quote_id": quote["quote_id"]} | wish

    async def _uploaded(self, buyer: Person, content: bytes) -> str:
        """The whole upload again when any part of it fails: storage may be away as well."""
        said = ""
        while True:
            opened = await buyer.send(
                "POST", "/api/files/v1/uploads", json={"filename": "ring.stl", "size_bytes": len(content)}
            )
            form = {"file": ("ring.stl", content, "application/octet-stream")}
            with contextlib.suppress(httpx.HTTPError):
                sent = await buyer.http.post(opened["url"], data=opened["fields"], files=form, timeout=30)
                said = f"{sent.status_code} {sent.text[:200]}"
                if sent.is_success:
                    done = await buyer.send(
                        "POST",
                        f"/api/files/v1/uploads/{opened['file_id']}/completion",
                        json={},
                        accept=REFUSED,
                    )
                    if done.get("status") == "VERIFIED":
                        return str(opened["file_id"])
                    said = str(done)
                if 400 <= sent.status_code < 500:
                    raise Undone(f"the storage refused the model: {said}")
            await asyncio.sleep(0.5)

    async def _cancel(self, buyer: Person, order_id: str) -> None:
        path = f"/api/shop/v1/orders/{order_id}/cancellation"
        answer = await buyer.send("POST", path, json={"reason": "changed my mind"}, accept=REFUSED)
        if answer["http_status"] == httpx.codes.OK:
            self.heard.cancelled.add(order_id)

    async def _priced(self, buyer: Person, order_id: str) -> None:
        status = await self.statuses.reaches(order_id, ("AWAITING_CUSTOMER", *PRICED, *RELEASED))
        if status == "AWAITING_CUSTOMER":
            shown = await buyer.send("GET", f"/api/shop/v1/orders/{order_id}")
            word = {"accept": True, "total": shown["total"]}
            await buyer.send("POST", f"/api/shop/v1/orders/{order_id}/consent", json=word, accept=REFUSED)
            await self.statuses.reaches(order_id, (*PRICED, *RELEASED))

    async def _decided(self, buyer: Person, intent: Intent, order_id: str) -> None:
        orders = f"/api/crm/v1/orders/{order_id}"
        if intent.ending is Ending.REJECTED:
            await self._until(order_id, self.people.sellers[1], f"{orders}/rejection", "not this one")
            return
        deeds = [self._until(order_id, seller, f"{orders}/approval", "") for seller in self.people.sellers]
        if intent.ending is Ending.CANCELLED_WHEN_PRICED:
            deeds.append(self._cancel(buyer, order_id))
        # Both sellers, and the customer who changes their mind, at the same moment.
        await asyncio.gather(*deeds)

    async def _until(self, order_id: str, person: Person, path: str, reason: str) -> None:
        """Asks until it is done, by this person or by another, or the order is over."""
        before = self.statuses.of(order_id)
        while True:
            answer = await person.send("POST", path, json={"reason": reason} if reason else {}, accept=REFUSED)
            moved_on = self.statuses.of(order_id) not in (before, "SUBMITTED", *PRICED, "SHIPPED")
            if answer["http_status"] < 300 or moved_on or self.statuses.of(order_id) in ENDS:
                return
            await asyncio.sleep(0.1)

    async def _made(self, buyer: Person, intent: Intent, order_id: str) -> str:
        """Everybody claims it at once; whoever has it makes and ships it. Empty when it was taken back."""
        cancelling = None
        if intent.ending is Ending.CANCELLED_WHEN_APPROVED:
            cancelling = asyncio.create_task(self._cancel_later(buyer, intent, order_id))
        try:
            work_order, maker = "", None
            while maker is None and self.statuses.of(order_id) not in ENDS:
                work_order = await self._on_board(order_id)
                maker = await self._race(work_order, intent) if work_order else None
                if maker is None:
                    await asyncio.sleep(0.1)
        finally:
            if cancelling is not None:
                await cancelling
        if maker is None:
            return ""
        base = f"/api/mes/v1/work-orders/{work_order}"
        parcel = {"carrier": "cdek", "tracking_number": f"FAULT-{work_order[:13]}"}
        for step, body in (("completion", {}), ("packing", {}), ("shipment", parcel)):
            await self._again(intent, maker, f"{base}/{step}", body, accept=REFUSED)
        return work_order

    async def _cancel_later(self, buyer: Person, intent: Intent, order_id: str) -> None:
        await asyncio.sleep(intent.cancels_after_s)
        await self._cancel(buyer, order_id)

    async def _on_board(self, order_id: str) -> str:
        board = await self.people.operators[0].send("GET", "/api/mes/v1/work-orders", params={"limit": 100})
        found = [item for item in board["items"] if item["order_id"] == order_id]
        return str(found[0]["work_order_id"]) if found else ""

    async def _race(self, work_order: str, intent: Intent) -> Person | None:
        path = f"/api/mes/v1/work-orders/{work_order}/claim"
        answers = await asyncio.gather(
            *(self._again(intent, operator, path, {}, accept=REFUSED) for operator in self.people.operators)
        )
        # The one with free hands may have been told so in an earlier round.
        for operator, answer in zip(self.people.operators, answers, strict=True):
            if answer["http_status"] == httpx.codes.OK:
                self.heard.won.setdefault(work_order, set()).add(operator.user_id)
        holders = self.heard.won.get(work_order, set())
        return next((operator for operator in self.people.operators if operator.user_id in holders), None)

    async def _again(
        self,
        intent: Intent,
        person: Person,
        path: str,
        body: dict[str, Any],
        *,
        key: str = "",
        accept: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """One deed, and for impatient people the very same request once more; the answers are remembered by the key."""
        key = key or str(uuid4())
        answer = await person.send("POST", path, json=body, key=key, accept=accept)
        self._remember(key, answer)
        if intent.repeats and answer["http_status"] < 300:
            self._remember(key, await person.send("POST", path, json=body, key=key, accept=accept))
        return answer

    def _remember(self, key: str, answer: dict[str, Any]) -> None:
        if answer["http_status"] < 300 or key in self.heard.answers:
            said = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:12]
            self.heard.answers.setdefault(key, []).append((answer["http_status"], said))

    async def _delivered(self, work_order: str) -> None:
        """The carrier reports the parcel until it is answered: the same message with the same id."""
        told = {
            "carrier": "cdek",
            "tracking_number": f"FAULT-{work_order[:13]}",
            "event": "delivered",
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        body, message_id = json.dumps(told), f"msg_{uuid4().hex}"
        while True:
            with contextlib.suppress(httpx.HTTPError):
                headers = signed(self.carrier_secret, message_id, body)
                answer = await self.people.http.post("/api/crm/v1/carrier-events", content=body, headers=headers)
                if answer.is_success:
                    return
                # 401: a service whose clock is apart takes our moment for an old one.
                if answer.status_code < 500 and answer.status_code not in (400, 401, 408, 429):
                    raise Undone(f"carrier: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.3)


def cancels(plan: Plan) -> int:
    """How many of a plan's orders somebody means to cancel."""
    return sum(intent.ending in CANCELLED for intent in plan.intents)
