"""Customers, sellers and operators as coroutines: they do their work through the gateway, and try again when told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from perf.system import Target
from tools.prepare import state

RETRIED = frozenset({408, 429, 502, 503, 504})
READY_MADE = "ring-classic-585"
DELIVERY = {
    "recipient": "Anna Petrova",
    "address": "Tverskaya 1",
    "city": "Moscow",
    "postcode": "125009",
    "country": "RU",
}


class Undone(Exception):
    """A request was refused for good, or never answered within its patience."""


@dataclass
class Person:
    """Somebody signed in. A request that the system could not answer is repeated with the same idempotency key."""

    http: httpx.AsyncClient
    email: str
    password: str
    user_id: str = ""
    patience_s: float = 90.0
    retries: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    async def sign_in(self) -> Person:
        """Signs in; raises Undone when the system refuses."""
        body = await self.send(
            "POST", "/api/identity/v1/sessions", json={"email": self.email, "password": self.password}, keyed=False
        )
        self.headers["authorization"] = f"Bearer {body['access_token']}"
        self.user_id = body["user"]["id"]
        return self

    async def send(
        self,
        method: str,
        path: str,
        *,
        keyed: bool = True,
        key: str = "",
        accept: frozenset[int] = frozenset(),
        **more: Any,
    ) -> dict[str, Any]:
        """One intended effect: the same key until it is answered. `accept` names refusals that count as an answer.

        `key` is a key of the caller's, for a request that is sent again; else each request has a new one.
        """
        headers = dict(self.headers)
        if keyed and method != "GET":
            headers["idempotency-key"] = key or str(uuid4())
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience_s
        said = ""
        while loop.time() < deadline:
            try:
                response = await self.http.request(method, path, headers=headers, **more)
            except httpx.HTTPError as error:
                said = repr(error)
            else:
                if response.is_success or response.status_code in accept:
                    body: dict[str, Any] = response.json() if response.content else {}
                    return body | {"http_status": response.status_code}
                said = f"{response.status_code} {response.text[:300]}"
                if response.status_code == 401 and not path.endswith("/sessions"):
                    await self.sign_in()
                    headers |= self.headers
                elif response.status_code not in RETRIED:
                    raise Undone(f"{method} {path}: {said}")
            self.retries += 1
            await asyncio.sleep(0.3)
        raise Undone(f"{method} {path}: no answer in {self.patience_s:.0f} s; last: {said}")


def client(target: Target, *, connections: int = 50) -> httpx.AsyncClient:
    """A pool of connections to the gateway."""
    return httpx.AsyncClient(
        base_url=target.url,
        verify=target.tls(),
        timeout=httpx.Timeout(15.0, connect=5.0),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )


async def customer(http: httpx.AsyncClient) -> Person:
    """A newly registered customer, signed in."""
    email, password = f"load-{uuid4().hex}@example.com", secrets.token_urlsafe(12)
    person = Person(http, email, password)
    await person.send(
        "POST",
        "/api/identity/v1/registrations",
        json={"email": email, "password": password, "name": "Load Customer", "language": "en"},
        keyed=False,
        accept=frozenset({409}),
    )
    return await person.sign_in()


async def staff(http: httpx.AsyncClient, target: Target, email: str) -> Person:
    """One of the seeded staff, signed in."""
    return await Person(http, f"{email}@alexandrite.example", target.demo_password()).sign_in()


async def new_operator(administrator: Person, name: str) -> Person:
    """An operator of this run, so that its pay ledger holds this run alone."""
    email, password = f"{name}-{uuid4().hex}@example.com", secrets.token_urlsafe(12)
    await administrator.send(
        "POST",
        "/api/identity/v1/users",
        json={"email": email, "name": name, "password": password, "roles": ["operator"]},
        keyed=False,
    )
    return await Person(administrator.http, email, password).sign_in()


async def submit_ready_made(buyer: Person, sku: str = READY_MADE) -> str:
    """A ready-made order, submitted at the price shown. Returns its id."""
    order = (await buyer.send("POST", "/api/shop/v1/orders", json={}))["order"]
    lines = await buyer.send(
        "POST",
        f"/api/shop/v1/orders/{order['order_id']}/lines",
        json={"kind": "ready_made", "sku": sku, "quantity": 1, "ring_size": "17.5"},
    )
    shown = lines["order"]
    deadline = asyncio.get_running_loop().time() + buyer.patience_s
    while not shown["lines"][0]["total"] and asyncio.get_running_loop().time() < deadline:
        # Pricing may be away for a moment; the customer waits for the price before agreeing to it.
        await asyncio.sleep(0.3)
        shown = await buyer.send("GET", f"/api/shop/v1/orders/{order['order_id']}")
    total = shown["lines"][0]["total"]
    await buyer.send(
        "POST",
        f"/api/shop/v1/orders/{order['order_id']}/submission",
        json={
            "customer": {"name": "Load Customer", "email": buyer.email, "language": "en"},
            "delivery": DELIVERY,
            "agreed_total": total,
        },
    )
    return str(order["order_id"])


async def approve(seller: Person, order_id: str) -> None:
    """Approves as soon as the order is there to be approved."""
    await _until_allowed(seller, "POST", f"/api/crm/v1/orders/{order_id}/approval")


async def make_and_ship(operator: Person, work_order_id: str) -> None:
    """Takes, makes, packs and ships it."""
    base = f"/api/mes/v1/work-orders/{work_order_id}"
    # A lost answer to a claim that won comes back as a refusal naming ourselves: the state guards these, not keys.
    for step, body in (
        ("claim", {}),
        ("completion", {}),
        ("packing", {}),
        ("shipment", {"carrier": "cdek", "tracking_number": f"LOAD-{work_order_id[:13]}"}),
    ):
        await operator.send("POST", f"{base}/{step}", json=body, accept=frozenset({409}))


async def close(seller: Person, order_id: str) -> None:
    """Closes by hand as soon as it is shipped."""
    await _until_allowed(seller, "POST", f"/api/crm/v1/orders/{order_id}/closure", json={"reason": "handed over"})


async def _until_allowed(person: Person, method: str, path: str, **more: Any) -> None:
    deadline = asyncio.get_running_loop().time() + person.patience_s
    answer: dict[str, Any] = {}
    while asyncio.get_running_loop().time() < deadline:
        answer = await person.send(method, path, accept=frozenset({404, 409}), **more)
        if answer["http_status"] < 300 or answer.get("code", "").startswith("already"):
            return
        await asyncio.sleep(0.25)
    raise Undone(f"{method} {path} was not allowed in {person.patience_s:.0f} s: {answer}")


def signed(secret: str, message_id: str, body: str) -> dict[str, str]:
    """The headers of a message as Standard Webhooks sign them."""
    # As they write secrets: base64 after the prefix, else the text itself.
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    now = str(int(time.time()))
    digest = hmac.new(key, f"{message_id}.{now}.{body}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "content-type": "application/json",
    }


def carrier_secret() -> str:
    """What the carrier of this checkout's systems signs with."""
    return (state.STATE / "secrets" / "crm" / "alexandrite_carrier_secret").read_text(encoding="utf-8").strip()
