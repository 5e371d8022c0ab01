"""A workshop for tests about badges: workstations, and operators with badge and PIN."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from system.identity.tests.integration.conftest import PASSWORD, Running

ORIGIN = "https://localhost:8443"
PIN = "4096"
WRONG = "7305"


@dataclass(slots=True)
class Carrier:
    """Somebody with an account, and the badge that they carry."""

    user_id: str
    email: str
    code: str = ""
    badge_id: str = ""
    one_time_code: str = ""


@dataclass(slots=True)
class Workshop:
    """One running identity with its administrator."""

    identity: Running
    administrator: httpx.AsyncClient

    async def employed(self, *roles: str) -> Carrier:
        """Somebody new with these roles and without a badge."""
        email = f"{uuid.uuid4().hex}@example.com"
        body = {"email": email, "name": "Oleg", "password": PASSWORD, "roles": roles or ["operator"]}
        made = await self.administrator.post("/users", json=body)
        assert made.status_code == 201, made.text
        return Carrier(made.json()["id"], email)

    async def given_badge(self, carrier: Carrier, replaces: str | None = None) -> Carrier:
        """The same person with a new badge."""
        issued = await self.administrator.post(f"/users/{carrier.user_id}/badge", json={"replaces": replaces})
        assert issued.status_code == 201, issued.text
        body = issued.json()
        first_use = body["first_use"] or {"one_time_code": ""}
        return Carrier(carrier.user_id, carrier.email, body["code"], body["badge_id"], first_use["one_time_code"])

    async def carrier(self, *roles: str) -> Carrier:
        """Somebody with a badge and the PIN."""
        carrier = await self.given_badge(await self.employed(*roles))
        own = await self.identity.signed_in(carrier.email)
        chosen = await own.put("/me/pin", json={"pin": PIN})
        assert chosen.status_code == 204, chosen.text
        return carrier

    async def bench(self, name: str = "") -> httpx.AsyncClient:
        """A browser that an administrator made a workstation, and left."""
        client = await self.identity.administrator()
        made = await client.post("/workstations", json={"name": name or f"Bench {uuid.uuid4().hex}"})
        assert made.status_code == 201, made.text
        assert (await client.delete("/sessions/current")).status_code == 204
        client.headers["accept-language"] = "en"
        return client

    async def audited(self, action: str, subject: str) -> list[dict[str, Any]]:
        """What the audit log says was done to somebody, oldest first."""
        rows = await self.identity.rows(
            "SELECT actor, details FROM audit_log WHERE action = :action AND subject = :subject ORDER BY id",
            action=action,
            subject=subject,
        )
        return [{"actor": row.actor} | row.details for row in rows]


async def workshop_of(identity: Running) -> Workshop:
    """A workshop in this identity."""
    return Workshop(identity, await identity.administrator())


async def by_badge(bench: httpx.AsyncClient, carrier: Carrier, pin: str = PIN) -> httpx.Response:
    """The carrier signs in at the bench."""
    return await bench.post("/sessions/badge", json={"code": carrier.code, "pin": pin})
