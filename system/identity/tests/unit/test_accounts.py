"""Guests, signing up and the own account: API and pages over an identity in memory."""

from __future__ import annotations

import re

import httpx
import pytest

from system.identity.domain.user import Role
from system.identity.tests.unit.memory import API, MemoryIdentity
from system.plumbing.tests.unit.test_web import authority
from system.plumbing.tokens import Principal

EMAIL = "anna@example.com"
PASSWORD = "seven pearls"
FORM = {"name": "Anna", "email": EMAIL, "password": PASSWORD}


@pytest.fixture
def identity() -> MemoryIdentity:
    return MemoryIdentity()


def who_is(browser: httpx.AsyncClient) -> Principal:
    """Whom the browser's session cookie names."""
    return authority("shop").verify(browser.cookies["__Host-session"])


async def account(identity: MemoryIdentity, email: str = EMAIL, language: str = "en") -> httpx.AsyncClient:
    """A browser in which this customer has just signed up."""
    browser = identity.browser(language)
    answer = await browser.post("/sign-up", data=FORM | {"email": email})
    assert answer.status_code == 303, answer.text
    return browser


def field_codes(page: str) -> dict[str, str]:
    """What the page says is wrong, by field."""
    parts = [part.split('"') for part in page.split('data-field="')[1:]]
    return {part[0]: part[2] for part in parts}


# -- guests --------------------------------------------------------------------------------------------------------------


async def test_a_guest_is_a_customer_without_an_account(identity: MemoryIdentity) -> None:
    answer = await identity.opens_guest(language="en")

    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    body = answer.json()
    who = authority("shop").verify(body["access_token"])
    assert (str(who.subject), set(who.roles), who.is_guest, who.name) == (body["user_id"], {"customer"}, True, "")
    kept = identity.user(f"guest-{body['user_id']}@guest.invalid")
    assert (str(kept.language), set(kept.roles), kept.is_guest) == ("en", {Role.CUSTOMER}, True)
    assert [session.user_id for session in identity.live] == [kept.user_id]


async def test_a_guest_gets_the_cookies_that_a_sign_in_gives(identity: MemoryIdentity) -> None:
    lines = (await identity.opens_guest()).json()["cookies"]
    signed_up = await identity.browser().post("/sign-up", data=FORM)

    def without_secret(line: str) -> tuple[str, str]:
        name, _, rest = line.partition("=")
        return name, rest.partition(";")[2].lower()

    expected = [without_secret(line) for line in signed_up.headers.get_list("set-cookie")]
    assert [name for name, _ in expected] == ["__Host-session", "__Secure-refresh", "__Host-returning"]
    assert [without_secret(line) for line in lines] == expected


async def test_only_the_shop_opens_guests(identity: MemoryIdentity) -> None:
    assert (await identity.opens_guest(service="orchestrator")).status_code == 403
    people = (identity.browser(), await account(identity))
    assert [(await browser.post("/internal/guests")).status_code for browser in people] == [401, 403]
    assert not any(user.is_guest for user in identity.kept.users.values())


async def test_a_language_that_we_do_not_have_is_refused(identity: MemoryIdentity) -> None:
    assert (await identity.opens_guest(language="tlh")).status_code == 422
    assert not identity.kept.users


async def test_a_guests_session_goes_on_as_any_other(identity: MemoryIdentity) -> None:
    guest = await identity.guest()
    before = who_is(guest)

    answer = await guest.post(f"{API}/sessions/refresh")

    assert answer.status_code == 200
    assert who_is(guest).subject == before.subject and who_is(guest).is_guest


@pytest.mark.parametrize("typed", ["!", "", "hash of nothing", PASSWORD])
async def test_no_password_lets_a_guest_in_and_it_takes_as_long_as_any(identity: MemoryIdentity, typed: str) -> None:
    email = f"guest-{(await identity.opens_guest()).json()['user_id']}@guest.invalid"

    answer = await identity.browser().post("/sign-in", data={"email": email, "password": typed})

    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert identity.hashing.compared == [None], "compared with the hash of nobody, as for an unknown e-mail"


async def test_nobody_registers_as_a_guest(identity: MemoryIdentity) -> None:
    email = "Guest-1@guest.invalid"
    by_api = await identity.browser().post(f"{API}/registrations", json=FORM | {"email": email})
    by_page = await identity.browser().post("/sign-up", data=FORM | {"email": email})

    assert (by_api.status_code, by_api.json()["code"]) == (422, "email-reserved")
    assert by_page.status_code == 422 and field_codes(by_page.text) == {"email": "email-reserved"}
    assert not identity.kept.users


# -- signing up ----------------------------------------------------------------------------------------------------------


async def test_a_visitor_signs_up_and_is_signed_in(identity: MemoryIdentity) -> None:
    browser = identity.browser()

    typed = {"name": " Anna ", "email": "Anna@Example.com", "password": PASSWORD}
    answer = await browser.post("/sign-up", data=typed | {"next": "/shop/cart"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/cart")
    kept = identity.user(EMAIL)
    assert (kept.name, set(kept.roles), str(kept.language), kept.password_hash) == (
        "Anna", {Role.CUSTOMER}, "en", f"hash of {PASSWORD}",
    )  # fmt: skip
    assert (who_is(browser).subject, who_is(browser).is_guest) == (kept.user_id, False)
    assert identity.kept.audited == ["user-added"]


async def test_a_guest_who_signs_up_stays_the_same_user(identity: MemoryIdentity) -> None:
    guest = await identity.guest()
    before = who_is(guest)

    answer = await guest.post("/sign-up", data=FORM | {"next": "/shop/orders"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/orders")
    kept = identity.user(EMAIL)
    assert kept.user_id == before.subject == who_is(guest).subject and len(identity.kept.users) == 1
    assert (kept.is_guest, who_is(guest).is_guest, who_is(guest).name) == (False, False, "Anna")
    assert identity.kept.audited == ["guest-registered"]
    again = await identity.browser().post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert again.status_code == 303


async def test_whoever_else_holds_the_guests_session_is_not_in_the_account(identity: MemoryIdentity) -> None:
    lines = (await identity.opens_guest()).json()["cookies"]
    owner, thief = identity.given(lines), identity.given(lines)
    await owner.post("/sign-up", data=FORM)

    led = await thief.get("/account", follow_redirects=True)
    assert led.url.path == "/sign-in" and "__Host-returning" not in thief.cookies
    assert (await thief.post(f"{API}/sessions/refresh")).status_code == 401
    assert (await owner.get("/account")).status_code == 200
    assert len(identity.live) == 1


async def test_the_same_form_twice_makes_one_account_and_signs_in(identity: MemoryIdentity) -> None:
    first, second = identity.browser(), identity.browser()
    answers = [await browser.post("/sign-up", data=FORM | {"next": "/shop/cart"}) for browser in (first, second)]

    assert [answer.headers["location"] for answer in answers] == ["/shop/cart", "/shop/cart"]
    assert who_is(first).subject == who_is(second).subject and len(identity.kept.users) == 1


async def test_the_guests_form_twice_makes_one_account_and_signs_in(identity: MemoryIdentity) -> None:
    body = (await identity.opens_guest()).json()
    first, second = identity.given(body["cookies"]), identity.given(body["cookies"])
    form = FORM | {"guest": body["user_id"], "next": "/shop/cart"}

    answers = [await browser.post("/sign-up", data=form) for browser in (first, second)]

    assert [answer.headers["location"] for answer in answers] == ["/shop/cart", "/shop/cart"]
    assert {str(who_is(browser).subject) for browser in (first, second)} == {body["user_id"]}
    assert len(identity.kept.users) == 1


async def test_with_an_account_of_before_a_guest_is_asked_to_sign_in(identity: MemoryIdentity) -> None:
    await account(identity)
    guest = await identity.guest()
    before = who_is(guest)

    answer = await guest.post("/sign-up", data=FORM | {"next": "/shop/cart"})

    assert answer.status_code == 409 and field_codes(answer.text) == {"email": "email-taken"}
    assert 'href="/sign-in?next=/shop/cart"' in answer.text and "set-cookie" not in answer.headers
    # Nothing happened to the guest, who can choose another e-mail.
    assert identity.kept.users[before.subject].is_guest and who_is(guest) == before
    assert (await guest.post("/sign-up", data=FORM | {"email": "other@example.com"})).status_code == 303


async def test_a_strangers_e_mail_is_taken_and_guessing_its_password_counts(identity: MemoryIdentity) -> None:
    await account(identity)
    stranger = identity.browser()
    for guess in ("eight pearls", "nine pearls 9", "ten pearls 10"):
        answer = await stranger.post("/sign-up", data=FORM | {"password": guess})
        assert answer.status_code == 409 and field_codes(answer.text) == {"email": "email-taken"}

    right = await stranger.post("/sign-up", data=FORM)

    assert right.status_code == 409 and "set-cookie" not in right.headers, "it has to wait, as at the sign-in"


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"name": "  "}, {"name": "name-invalid"}),
        ({"name": "a\x00b"}, {"name": "name-invalid"}),
        ({"email": "anna"}, {"email": "email-invalid"}),
        ({"password": "too short"}, {"password": "password-too-short"}),
        ({"password": "x" * 10}, {"password": "password-too-simple"}),
        ({"password": "long" * 100}, {"password": "password-too-long"}),
        ({"name": "", "email": "", "password": ""},
         {"name": "name-invalid", "email": "email-invalid", "password": "password-too-short"}),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_said_beside_its_field(
    identity: MemoryIdentity, change: dict[str, str], codes: dict[str, str]
) -> None:
    form = FORM | {"name": "Anna <B>"} | change

    answer = await identity.browser().post("/sign-up", data=form | {"next": "/shop/cart"})

    assert answer.status_code == 422 and field_codes(answer.text) == codes
    described = " ".join(re.findall(r'aria-invalid="true" aria-describedby="([^"]+)"', answer.text)).split()
    assert {one for one in described if one.endswith("-fault")} == {f"{field}-fault" for field in codes}
    assert all(f'id="{one}"' in answer.text for one in described)
    if "name" not in change:
        assert 'value="Anna &lt;B&gt;"' in answer.text
    assert 'value="/shop/cart"' in answer.text
    assert not form["password"] or f'"{form["password"]}"' not in answer.text
    assert not identity.kept.users and "set-cookie" not in answer.headers


async def test_a_guest_whose_visit_is_over_is_told_before_the_cart_is_left_behind(identity: MemoryIdentity) -> None:
    guest_id = (await identity.opens_guest()).json()["user_id"]
    late = identity.browser()

    told = await late.post("/sign-up", data=FORM | {"guest": guest_id})

    assert told.status_code == 409 and 'data-code="guest-over"' in told.text and 'name="guest"' not in told.text
    assert 'value="anna@example.com"' in told.text and len(identity.kept.users) == 1
    assert (await late.post("/sign-up", data=FORM)).status_code == 303
    assert str(identity.user(EMAIL).user_id) != guest_id


async def test_naming_a_guest_opens_nobody_elses_account(identity: MemoryIdentity) -> None:
    await account(identity)
    guest_id = (await identity.opens_guest()).json()["user_id"]

    answer = await identity.browser().post("/sign-up", data=FORM | {"guest": guest_id})

    assert answer.status_code == 409 and "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "wish", ["https://thief.example/", "//thief.example/", "/\\thief.example", "/sign-in", "/sign-up"]
)
async def test_signing_up_sends_nobody_to_strangers_or_in_circles(identity: MemoryIdentity, wish: str) -> None:
    browser = identity.browser()
    lands = (await browser.post("/sign-up", data=FORM)).headers["location"]
    # Whoever has an account already goes on, from the form and from the page.
    sent = await browser.post("/sign-up", data=FORM | {"next": wish})
    asked = await browser.get("/sign-up", params={"next": wish})
    for answer in (sent, asked):
        assert (answer.status_code, answer.headers["location"]) == (303, lands)
    assert len(identity.kept.users) == 1


async def test_the_api_makes_an_account_of_a_guest(identity: MemoryIdentity) -> None:
    guest = await identity.guest()
    before = who_is(guest)

    answer = await guest.put(f"{API}/me/registration", json=FORM | {"language": "en", "phone": "+7 900 000-00-00"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["user"] == {"id": str(before.subject), "name": "Anna", "email": EMAIL, "roles": ["customer"]}
    assert not who_is(guest).is_guest and identity.user(EMAIL).phone == "+7 900 000-00-00"
    again = await guest.put(f"{API}/me/registration", json=FORM)
    assert (again.status_code, again.json()["code"]) == (409, "not-a-guest")


async def test_the_api_tells_a_guest_that_the_e_mail_is_taken(identity: MemoryIdentity) -> None:
    await account(identity)
    answer = await (await identity.guest()).put(f"{API}/me/registration", json=FORM)
    assert (answer.status_code, answer.json()["code"]) == (409, "email-taken")


async def test_another_site_changes_nothing(identity: MemoryIdentity) -> None:
    customer, guest = await account(identity), await identity.guest()
    thief = {"origin": "https://thief.example"}
    for browser, path in (
        (identity.browser(), "/sign-up"), (guest, "/sign-up"), (customer, "/account/password"),
        (customer, "/account/sign-out-everywhere"),
    ):  # fmt: skip
        answer = await browser.post(path, data=FORM | {"email": "new@example.com", "present": PASSWORD}, headers=thief)
        assert answer.status_code == 403, path
    assert len(identity.kept.users) == 2 and len(identity.live) == 2


# -- the own account -----------------------------------------------------------------------------------------------------


async def test_the_account_is_its_owners(identity: MemoryIdentity) -> None:
    page = (await (await account(identity)).get("/account")).text
    assert "Anna" in page and EMAIL in page and "data-done" not in page
    assert (await identity.browser().get("/account")).headers["location"] == "/sign-in?next=/account"
    guest = await identity.guest()
    assert (await guest.get("/account")).headers["location"] == "/sign-up?next=/account"
    assert (await guest.post("/account/password", data={"present": "!"})).headers[
        "location"
    ] == "/sign-up?next=/account"


async def test_another_password_ends_the_other_sessions_and_this_one_goes_on(identity: MemoryIdentity) -> None:
    here = await account(identity)
    elsewhere = identity.browser()
    await elsewhere.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})

    answer = await here.post("/account/password", data={"present": PASSWORD, "password": "eight pearls"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=password")
    assert "data-done" in (await here.get("/account?done=password")).text
    assert (await elsewhere.get("/account")).status_code == 303
    assert [str(session.session_id) for session in identity.live] == [who_is(here).session_id]
    for password, status in ((PASSWORD, 401), ("eight pearls", 303)):
        signed_in = await identity.browser().post("/sign-in", data={"email": EMAIL, "password": password})
        assert signed_in.status_code == status


async def test_the_present_password_must_be_known_and_guessing_it_is_slowed_down(identity: MemoryIdentity) -> None:
    browser = await account(identity)
    guess = {"present": "not this one", "password": "eight pearls"}

    answers = [await browser.post("/account/password", data=guess) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert field_codes(answers[0].text) == {"present": "present-password-wrong"}
    assert field_codes(answers[3].text) == {"present": "too-many-attempts"}
    assert identity.user(EMAIL).password_hash == f"hash of {PASSWORD}"
    assert "not this one" not in answers[0].text and "eight pearls" not in answers[0].text


async def test_a_poor_new_password_costs_no_try(identity: MemoryIdentity) -> None:
    browser = await account(identity)
    for _ in range(5):
        answer = await browser.post("/account/password", data={"present": "not this one", "password": "short"})
        assert answer.status_code == 422 and field_codes(answer.text) == {"password": "password-too-short"}
    assert not identity.kept.attempts


async def test_signing_out_everywhere_ends_every_session_of_the_customer_alone(identity: MemoryIdentity) -> None:
    here, other = await account(identity), await account(identity, "boris@example.com")
    elsewhere = identity.browser()
    await elsewhere.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})

    answer = await here.post("/account/sign-out-everywhere")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "__Host-session" not in here.cookies and "__Secure-refresh" not in here.cookies
    assert (await elsewhere.get("/account")).status_code == 303
    assert (await elsewhere.post(f"{API}/sessions/refresh")).status_code == 401
    assert (await other.get("/account")).status_code == 200
    assert identity.kept.audited[-1] == "signed-out-everywhere"


# -- what the pages say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "title", "stays"),
    [("en", "Create an account", "stays yours"), ("ru", "Создать учётную запись", "останется вашим")],
)
async def test_the_sign_up_speaks_to_visitors_and_guests(
    identity: MemoryIdentity, language: str, title: str, stays: str
) -> None:
    for_visitor = (await identity.browser(language).get("/sign-up?next=/shop/cart")).text
    for_guest = (await (await identity.guest(language)).get("/sign-up")).text

    assert f"<h1>{title}</h1>" in for_visitor and f"<h1>{title}</h1>" in for_guest
    assert 'href="/sign-in?next=/shop/cart"' in for_visitor and stays not in for_visitor
    assert 'data-resume="/sign-up?next=/shop/cart"' in for_visitor
    assert stays in for_guest and 'name="guest"' in for_guest and "data-resume" not in for_guest


@pytest.mark.parametrize(
    ("language", "said"), [("en", "stays with this browser&#39;s guest visit"), ("ru", "останется в гостевом визите")]
)
async def test_the_sign_in_says_what_a_guest_leaves_behind(identity: MemoryIdentity, language: str, said: str) -> None:
    guest = await identity.guest(language)
    shown = await guest.get("/sign-in?next=/shop/cart")
    refused = await guest.post("/sign-in", data={"email": EMAIL, "password": "not this one"})
    for_visitor = (await identity.browser(language).get("/sign-in?next=/shop/cart")).text

    assert (shown.status_code, refused.status_code) == (200, 401)
    for page in (shown.text, refused.text):
        assert said in page.replace("'", "&#39;") and 'action="/sign-in"' in page
    assert "data-resume" not in shown.text, "a guest who comes to sign in is not sent back"
    assert said not in for_visitor.replace("'", "&#39;") and 'href="/sign-up?next=/shop/cart"' in for_visitor


@pytest.mark.parametrize(
    ("language", "guest_is", "own"), [("en", "Guest", "My account"), ("ru", "Гость", "Моя учётная запись")]
)
async def test_the_header_calls_a_guest_a_guest(
    identity: MemoryIdentity, language: str, guest_is: str, own: str
) -> None:
    guest = (await (await identity.guest(language)).get("/sign-up")).text
    customer = (await (await account(identity, language=language)).get("/account")).text

    assert f"<summary>{guest_is}</summary>" in guest and "guest.invalid" not in guest
    assert f'<a href="/account">{own}</a>' in customer and "<summary>Anna</summary>" in customer
    assert 'href="/account"' not in guest


async def test_forms_need_no_script_and_pages_hold_none(identity: MemoryIdentity) -> None:
    for browser, address in ((identity.browser(), "/sign-up"), (await account(identity), "/account")):
        answer = await browser.get(address)
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert '<form method="post"' in answer.text and " style=" not in answer.text and " onclick=" not in answer.text
