"""People as Locust users, by role, through the gateway. A request's name is its kind; what a person waits for is a journey's name.

There is no partner API yet: a partner is a customer's account that sends bursts of orders through the shop's API. There is no load
of administrators: their figures are few and by hand.
"""

from __future__ import annotations

import math
import secrets
import time
from itertools import count
from typing import Any
from uuid import uuid4

from locust import HttpUser, between, task

from fixtures.models3d import variant
from perf.actors import DELIVERY, READY_MADE
from perf.profiles import MODELS
from perf.shapes import Shape
from perf.system import Staff

PRICE_S_MAX = 60.0
BURST_ORDERS = 10
MATERIAL = "silver_925"
NUMBERS = count()
SIGN_IN_AGAIN_S = 10.0


class Someone(HttpUser):
    """A person signed in. `staff_of` and `models` are set before the run begins."""

    abstract = True
    wait_time = between(1.0, 3.0)
    staff: Staff
    models = "1k"
    email = ""
    password = ""
    token = ""
    renewed_at = math.inf

    def on_start(self) -> None:
        """Comes in."""
        self.client.verify = self.staff.ca_file
        self.account()
        self.sign_in()

    def account(self) -> None:
        """A customer opens one; staff have theirs."""
        self.email, self.password = f"load-{uuid4().hex}@example.com", secrets.token_urlsafe(12)
        body = {"email": self.email, "password": self.password, "name": "Load Customer", "language": "en"}
        self.ask("identity: register", "POST", "/api/identity/v1/registrations", json=body)

    def sign_in(self) -> None:
        """Opens a session."""
        body = {"email": self.email, "password": self.password}
        told = self.ask("identity: sign in", "POST", "/api/identity/v1/sessions", json=body)
        self.token = told.get("access_token", "")
        self.renewed_at = time.monotonic() + told.get("expires_in", SIGN_IN_AGAIN_S) / 2

    def stays_signed_in(self) -> None:
        """Opens another session when this one is half over or was refused: a run may be longer than a session."""
        if time.monotonic() >= self.renewed_at:
            self.renewed_at, self.token = math.inf, ""
            self.sign_in()

    def ask(
        self, name: str, method: str, path: str, *, accept: frozenset[int] = frozenset(), **more: Any
    ) -> dict[str, Any]:
        """One request under the name of its kind. Empty when it failed; `accept` names refusals that are an answer."""
        self.stays_signed_in()
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET":
            headers["idempotency-key"] = str(uuid4())
        with self.client.request(
            method, path, name=name, headers=headers, catch_response=True, timeout=20, **more
        ) as response:
            # Locust answers 0 when nothing came back.
            if response.status_code in accept:
                response.success()
                return {}
            if not 200 <= response.status_code < 300:
                response.failure(f"{response.status_code} {(response.text or '')[:150]}")
                if response.status_code == 401:
                    self.renewed_at = min(self.renewed_at, time.monotonic())
                return {}
            response.success()
            told: dict[str, Any] = response.json() if response.content else {}
            return told

    def journey(self, name: str, begun: float, *, failure: str = "") -> None:
        """Records what a person waited for in all."""
        self.environment.events.request.fire(
            request_type="journey",
            name=name,
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=0,
            exception=RuntimeError(failure) if failure else None,
            context={},
        )


class Customer(Someone):
    """Browses, orders goods and own models, and looks where the order is."""

    weight = 6

    def on_start(self) -> None:
        """Has ordered nothing yet."""
        super().on_start()
        self.orders: list[str] = []

    @task(5)
    def browse(self) -> None:
        """Looks at the catalogue and one piece."""
        self.ask("shop: catalogue", "GET", "/api/shop/v1/products")
        self.ask("shop: product", "GET", f"/api/shop/v1/products/{READY_MADE}")

    @task(3)
    def order_good(self) -> None:
        """Orders a ready-made ring."""
        self.order({"kind": "ready_made", "sku": READY_MADE, "quantity": 1, "ring_size": "17.5"})

    @task(2)
    def order_model(self) -> None:
        """Uploads a model of the run's size that nobody uploaded before, waits for its price, orders it."""
        file_id = self.upload()
        quote = self.price(file_id) if file_id else None
        if quote:
            line = {"kind": "custom", "file_id": file_id, "quote_id": quote["quote_id"], "material": MATERIAL}
            self.order(line | {"quantity": 1})

    @task(4)
    def track(self) -> None:
        """Looks at the last order and at all of them."""
        self.ask("shop: my orders", "GET", "/api/shop/v1/orders", params={"limit": 20})
        if self.orders:
            self.ask("shop: track order", "GET", f"/api/shop/v1/orders/{self.orders[-1]}")

    def upload(self) -> str:
        """The browser's way: a form, the file straight to storage through the gateway's own port, completion. Empty when refused."""
        content = variant(MODELS[self.models], str(uuid4()))
        opened = self.ask(
            "files: open upload",
            "POST",
            "/api/files/v1/uploads",
            json={"filename": "ring.stl", "size_bytes": len(content)},
        )
        if not opened:
            return ""
        form = {"files": {"file": ("ring.stl", content, "application/octet-stream")}, "data": opened["fields"]}
        with self.client.post(
            opened["url"], name=f"files: store {self.models}", catch_response=True, timeout=120, **form
        ) as response:
            stored = 200 <= response.status_code < 300
            response.success() if stored else response.failure(f"{response.status_code} {(response.text or '')[:150]}")
        if not stored:
            return ""
        path = f"/api/files/v1/uploads/{opened['file_id']}/completion"
        told = self.ask(f"files: finish upload {self.models}", "POST", path, json={})
        return opened["file_id"] if told else ""

    def price(self, file_id: str) -> dict[str, Any] | None:
        """Waits for the firm price; None when there is none."""
        begun, name = time.perf_counter(), f"pricing: until firm {self.models}"
        body = {"file_id": file_id, "material": MATERIAL, "quantity": 1}
        quote = self.ask("pricing: quote", "POST", "/api/pricing/v1/quotes", json=body)
        while quote and quote["status"] not in ("READY", "FAILED") and time.perf_counter() - begun < PRICE_S_MAX:
            time.sleep(0.3)
            quote = self.ask("pricing: see quote", "GET", f"/api/pricing/v1/quotes/{quote['quote_id']}")
        ready = bool(quote) and quote["status"] == "READY"
        self.journey(name, begun, failure="" if ready else f"no price: {quote.get('status', 'no answer')}")
        return quote if ready else None

    def order(self, line: dict[str, Any]) -> str:
        """Starts an order, adds the line, submits at the price shown. Empty when it did not get that far."""
        started = self.ask("shop: start order", "POST", "/api/shop/v1/orders", json={})
        if not started:
            return ""
        path = f"/api/shop/v1/orders/{started['order']['order_id']}"
        added = self.ask("shop: add line", "POST", f"{path}/lines", json=line)
        total = added["order"]["lines"][0]["total"] if added else None
        if not total:
            return ""
        body = {
            "customer": {"name": "Load Customer", "email": self.email, "language": "en"},
            "delivery": DELIVERY,
            "agreed_total": total,
        }
        if not self.ask("shop: submit", "POST", f"{path}/submission", json=body):
            return ""
        self.orders.append(started["order"]["order_id"])
        return self.orders[-1]


class Partner(Customer):
    """Collects orders and sends them at once when the profile says so, through the shop's API for want of one for partners."""

    weight = 0
    fixed_count = 2
    wait_time = between(0.5, 1.0)

    @task
    def burst(self) -> None:
        """One order after the other, without a pause."""
        shape = self.environment.shape_class
        if isinstance(shape, Shape) and shape.bursting():
            begun = time.perf_counter()
            for _ in range(BURST_ORDERS):
                self.order({"kind": "ready_made", "sku": READY_MADE, "quantity": 1, "ring_size": "17.5"})
            self.journey(f"partner: {BURST_ORDERS} orders at once", begun)


# A partner does nothing that a person does in a browser.
Partner.tasks = [Partner.burst]


class _Staff(Someone):
    """One of the seeded staff."""

    abstract = True
    names: tuple[str, ...] = ()

    def account(self) -> None:
        """Theirs is there already; several people of a load share one when there are more of them."""
        self.email = f"{self.names[next(NUMBERS) % len(self.names)]}@alexandrite.example"
        self.password = self.staff.password


class Seller(_Staff):
    """Works through the queue and answers the telephone."""

    weight = 2
    names = ("sofia.seller", "sergey.seller")

    @task(2)
    def search(self) -> None:
        """A customer calls."""
        self.ask("crm: search", "GET", "/api/crm/v1/orders", params={"query": "load", "limit": 20})

    @task(4)
    def approve(self) -> None:
        """Reads the queue and approves what is on top; a colleague may have been first."""
        waiting = self.ask("crm: queue", "GET", "/api/crm/v1/approvals", params={"limit": 50})
        for item in waiting.get("items", [])[:5]:
            path = f"/api/crm/v1/orders/{item['order_id']}/approval"
            self.ask("crm: approve", "POST", path, json={}, accept=frozenset({404, 409}))


class Operator(_Staff):
    """Takes a piece from the board and carries it through to the carrier."""

    weight = 3
    names = ("oleg.operator", "olga.operator", "otto.operator", "oksana.operator")

    @task(2)
    def look(self) -> None:
        """The first page."""
        self.ask("mes: board", "GET", "/api/mes/v1/work-orders", params={"limit": 50})

    @task(3)
    def make(self) -> None:
        """Claims, makes, packs, ships; somebody else may have been first."""
        board = self.ask("mes: board", "GET", "/api/mes/v1/work-orders", params={"limit": 50})
        rows = board.get("items", [])
        if not rows:
            return
        chosen = rows[next(NUMBERS) % len(rows)]["work_order_id"]
        path = f"/api/mes/v1/work-orders/{chosen}"
        lost = frozenset({409})
        if not self.ask("mes: claim", "POST", f"{path}/claim", json={}, accept=lost):
            return
        parcel = {"carrier": "cdek", "tracking_number": f"LOAD-{chosen[:13]}"}
        steps: list[tuple[str, str, dict[str, str]]] = [
            ("mes: complete", "completion", {}),
            ("mes: pack", "packing", {}),
            ("mes: ship", "shipment", parcel),
        ]
        for name, step, body in steps:
            self.ask(name, "POST", f"{path}/{step}", json=body)
