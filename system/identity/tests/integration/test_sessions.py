"""Signing in, going on, signing out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from system.identity.tests.integration.conftest import PASSWORD, Running
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration


def cookie_line(answer: httpx.Response, name: str) -> str:
    """The Set-Cookie line of one cookie."""
    return next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}="))


async def test_customer_registers_and_signs_in(identity: Running) -> None:
    client = await identity.registered("rita@example.com")

    answer = await client.post("/sessions", json={"email": " Rita@Example.com", "password": PASSWORD})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["user"]["roles"] == ["customer"]
    assert body["user"]["email"] == "rita@example.com"
    assert answer.headers["cache-control"] == "no-store"
    principal = TokenAuthority(identity.service.settings).verify(body["access_token"])
    assert (str(principal.subject), principal.roles) == (body["user"]["id"], frozenset({"customer"}))
    assert principal.session_id


async def test_cookies_are_out_of_reach_for_scripts_and_other_sites(identity: Running) -> None:
    client = await identity.registered("cookie@example.com")

    answer = await client.post("/sessions", json={"email": "cookie@example.com", "password": PASSWORD})

    session = cookie_line(answer, "__Host-session").lower()
    assert all(part in session for part in ("httponly", "secure", "samesite=lax", "path=/", "max-age=900"))
    assert "domain" not in session
    refresh = cookie_line(answer, "__Secure-refresh").lower()
    assert all(part in refresh for part in ("httponly", "secure", "samesite=strict", "path=/api/identity"))


async def test_the_cookie_alone_signs_in(identity: Running) -> None:
    await identity.registered("jar@example.com")
    client = await identity.signed_in("jar@example.com")

    answer = await client.get("/me")

    assert answer.status_code == 200
    assert answer.json()["email"] == "jar@example.com"
    assert "password_hash" not in answer.text


async def test_email_is_taken_once(identity: Running) -> None:
    visitors = [identity.visitor() for _ in range(5)]

    answers = await asyncio.gather(
        *(
            visitor.post("/registrations", json={"email": "twin@example.com", "password": PASSWORD, "name": "Twin"})
            for visitor in visitors
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"email-taken"}


@pytest.mark.parametrize(
    "change",
    [{"password": "too short"}, {"email": "nobody"}, {"name": " "}, {"name": "a\x00b"}, {"language": "tlh"},
     {"phone": "call me"}, {"roles": ["administrator"]}],
)  # fmt: skip
async def test_registration_that_makes_no_sense(identity: Running, change: dict[str, Any]) -> None:
    body = {"email": "sense@example.com", "password": PASSWORD, "name": "Anna"} | change

    answer = await identity.visitor().post("/registrations", json=body)

    assert answer.status_code == 422
    assert not await identity.rows("SELECT 1 FROM user_account WHERE email = 'sense@example.com'")


async def test_wrong_password_and_unknown_email_look_alike(identity: Running) -> None:
    client = await identity.registered("alike@example.com")

    wrong = await client.post("/sessions", json={"email": "alike@example.com", "password": "eight pearls"})
    unknown = await client.post("/sessions", json={"email": "unlike@example.com", "password": "eight pearls"})

    assert wrong.status_code == unknown.status_code == 401
    hidden = {"trace_id"}
    assert {k: v for k, v in wrong.json().items() if k not in hidden} == {
        k: v for k, v in unknown.json().items() if k not in hidden
    }


async def test_unknown_and_taken_emails_take_as_long(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(hashing_time_cost=3, hashing_memory_kib=32_768, sign_in_free_failures=1000)
    client = await identity.registered("timed@example.com")

    async def elapsed_s(email: str) -> float:
        started = time.perf_counter()
        await client.post("/sessions", json={"email": email, "password": "eight pearls"})
        return time.perf_counter() - started

    known, unknown = [], []
    for turn in range(5):
        known.append(await elapsed_s("timed@example.com"))
        unknown.append(await elapsed_s(f"nobody-{turn}@example.com"))

    # The fastest of each is the least disturbed; without the hash for nobody it would be a tenth.
    assert min(unknown) > 0.5 * min(known)


async def test_guessing_is_slowed_down_even_for_nobody(identity: Running) -> None:
    await identity.registered("guessed@example.com")
    client = identity.visitor()
    for email in ("guessed@example.com", "nobody@example.com"):
        for _ in range(4):
            answer = await client.post("/sessions", json={"email": email, "password": "eight pearls"})
            assert answer.status_code == 401

        blocked = await client.post("/sessions", json={"email": email, "password": PASSWORD})

        assert blocked.status_code == 429
        assert blocked.json()["code"] == "too-many-attempts"
        assert 1 <= int(blocked.headers["retry-after"]) <= 5


async def test_a_burst_of_guesses_is_slowed_down_too(identity: Running) -> None:
    client = await identity.registered("burst@example.com")

    answers = await asyncio.gather(
        *(client.post("/sessions", json={"email": "burst@example.com", "password": f"guess {n}"}) for n in range(30))
    )

    guesses_looked_at = sum(answer.status_code == 401 for answer in answers)
    # Three are free and the fourth starts the wait; a second one may be hashed beside it.
    assert guesses_looked_at <= 5
    assert sum(answer.status_code == 429 for answer in answers) == 30 - guesses_looked_at


async def test_the_wait_ends_and_the_right_password_forgives(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(sign_in_wait_first_s=0.0)
    client = await identity.registered("forgiven@example.com")
    for _ in range(4):
        await client.post("/sessions", json={"email": "forgiven@example.com", "password": "eight pearls"})

    answer = await client.post("/sessions", json={"email": "forgiven@example.com", "password": PASSWORD})

    assert answer.status_code == 200
    assert not await identity.rows("SELECT 1 FROM sign_in_attempts WHERE email_digest = sha256('forgiven@example.com')")


async def test_changed_parameters_rehash_at_the_next_sign_in(start_identity: Callable[..., Running]) -> None:
    await start_identity().registered("rehash@example.com")
    heavier = start_identity(hashing_time_cost=2)

    await heavier.signed_in("rehash@example.com")

    kept = await heavier.rows("SELECT password_hash FROM user_account WHERE email = 'rehash@example.com'")
    assert ",t=2," in kept[0].password_hash
    await heavier.signed_in("rehash@example.com")


async def test_refresh_gives_the_next_pair(identity: Running) -> None:
    await identity.registered("next@example.com")
    client = await identity.signed_in("next@example.com")
    before = client.cookies["__Secure-refresh"]

    answer = await client.post("/sessions/refresh")

    assert answer.status_code == 200
    assert client.cookies["__Secure-refresh"] != before
    again = await client.post("/sessions/refresh")
    assert again.status_code == 200
    assert answer.json()["access_token"] != again.json()["access_token"]


async def test_a_used_refresh_token_ends_the_session_for_both(identity: Running) -> None:
    await identity.registered("robbed@example.com")
    victim = await identity.signed_in("robbed@example.com")
    stolen = victim.cookies["__Secure-refresh"]
    assert (await victim.post("/sessions/refresh")).status_code == 200
    thief = identity.visitor()

    answer = await thief.post("/sessions/refresh", headers={"cookie": f"__Secure-refresh={stolen}"})

    assert answer.status_code == 401
    assert (await victim.post("/sessions/refresh")).status_code == 401
    assert (await victim.get("/me")).status_code == 401
    ended = await identity.rows(
        "SELECT revoked_because FROM session JOIN user_account USING (user_id) WHERE email = 'robbed@example.com'"
    )
    assert [row.revoked_because for row in ended] == ["refresh_reused"]
    assert await identity.rows("SELECT 1 FROM audit_log WHERE action = 'refresh-reused'")


async def test_another_session_of_the_robbed_user_goes_on(identity: Running) -> None:
    await identity.registered("phones@example.com")
    phone = await identity.signed_in("phones@example.com")
    laptop = await identity.signed_in("phones@example.com")
    stolen = phone.cookies["__Secure-refresh"]
    await phone.post("/sessions/refresh")
    await identity.visitor().post("/sessions/refresh", headers={"cookie": f"__Secure-refresh={stolen}"})

    assert (await laptop.post("/sessions/refresh")).status_code == 200
    assert (await laptop.get("/me")).status_code == 200


async def test_of_parallel_refreshes_with_one_token_at_most_one_succeeds(identity: Running) -> None:
    await identity.registered("race@example.com")
    client = await identity.signed_in("race@example.com")
    secret = client.cookies["__Secure-refresh"]
    visitors = [identity.visitor() for _ in range(8)]
    # Connections are opened beforehand, so that the requests really meet.
    await asyncio.gather(
        *(v.post("/sessions/refresh", headers={"cookie": "__Secure-refresh=made-up"}) for v in visitors)
    )

    answers = await asyncio.gather(
        *(v.post("/sessions/refresh", headers={"cookie": f"__Secure-refresh={secret}"}) for v in visitors)
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_only_digests_of_refresh_tokens_are_kept(identity: Running) -> None:
    await identity.registered("digest@example.com")
    client = await identity.signed_in("digest@example.com")
    secret = client.cookies["__Secure-refresh"].encode()

    kept = await identity.rows("SELECT digest FROM refresh_token")

    assert kept
    assert all(secret not in bytes(row.digest) and len(bytes(row.digest)) == 32 for row in kept)


async def test_idle_session_ends(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(refresh_idle_s=0)
    await identity.registered("idle@example.com")
    client = await identity.signed_in("idle@example.com")
    # A cookie with no lifetime is not even kept, so the token is sent by hand.
    answer = await identity.visitor().post("/sessions", json={"email": "idle@example.com", "password": PASSWORD})
    secret = cookie_line(answer, "__Secure-refresh").split(";")[0]

    refreshed = await client.post("/sessions/refresh", headers={"cookie": secret})

    assert refreshed.status_code == 401


async def test_no_refresh_without_a_cookie_or_with_a_made_up_one(identity: Running) -> None:
    client = identity.visitor()

    assert (await client.post("/sessions/refresh")).status_code == 401
    made_up = await client.post("/sessions/refresh", headers={"cookie": "__Secure-refresh=made-up"})
    assert made_up.status_code == 401


async def test_sign_out_ends_both_tokens_at_once(identity: Running) -> None:
    await identity.registered("out@example.com")
    client = await identity.signed_in("out@example.com")
    kept = {name: client.cookies[name] for name in ("__Host-session", "__Secure-refresh")}

    answer = await client.delete("/sessions/current")

    assert answer.status_code == 204
    assert not client.cookies
    thief = identity.visitor()
    header = {"cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
    assert (await thief.get("/me", headers=header)).status_code == 401
    assert (await thief.post("/sessions/refresh", headers=header)).status_code == 401


async def test_sign_out_works_with_the_refresh_cookie_alone(identity: Running) -> None:
    await identity.registered("late@example.com")
    client = await identity.signed_in("late@example.com")
    secret = client.cookies["__Secure-refresh"]
    visitor = identity.visitor()
    header = {"cookie": f"__Secure-refresh={secret}"}

    assert (await visitor.delete("/sessions/current", headers=header)).status_code == 204

    assert (await client.get("/me")).status_code == 401
    assert (await identity.visitor().delete("/sessions/current")).status_code == 204


async def test_sign_out_from_another_site_is_refused(identity: Running) -> None:
    await identity.registered("forged@example.com")
    client = await identity.signed_in("forged@example.com")

    answer = await client.delete("/sessions/current", headers={"origin": "https://evil.example"})

    assert answer.status_code == 403
    assert (await client.get("/me")).status_code == 200


async def test_without_redis_signing_in_and_out_works(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(redis_port=1)
    await identity.registered("noredis@example.com")
    client = await identity.signed_in("noredis@example.com")
    secret = client.cookies["__Secure-refresh"]

    assert (await client.delete("/sessions/current")).status_code == 204

    again = await identity.visitor().post("/sessions/refresh", headers={"cookie": f"__Secure-refresh={secret}"})
    assert again.status_code == 401
