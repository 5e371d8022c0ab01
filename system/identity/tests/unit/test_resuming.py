"""A session goes on without a script, by a page that leads through identity and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from system.identity.application.handlers import digest_of
from system.identity.domain.session import FORGIVEN_FOR, Ending
from system.identity.tests.unit.memory import API, MemoryIdentity

RESUME = f"{API}/sessions/resume"
SESSION, REFRESH, MARKER = "__Host-session", "__Secure-refresh", "__Host-returning"


@pytest.fixture
def identity() -> MemoryIdentity:
    return MemoryIdentity()


async def later(identity: MemoryIdentity) -> httpx.AsyncClient:
    """A guest's browser after the short token ran out."""
    browser = await identity.guest()
    browser.cookies.delete(SESSION)
    return browser


def tabs(identity: MemoryIdentity, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """Another tab, which sets out with the cookies of this moment."""
    tab = identity.browser()
    for cookie in browser.cookies.jar:
        tab.cookies.jar.set_cookie(cookie)
    return tab


async def comes(browser: httpx.AsyncClient, next: str = "/shop/cart?a=b", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.get(RESUME, params={"next": next}, headers=named)


async def is_in(browser: httpx.AsyncClient) -> bool:
    """Whether the pages know the guest: the sign-up says what stays theirs."""
    return 'name="guest"' in (await browser.get("/sign-up")).text


def ages(identity: MemoryIdentity, secret: str, *, by: timedelta) -> None:
    """As if the token had been spent so long ago."""
    digest = digest_of(secret)
    token = identity.kept.links[digest]
    assert token.spent_at is not None
    identity.kept.links[digest] = replace(token, spent_at=token.spent_at - by)


async def test_who_comes_back_has_a_session_again_and_is_where_they_were(identity: MemoryIdentity) -> None:
    browser = await later(identity)
    before = browser.cookies[REFRESH]
    answer = await comes(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/cart?a=b")
    assert answer.headers["cache-control"] == "no-store"
    assert SESSION in browser.cookies and browser.cookies[REFRESH] != before and MARKER in browser.cookies
    assert await is_in(browser) and not await is_in(identity.browser())
    assert len(identity.live) == 1


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "shop/cart", "/sign-in", "/a\nb", ""]
)
async def test_nobody_is_led_to_strangers(identity: MemoryIdentity, elsewhere: str) -> None:
    answer = await comes(await later(identity), elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_where_nothing_goes_on_the_marker_is_taken_away(identity: MemoryIdentity) -> None:
    browser = await later(identity)
    [session] = identity.live
    identity.kept.sessions[session.session_id] = replace(
        session, revoked_at=session.created_at, revoked_because=Ending.SIGNED_OUT
    )
    answer = await comes(browser)
    assert answer.status_code == 303 and not {SESSION, REFRESH, MARKER} & set(browser.cookies.keys())
    lost = await later(identity)
    lost.cookies.delete(REFRESH)
    await comes(lost)
    assert MARKER not in lost.cookies


async def test_another_site_changes_nothing(identity: MemoryIdentity) -> None:
    browser = await later(identity)
    before = dict(browser.cookies)
    await comes(browser, sec_fetch_dest="image")
    # From there a browser sends no strict cookie along.
    stranger = identity.browser()
    stranger.cookies.set(MARKER, "1", domain="localhost", path="/")
    await comes(stranger, sec_fetch_site="cross-site")
    assert dict(browser.cookies) == before and MARKER in stranger.cookies
    assert [token.spent_at for token in identity.kept.links.values()] == [None]


async def test_two_tabs_at_one_moment_end_nothing_and_one_of_them_goes_on(identity: MemoryIdentity) -> None:
    one = await later(identity)
    other, third = tabs(identity, one), tabs(identity, one)
    await comes(one)
    answer = await comes(other)
    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/cart?a=b")
    assert "set-cookie" not in answer.headers, "the cookies of the first are theirs too"
    # A script that met the same moment.
    assert (await third.post(f"{API}/sessions/refresh")).status_code == 401
    assert len(identity.live) == 1 and await is_in(one)


async def test_a_token_that_comes_again_later_ends_the_session_for_both(identity: MemoryIdentity) -> None:
    one = await later(identity)
    thief, spent = tabs(identity, one), one.cookies[REFRESH]
    await comes(one)
    ages(identity, spent, by=FORGIVEN_FOR)
    await comes(thief)
    assert identity.live == [] and not await is_in(one)
    assert "refresh-reused" in identity.kept.audited


async def test_scripts_take_turns_so_of_two_of_them_one_is_a_thief(identity: MemoryIdentity) -> None:
    one = await later(identity)
    thief = tabs(identity, one)
    assert (await one.post(f"{API}/sessions/refresh")).status_code == 200
    assert (await thief.post(f"{API}/sessions/refresh")).status_code == 401
    assert identity.live == []


async def test_signing_out_takes_the_marker_too(identity: MemoryIdentity) -> None:
    browser = await identity.guest()
    await browser.post("/sign-out")
    assert MARKER not in browser.cookies
