"""Guests and customers' accounts on a real database: what only it can decide, and what the release before this one reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from system.conftest import Infrastructure
from system.identity.tests.integration.conftest import PASSWORD, Running
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration
ORIGIN = "https://localhost:8443"

Guests = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def new_guest(identity: Running, identity_database: Infrastructure) -> Guests:
    """Asks identity for a guest, as the shop does."""
    authority = TokenAuthority(identity_database.settings_of("shop"))

    async def ask() -> dict[str, Any]:
        token = authority.issue_for_service(to="identity", acting_for=None)
        answer = await identity.visitor().post(
            f"{ORIGIN}/internal/guests", json={"language": "en"}, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return ask


def holding(identity: Running, guest: dict[str, Any]) -> httpx.AsyncClient:
    """A browser that was given a guest's cookies."""
    browser = identity.visitor()
    request = httpx.Request("GET", ORIGIN)
    for line in guest["cookies"]:
        browser.cookies.extract_cookies(httpx.Response(200, headers={"set-cookie": line}, request=request))
    return browser


def form(email: str, **more: str) -> dict[str, str]:
    return {"name": "Anna", "email": email, "password": PASSWORD} | more


async def test_a_guest_is_a_row_that_every_release_can_read(identity: Running, new_guest: Guests) -> None:
    guest = await new_guest()

    rows = await identity.rows(
        "SELECT email, name, phone, language, password_hash, roles FROM user_account WHERE user_id = CAST(:id AS uuid)",
        id=guest["user_id"],
    )

    expected = (f"guest-{guest['user_id']}@guest.invalid", "", None, "en", "!", ["customer"])
    assert [tuple(row) for row in rows] == [expected]
    browser = holding(identity, guest)
    assert (await browser.get("/me")).json()["id"] == guest["user_id"]
    assert (await browser.post("/sessions/refresh")).json()["user"]["id"] == guest["user_id"]


async def test_signing_up_keeps_the_id_and_the_audit_log_says_so(identity: Running, new_guest: Guests) -> None:
    guest = await new_guest()
    browser = holding(identity, guest)

    answer = await browser.post(f"{ORIGIN}/sign-up", data=form("kept@example.com", next="/shop/cart"))

    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/cart")
    me = (await browser.get("/me")).json()
    assert (me["id"], me["email"], me["name"]) == (guest["user_id"], "kept@example.com", "Anna")
    assert (await (await identity.signed_in("kept@example.com")).get("/me")).json()["id"] == guest["user_id"]
    endings = await identity.rows(
        "SELECT revoked_because FROM session WHERE user_id = CAST(:id AS uuid) AND revoked_at IS NOT NULL",
        id=guest["user_id"],
    )
    assert [row.revoked_because for row in endings] == ["signed_out"], (
        "an ending that the release before this one knows"
    )
    assert await identity.rows(
        "SELECT 1 FROM audit_log WHERE action = 'guest-registered' AND subject = :id", id=guest["user_id"]
    )


async def test_a_form_pressed_many_times_at_once_makes_one_account(identity: Running, new_guest: Guests) -> None:
    guest = await new_guest()
    browsers = [holding(identity, guest) for _ in range(4)]

    answers = await asyncio.gather(
        *(
            browser.post(f"{ORIGIN}/sign-up", data=form("pressed@example.com", guest=guest["user_id"]))
            for browser in browsers
        )
    )

    assert [answer.status_code for answer in answers] == [303] * 4
    for browser in browsers:
        assert (await browser.get("/me")).json()["id"] == guest["user_id"]
    visitors = [identity.visitor() for _ in range(4)]
    answers = await asyncio.gather(
        *(visitor.post(f"{ORIGIN}/sign-up", data=form("visited@example.com")) for visitor in visitors)
    )
    assert [answer.status_code for answer in answers] == [303] * 4
    assert len({(await visitor.get("/me")).json()["id"] for visitor in visitors}) == 1


async def test_of_two_guests_who_want_one_e_mail_one_gets_it(identity: Running, new_guest: Guests) -> None:
    browsers = [holding(identity, await new_guest()) for _ in range(3)]

    answers = await asyncio.gather(
        *(browser.put("/me/registration", json=form("wanted@example.com")) for browser in browsers)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"email-taken"}
    # Whoever did not get it is a guest as before.
    for browser, answer in zip(browsers, answers, strict=True):
        email = (await browser.get("/me")).json()["email"]
        assert email.endswith("@guest.invalid") == (answer.status_code == 409)


async def test_lists_of_people_show_guests_only_to_whoever_asks_for_one(identity: Running, new_guest: Guests) -> None:
    guest = await new_guest()
    await identity.registered("listed@example.com")
    administrator = await identity.administrator()

    listed = (await administrator.get("/users", params={"limit": 100, "role": "customer"})).json()["items"]
    found = (await administrator.get("/users", params={"email": f"guest-{guest['user_id']}"})).json()["items"]

    assert "listed@example.com" in {user["email"] for user in listed}
    assert not any(user["email"].endswith("@guest.invalid") for user in listed)
    assert [user["id"] for user in found] == [guest["user_id"]]


async def test_another_password_ends_the_other_sessions(identity: Running) -> None:
    await identity.registered("changing@example.com")
    here, elsewhere = [await identity.signed_in("changing@example.com") for _ in range(2)]

    answer = await here.post(f"{ORIGIN}/account/password", data={"present": PASSWORD, "password": "eight pearls"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=password")
    assert (await here.get("/me")).status_code == (await here.post("/sessions/refresh")).status_code == 200
    assert (await elsewhere.get("/me")).status_code == (await elsewhere.post("/sessions/refresh")).status_code == 401
    await identity.signed_in("changing@example.com", "eight pearls")
    old = await identity.visitor().post("/sessions", json={"email": "changing@example.com", "password": PASSWORD})
    assert old.status_code == 401


async def test_signing_out_everywhere(identity: Running) -> None:
    await identity.registered("everywhere@example.com")
    await identity.registered("untouched@example.com")
    here, elsewhere = [await identity.signed_in("everywhere@example.com") for _ in range(2)]
    other = await identity.signed_in("untouched@example.com")

    answer = await here.post(f"{ORIGIN}/account/sign-out-everywhere")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert (await here.get("/me")).status_code == (await elsewhere.get("/me")).status_code == 401
    assert (await elsewhere.post("/sessions/refresh")).status_code == 401
    assert (await other.get("/me")).status_code == 200


@pytest.mark.parametrize(
    ("language", "title", "refused"),
    [("en", "Create an account", "Tell us what to call you"), ("ru", "Создать учётную запись", "как к вам обращаться")],
)
async def test_the_pages_speak_both_languages(identity: Running, language: str, title: str, refused: str) -> None:
    visitor = identity.visitor()
    visitor.headers["accept-language"] = language

    shown = await visitor.get(f"{ORIGIN}/sign-up")
    faulty = await visitor.post(f"{ORIGIN}/sign-up", data=form("spoken@example.com", name=" "))

    assert f"<h1>{title}</h1>" in shown.text
    assert faulty.status_code == 422 and refused in faulty.text and 'value="spoken@example.com"' in faulty.text
