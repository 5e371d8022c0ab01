"""The http driver: what it sends, and how it tells a refusal from trouble."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.http import Door, Refusal, Trouble

ADDRESS = SystemAddress(url="https://gateway.example", ca_file="", demo_password="d", carrier_secret="c")


def door_to(answer: Callable[[httpx.Request], httpx.Response]) -> Door:
    return Door(ADDRESS, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(("ring", "sent"), [("only the pipeline knows", "only the pipeline knows"), ("", None)])
def test_every_request_asks_for_the_release_in_the_ring_when_told_to(ring: str, sent: str | None) -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("X-Alexandrite-Ring"))
        return httpx.Response(200, json={"access_token": "t", "user": {}})

    with Door(replace(ADDRESS, ring=ring), transport=httpx.MockTransport(answer)) as door:
        door.sign_in(email="a@b.example", password="p")
        door.get("/a")
        door.post("/a")
    assert seen == [sent] * 3


def test_a_problem_is_a_refusal_with_its_code() -> None:
    problem = {
        "type": "/problems/price-changed",
        "code": "price-changed",
        "detail": "The total is 7 now.",
        "total": "7",
    }
    with door_to(lambda _: httpx.Response(409, json=problem)) as door, pytest.raises(Refusal) as refused:
        door.post("/api/shop/v1/orders")
    assert (refused.value.status, refused.value.code) == (409, "price-changed")
    assert refused.value.body["total"] == "7"
    assert "The total is 7 now." in str(refused.value)


def test_a_failure_is_trouble_and_never_a_refusal() -> None:
    with door_to(lambda _: httpx.Response(503, json={"code": "busy"})) as door, pytest.raises(Trouble, match="503"):
        door.get("/api/shop/v1/orders")


def test_no_answer_is_trouble() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with door_to(broken) as door, pytest.raises(Trouble, match="no answer"):
        door.get("/api/shop/v1/orders")


def test_every_write_has_a_key_of_its_own_unless_given() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["idempotency-key"])
        return httpx.Response(200, json={})

    with door_to(answer) as door:
        door.post("/a")
        door.post("/a")
        door.post("/a", key="mine")
    assert seen[0] != seen[1]
    assert seen[2] == "mine"


def test_a_session_is_carried_by_the_token_and_not_by_cookies() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = {"access_token": "t1", "user": {"id": "u"}}
        return httpx.Response(
            200, json=body, headers=[("set-cookie", "__Secure-refresh=r1; Path=/api/identity; Secure")]
        )

    with door_to(answer) as door:
        door.sign_in(email="a@b.example", password="p")
        door.get("/api/identity/v1/me")
        door.refresh()
    assert json.loads(asked[0].content) == {"email": "a@b.example", "password": "p"}
    assert asked[1].headers["authorization"] == "Bearer t1"
    assert "cookie" not in asked[1].headers
    assert asked[2].headers["cookie"] == "__Secure-refresh=r1"


def test_a_file_comes_as_it_is_and_a_refused_one_is_a_refusal() -> None:
    body = bytes(range(256))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/file":
            return httpx.Response(200, content=body, headers={"content-type": "application/zip"})
        return httpx.Response(403, json={"code": "role-required"})

    with door_to(answer) as door:
        assert door.fetch("/file") == body
        with pytest.raises(Refusal, match="role-required"):
            door.fetch("/closed")
