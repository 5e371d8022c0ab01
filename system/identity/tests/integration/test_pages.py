"""The sign-in as a browser gets it."""

from __future__ import annotations

import httpx
import pytest

from system.identity.tests.integration.conftest import PASSWORD, STAFF_PASSWORD, Running
from system.identity.tests.integration.test_sessions import cookie_line

pytestmark = pytest.mark.integration
ORIGIN = "https://localhost:8443"
GUESS = "not this one"
OPERATOR = "oleg.operator@alexandrite.example"


async def sent(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await client.post(f"{ORIGIN}/sign-in", data=fields)


async def staffed(identity: Running) -> httpx.AsyncClient:
    await identity.administrator()
    return identity.visitor()


async def test_an_operator_lands_on_the_board_with_both_cookies(identity: Running) -> None:
    client = await staffed(identity)
    answer = await sent(client, email=OPERATOR, password=STAFF_PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/mes/")
    assert "httponly" in cookie_line(answer, "__Host-session").lower()
    assert "path=/api/identity" in cookie_line(answer, "__Secure-refresh").lower()
    shown = await client.get(f"{ORIGIN}/sign-in")
    assert "Олег Смирнов" in shown.text and 'href="/mes/"' in shown.text


async def test_a_customer_lands_on_their_orders(identity: Running) -> None:
    client = await identity.registered("page@example.com")
    answer = await sent(client, email="page@example.com", password=PASSWORD)
    assert answer.headers["location"] == "/shop/orders"
    shown = await client.get(f"{ORIGIN}/sign-in?lang=en")
    assert 'href="/shop/"' in shown.text and "no pages here yet" not in shown.text


@pytest.mark.parametrize(
    ("wish", "led_to"),
    [
        ("/mes/?material=gold_585", "/mes/?material=gold_585"),
        ("https://thief.example/", "/mes/"),
        ("//thief.example/", "/mes/"),
        ("/\\thief.example", "/mes/"),
        ("/mes/\r\nSet-Cookie: a=b", "/mes/"),
        ("/sign-in", "/mes/"),
        ("mes", "/mes/"),
    ],
)
async def test_nobody_is_sent_to_strangers(identity: Running, wish: str, led_to: str) -> None:
    client = await staffed(identity)
    answer = await sent(client, email=OPERATOR, password=STAFF_PASSWORD, next=wish)
    assert answer.headers["location"] == led_to


async def test_a_wrong_password_is_said_and_the_address_is_kept(identity: Running) -> None:
    client = await staffed(identity)
    client.headers["accept-language"] = "en"
    answer = await sent(client, email=OPERATOR, password=GUESS, next="/mes/mine")
    assert answer.status_code == 401 and "do not fit together" in answer.text
    assert f'value="{OPERATOR}"' in answer.text and 'value="/mes/mine"' in answer.text
    assert GUESS not in answer.text and "set-cookie" not in answer.headers


async def test_guessing_is_slowed_down_and_says_for_how_long(identity: Running) -> None:
    client = identity.visitor()
    client.headers["accept-language"] = "en"
    for _ in range(4):
        answer = await sent(client, email="guess@example.com", password=GUESS)
    answer = await sent(client, email="guess@example.com", password=GUESS)
    assert answer.status_code == 429 and "Too many wrong passwords. Wait" in answer.text


async def test_another_site_cannot_sign_anybody_in_or_out(identity: Running) -> None:
    client = await staffed(identity)
    for path in ("/sign-in", "/sign-out"):
        answer = await client.post(f"{ORIGIN}{path}", headers={"origin": "https://thief.example"})
        assert answer.status_code == 403 and "<main" in answer.text


async def test_signing_out_ends_the_session_everywhere(identity: Running) -> None:
    client = await staffed(identity)
    await sent(client, email=OPERATOR, password=STAFF_PASSWORD)
    session = client.cookies["__Host-session"]
    answer = await client.post(f"{ORIGIN}/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "__Host-session" not in client.cookies
    kept = await identity.visitor().get("/me", headers={"authorization": f"Bearer {session}"})
    assert kept.status_code == 401


async def test_an_empty_form_is_a_wrong_password_and_nothing_breaks(identity: Running) -> None:
    answer = await sent(identity.visitor(), email="", password="")
    assert answer.status_code == 401
    longer = await sent(identity.visitor(), email="a" * 300, password=GUESS)
    assert longer.status_code == 422 and "<main" in longer.text


async def test_who_is_signed_in_already_goes_on(identity: Running) -> None:
    client = await staffed(identity)
    await sent(client, email=OPERATOR, password=STAFF_PASSWORD)
    answer = await client.get(f"{ORIGIN}/sign-in", params={"next": "/mes/mine"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/mes/mine")


# -- people --------------------------------------------------------------------------------------------------------------


async def administrator(identity: Running) -> httpx.AsyncClient:
    client = await staffed(identity)
    await sent(client, email="anna.admin@alexandrite.example", password=STAFF_PASSWORD)
    client.headers["accept-language"] = "en"
    return client


async def test_an_administrator_makes_an_account_and_changes_what_it_may_do(identity: Running) -> None:
    client = await administrator(identity)
    email = "new.seller@example.com"
    fields = {"email": email, "name": "Nina", "password": PASSWORD, "roles": "seller"}
    made = await client.post(f"{ORIGIN}/people", data=fields)
    assert (made.status_code, made.headers["location"]) == (303, "/people?email=new.seller%40example.com")
    again = await client.post(f"{ORIGIN}/people", data=fields)
    assert again.status_code == 409 and 'data-code="email-taken"' in again.text
    page = (await client.get(f"{ORIGIN}/people?email=new.seller")).text
    assert f'data-email="{email}" data-roles="seller"' in page
    user_id = page.split('id="u-')[1].split('"')[0]
    # What the person could do so far ends at once.
    nina = identity.visitor()
    await sent(nina, email=email, password=PASSWORD)
    given = await client.post(
        f"{ORIGIN}/people/{user_id}/roles", data={"email": email, "roles": ["operator", "seller"]}
    )
    assert given.status_code == 303
    assert 'data-roles="operator seller"' in (await client.get(f"{ORIGIN}/people?email={email}")).text
    led = await nina.get(f"{ORIGIN}/people", follow_redirects=True)
    assert str(led.url) == f"{ORIGIN}/sign-in?next=/people", "by where the session would go on, and it does not"
    none = await client.post(f"{ORIGIN}/people/{user_id}/roles", data={"email": email})
    assert none.status_code == 303
    assert 'data-roles=""' in (await client.get(f"{ORIGIN}/people?email={email}")).text


async def test_the_last_administrator_stays_one(identity: Running) -> None:
    client = await administrator(identity)
    page = (await client.get(f"{ORIGIN}/people?role=administrator")).text
    ids = [part.split('"')[0] for part in page.split('id="u-')[1:]]
    answers = [
        await client.post(f"{ORIGIN}/people/{user_id}/roles", data={"email": "a", "roles": "seller"}) for user_id in ids
    ]
    # The own session ends with the own role; whoever was last could not be dismissed.
    assert 'data-code="last-administrator"' in answers[-1].text or answers[-1].headers["location"].startswith(
        "/sign-in"
    )


async def test_people_are_for_administrators(identity: Running) -> None:
    client = await staffed(identity)
    await sent(client, email=OPERATOR, password=STAFF_PASSWORD)
    assert (await client.get(f"{ORIGIN}/people")).status_code == 403
    assert (await identity.visitor().get(f"{ORIGIN}/people")).headers["location"] == "/sign-in?next=/people"
