"""Policies, tokens and problems, over an application of three routes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter
from joserfc.jwk import OKPKey
from redis.exceptions import RedisError

from system.kernel.errors import Conflict, Unavailable
from system.plumbing import telemetry
from system.plumbing.auth import Principal, Revocations, public, require
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import USER_AUDIENCE, TokenAuthority
from system.plumbing.web import Cursor, make_app

KEYS = {name: OKPKey.generate_key("Ed25519", parameters={"kid": name}) for name in ("identity", "shop", "orchestrator")}
JWKS = json.dumps({"keys": [key.as_dict(private=False) for key in KEYS.values()]})
ANNA = Principal(UUID(int=7), frozenset({"customer"}), "Anna", "anna@example.com", session_id="s-1")


def settings_of(service: str) -> ServiceSettings:
    return ServiceSettings(
        service=service, jwks=JWKS, signing_key=KEYS[service].as_pem(private=True).decode(), redis_host="127.0.0.1"
    )


def authority(service: str) -> TokenAuthority:
    return TokenAuthority(settings_of(service))


telemetry.configure("shop")


class NothingRevoked:
    revoked: frozenset[str] = frozenset()

    async def is_revoked(self, session_id: str) -> bool:
        return session_id in self.revoked


router = APIRouter()


@router.get("/mine")
async def mine(who: Annotated[Principal, require("customer")]) -> dict[str, str]:
    return {"name": who.name}


@router.post("/mine")
async def write_mine(who: Annotated[Principal, require("customer", "service:orchestrator")]) -> dict[str, str]:
    return {"service": who.service or ""}


@router.get("/staff")
async def staff(who: Annotated[Principal, require("seller", "administrator")]) -> dict[str, str]:
    return {}


@router.get("/trouble/{kind}", dependencies=[public])
async def trouble(kind: str) -> dict[str, str]:
    raise {
        "conflict": Conflict("order-shipped", "It is too late to cancel.", allowed=["CLOSED"]),
        "away": Unavailable("pricing-unavailable", "Try again."),
        "bug": ZeroDivisionError("oops"),
    }[kind]


@pytest.fixture
def app() -> Any:
    made = make_app(settings_of("shop"), routers=[router])
    made.state.revocations = NothingRevoked()
    return made


async def call(app: Any, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
    headers = dict(more.pop("headers", {}))
    if token:
        headers["authorization"] = f"Bearer {token}"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost:8443") as client:
        return await client.request(method, f"/api/shop/v1{path}", headers=headers, **more)


async def test_own_role_is_admitted(app: Any) -> None:
    response = await call(app, "GET", "/mine", authority("identity").issue_for_user(ANNA))
    assert (response.status_code, response.json()) == (200, {"name": "Anna"})


async def test_wrong_role_is_refused(app: Any) -> None:
    response = await call(app, "GET", "/staff", authority("identity").issue_for_user(ANNA))
    assert response.status_code == 403
    assert response.json()["code"] == "role-required"
    assert response.json()["needed"] == ["administrator", "seller"]


async def test_nobody_is_asked_to_sign_in(app: Any) -> None:
    response = await call(app, "GET", "/mine")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


async def test_signed_out_session_is_refused(app: Any) -> None:
    app.state.revocations.revoked = frozenset({"s-1"})
    response = await call(app, "GET", "/mine", authority("identity").issue_for_user(ANNA))
    assert response.status_code == 401


async def test_expired_token_is_refused(app: Any) -> None:
    old = authority("identity").issue(audience=USER_AUDIENCE, subject=uuid4(), lifetime=timedelta(minutes=-5))
    assert (await call(app, "GET", "/mine", old)).status_code == 401


async def test_a_service_cannot_speak_for_identity(app: Any) -> None:
    forged = authority("shop").issue(
        audience=USER_AUDIENCE, subject=ANNA.subject, lifetime=timedelta(minutes=5), roles=["customer"]
    )
    assert (await call(app, "GET", "/mine", forged)).status_code == 401
    as_identity = authority("shop").issue(
        audience=USER_AUDIENCE, subject=ANNA.subject, lifetime=timedelta(minutes=5), roles=["customer"], iss="identity"
    )
    assert (await call(app, "GET", "/mine", as_identity)).status_code == 401


async def test_a_changed_token_is_refused(app: Any) -> None:
    head, body, signature = authority("identity").issue_for_user(ANNA).split(".")
    swapped = f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    assert (await call(app, "GET", "/mine", swapped)).status_code == 401


async def test_calling_service_is_admitted_where_named(app: Any) -> None:
    token = authority("orchestrator").issue_for_service(to="shop", acting_for=ANNA)
    assert (await call(app, "POST", "/mine", token)).json() == {"service": "orchestrator"}
    # The user it acts for lends it no rights of its own.
    assert (await call(app, "GET", "/mine", token)).status_code == 403
    for_another = authority("orchestrator").issue_for_service(to="mes", acting_for=ANNA)
    assert (await call(app, "POST", "/mine", for_another)).status_code == 401


async def test_cookie_write_from_another_site_is_refused(app: Any) -> None:
    cookie = {"cookie": f"__Host-session={authority('identity').issue_for_user(ANNA)}"}
    assert (await call(app, "GET", "/mine", headers=cookie)).status_code == 200
    assert (await call(app, "POST", "/mine", headers=cookie)).status_code == 403
    evil = cookie | {"origin": "https://evil.example"}
    assert (await call(app, "POST", "/mine", headers=evil)).json()["code"] == "cross-site-request"
    own = cookie | {"origin": "https://localhost:8443"}
    assert (await call(app, "POST", "/mine", headers=own)).status_code == 200


async def test_refusal_is_a_problem_that_says_what_is_allowed(app: Any) -> None:
    response = await call(app, "GET", "/trouble/conflict")
    body = response.json()
    assert (response.status_code, body["code"], body["allowed"]) == (409, "order-shipped", ["CLOSED"])
    assert body["type"] == "/problems/order-shipped"
    assert len(body["trace_id"]) == 32


async def test_away_dependency_says_when_to_come_back(app: Any) -> None:
    response = await call(app, "GET", "/trouble/away")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"


async def test_bug_is_a_problem_without_its_internals(app: Any) -> None:
    response = await call(app, "GET", "/trouble/bug")
    assert response.status_code == 500
    assert "oops" not in response.text
    assert response.json()["code"] == "internal-error"


async def test_trace_of_the_caller_goes_on(app: Any) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = await call(app, "GET", "/trouble/conflict", headers={"traceparent": given})
    assert response.headers["traceparent"].split("-")[1] == given.split("-")[1]


async def test_large_body_is_refused(app: Any) -> None:
    response = await call(app, "POST", "/mine", content=b"x" * 1_000_001)
    assert response.status_code == 413


def test_route_without_policy_stops_the_service() -> None:
    bare = APIRouter()

    @bare.get("/open")
    async def open_to_all() -> dict[str, str]:
        return {}

    with pytest.raises(RuntimeError, match=r"GET /open"):
        make_app(settings_of("shop"), routers=[bare])


def test_cursor_of_another_list_is_refused() -> None:
    cursor = Cursor.encode("2026-11-20", 7)
    assert Cursor.decode(cursor, keys=2) == ["2026-11-20", 7]
    for foreign in ("???", Cursor.encode("only one")):
        with pytest.raises(Exception, match="cursor"):
            Cursor.decode(foreign, keys=2)


async def test_redis_that_is_away_is_not_asked_by_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    revocations = Revocations(settings_of("shop"))
    asked: list[str] = []

    async def exists(name: str) -> int:
        asked.append(name)
        raise RedisError("away")

    monkeypatch.setattr(revocations._client.redis, "exists", exists)
    assert [await revocations.is_revoked("s-1") for _ in range(5)] == [False] * 5
    assert len(asked) == 1
    # It is back, and the rest is over.
    revocations._client._away_until = 0.0
    monkeypatch.setattr(revocations._client.redis, "exists", exists_always)
    assert await revocations.is_revoked("s-1")
    await revocations.close()


async def exists_always(name: str) -> int:
    return 1
