"""Forgotten passwords: API and pages over an identity in memory."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from system.identity.application.password_resets import digest_of
from system.identity.tests.unit.memory import API, ORIGIN, MemoryIdentity
from system.identity.tests.unit.test_accounts import EMAIL, PASSWORD, account, field_codes, who_is

FORGOTTEN = "/sign-in/forgotten"
POOR = "short"
ANOTHER = "eight corals in a cave"


@pytest.fixture
def identity() -> MemoryIdentity:
    return MemoryIdentity()


async def link_of(identity: MemoryIdentity, email: str = EMAIL, browser: httpx.AsyncClient | None = None) -> str:
    """Asks for a letter and takes the link from it."""
    answer = await (browser or identity.browser()).post(FORGOTTEN, data={"email": email})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{FORGOTTEN}?asked=1")
    found = re.search(rf"{ORIGIN}(/sign-in/reset/[\w-]+)", identity.written_to(email)[-1].text)
    assert found is not None
    return found[1]


async def signs_in(identity: MemoryIdentity, password: str) -> int:
    answer = await identity.browser().post("/sign-in", data={"email": EMAIL, "password": password})
    return answer.status_code


async def test_the_letters_link_sets_another_password_ends_all_sessions_and_signs_in(identity: MemoryIdentity) -> None:
    before = await account(identity)
    link = await link_of(identity)
    owner = identity.browser()
    assert "data-reset" in (await owner.get(link)).text

    answer = await owner.post(link, data={"password": ANOTHER})

    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/orders")
    assert who_is(owner).email == EMAIL and (await owner.get("/account")).status_code == 200
    assert (await before.get("/account")).status_code == 303, "who was signed in is out"
    assert [await signs_in(identity, PASSWORD), await signs_in(identity, ANOTHER)] == [401, 303]
    assert identity.kept.audited[-2:] == ["password-reset-asked", "password-reset"]
    assert "was changed" in identity.written_to(EMAIL)[-1].text


async def test_a_link_works_once(identity: MemoryIdentity) -> None:
    await account(identity)
    link = await link_of(identity)
    assert (await identity.browser().post(link, data={"password": ANOTHER})).status_code == 303
    thief = identity.browser()
    for answer in (await thief.get(link), await thief.post(link, data={"password": "the thief's own"})):
        assert answer.status_code == 404 and 'data-code="reset-link-over"' in answer.text
        assert 'action="/sign-in/forgotten"' in answer.text
    assert "__Host-session" not in thief.cookies and await signs_in(identity, ANOTHER) == 303


async def test_the_newest_link_alone_works_and_older_letters_are_not_sent_any_more(identity: MemoryIdentity) -> None:
    await account(identity)
    first, second = await link_of(identity), await link_of(identity)
    assert first != second and len(identity.written_to(EMAIL)) == 1
    assert (await identity.browser().get(first)).status_code == 404
    assert (await identity.browser().get(second)).status_code == 200


async def test_a_link_lasts_an_hour(identity: MemoryIdentity) -> None:
    await account(identity)
    link = await link_of(identity)
    [reset] = identity.kept.resets.values()
    assert reset.expires_at - reset.asked_at == timedelta(hours=1)
    identity.kept.resets[reset.digest] = replace(reset, expires_at=reset.asked_at)
    answer = await identity.browser().post(link, data={"password": ANOTHER})
    assert answer.status_code == 404 and await signs_in(identity, PASSWORD) == 303


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..%2F..%2Faccount"])
async def test_what_is_no_link_opens_nothing(identity: MemoryIdentity, token: str) -> None:
    await account(identity)
    for answer in (
        await identity.browser().get(f"/sign-in/reset/{token}"),
        await identity.browser().put(f"{API}/password-resets/{token}", json={"password": ANOTHER}),
    ):
        assert answer.status_code == 404
    assert await signs_in(identity, PASSWORD) == 303


async def test_nobody_learns_whether_an_e_mail_has_an_account(identity: MemoryIdentity) -> None:
    await account(identity)
    guest = await identity.guest()
    guest_email = who_is(guest).email
    answers = []
    for email in (EMAIL, f" {EMAIL.upper()} ", "nobody@example.com"):
        by_form = await identity.browser().post(FORGOTTEN, data={"email": email})
        by_api = await identity.browser().post(f"{API}/password-resets", json={"email": email.strip()})
        answers.append(
            (by_form.status_code, by_form.headers["location"], by_form.text, by_api.status_code, by_api.text)
        )
    assert answers[0] == answers[1] == answers[2] and answers[0][3] == 202
    assert identity.written_to("nobody@example.com") == []
    refused = await identity.browser().post(FORGOTTEN, data={"email": guest_email})
    assert refused.status_code == 422 and not identity.written_to(guest_email)


async def test_asking_too_often_has_to_wait_known_or_not(identity: MemoryIdentity) -> None:
    await account(identity)
    for email in (EMAIL, "nobody@example.com"):
        answers = [await identity.browser().post(FORGOTTEN, data={"email": email}) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [303, 303, 303, 303, 429]
        assert 'data-code="too-many-resets"' in answers[-1].text
    by_api = await identity.browser().post(f"{API}/password-resets", json={"email": EMAIL})
    assert (by_api.status_code, by_api.json()["code"]) == (429, "too-many-resets")
    assert int(by_api.headers["retry-after"]) > 0
    # Whoever asks for letters keeps nobody from signing in.
    assert await signs_in(identity, PASSWORD) == 303


async def test_a_password_that_does_not_fit_leaves_the_link_whole(identity: MemoryIdentity) -> None:
    await account(identity)
    link = await link_of(identity)
    owner = identity.browser()
    poor = await owner.post(link, data={"password": POOR})
    assert poor.status_code == 422 and list(field_codes(poor.text).values()) == ["password-too-short"]
    assert (await owner.post(link, data={"password": ANOTHER})).status_code == 303


async def test_wrong_passwords_are_forgiven_by_a_new_one(identity: MemoryIdentity) -> None:
    await account(identity)
    assert [await signs_in(identity, "not this one") for _ in range(4)][-1] == 429
    await identity.browser().post(await link_of(identity), data={"password": ANOTHER})
    assert await signs_in(identity, ANOTHER) == 303


async def test_a_changed_password_ends_links_and_is_told(identity: MemoryIdentity) -> None:
    here = await account(identity)
    link = await link_of(identity)
    await here.post("/account/password", data={"present": PASSWORD, "password": ANOTHER})
    assert (await identity.browser().get(link)).status_code == 404
    assert "was changed" in identity.written_to(EMAIL)[-1].text


async def test_the_api_resets_and_signs_in(identity: MemoryIdentity) -> None:
    await account(identity)
    token = (await link_of(identity)).rsplit("/", 1)[-1]
    browser = identity.browser()
    answer = await browser.put(f"{API}/password-resets/{token}", json={"password": ANOTHER})
    assert answer.status_code == 200 and answer.json()["user"]["email"] == EMAIL
    assert answer.headers["cache-control"] == "no-store" and who_is(browser).email == EMAIL
    again = await browser.put(f"{API}/password-resets/{token}", json={"password": ANOTHER})
    assert (again.status_code, again.json()["code"]) == (404, "reset-link-over")


async def test_the_secret_is_kept_nowhere_in_the_clear(identity: MemoryIdentity) -> None:
    await account(identity)
    with capture_logs() as lines:
        link = await link_of(identity)
        token = link.rsplit("/", 1)[-1]
        await identity.browser().get(link)
        await identity.browser().post(link, data={"password": ANOTHER})
    assert len(token) == 43 and digest_of(token) in identity.kept.resets
    assert token not in str(identity.kept) and token not in str(lines) and len(lines) >= 3


async def test_the_pages_tell_nobody_where_they_lead_from(identity: MemoryIdentity) -> None:
    await account(identity)
    page = await identity.browser().get(await link_of(identity))
    assert page.headers["referrer-policy"] == "same-origin" and page.headers["cache-control"] == "no-store"
    assert '<meta name="referrer" content="same-origin">' in page.text, "the gateway says another word for all pages"
    assert page.headers["content-security-policy"].startswith("default-src 'self'")


async def test_another_site_asks_for_nothing_and_resets_nothing(identity: MemoryIdentity) -> None:
    await account(identity)
    link = await link_of(identity)
    for origin in ("https://thief.example", "null"):
        thief = {"origin": origin}
        assert (await identity.browser().post(FORGOTTEN, data={"email": EMAIL}, headers=thief)).status_code == 403
        assert (await identity.browser().post(link, data={"password": ANOTHER}, headers=thief)).status_code == 403
    assert await signs_in(identity, PASSWORD) == 303


@pytest.mark.parametrize(
    ("language", "heading", "asked", "letter"),
    [
        ("en", "Forgotten password", "a letter is on its way", "has asked for another password"),
        ("ru", "Забытый пароль", "письмо уже в пути", "попросил другой пароль"),
    ],
)
async def test_pages_and_letters_speak_both_languages(
    identity: MemoryIdentity, language: str, heading: str, asked: str, letter: str
) -> None:
    await account(identity, language=language)
    browser = identity.browser(language)
    assert f"<h1>{heading}</h1>" in (await browser.get(FORGOTTEN)).text
    assert f'href="{FORGOTTEN}"' in (await browser.get("/sign-in")).text
    await link_of(identity, browser=browser)
    assert asked in (await browser.get(f"{FORGOTTEN}?asked=1")).text
    assert letter in identity.written_to(EMAIL)[-1].text
