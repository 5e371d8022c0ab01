"""A customer takes their data along, and leaves: the rules, the way through the services, API and pages over memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from system.identity.application.erasures import work_off
from system.identity.domain.erasure import FIRST, SERVICES, TELLING, ErasureTerms, begin_erasure, is_the_word
from system.identity.domain.user import Role
from system.identity.tests.unit.leaving_memory import MODEL, ORDER, LeavingIdentity
from system.identity.tests.unit.memory import API
from system.identity.tests.unit.test_accounts import EMAIL, PASSWORD, account, who_is
from system.kernel.ids import new_id

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TERMS = ErasureTerms(timedelta(minutes=30), timedelta(seconds=5), timedelta(hours=1))


@pytest.fixture
def identity() -> LeavingIdentity:
    return LeavingIdentity()


async def leaves(browser: httpx.AsyncClient, **typed: str) -> httpx.Response:
    return await browser.post("/account/delete", data={"password": PASSWORD} | typed)


# -- the rules -------------------------------------------------------------------------------------------------------------


def test_the_shop_is_asked_first_and_the_others_after_it_has_answered() -> None:
    erasure = begin_erasure(new_id(), now=NOW, terms=TERMS)

    assert [step.service for step in erasure.due(NOW)] == [FIRST]
    told = erasure.answered(erasure.due(NOW)[0], now=NOW, remaining=0)
    assert {step.service for step in told.due(NOW)} == set(SERVICES) - {FIRST}


def test_the_second_round_waits_for_its_time_and_for_the_whole_first_round() -> None:
    later = NOW + TERMS.second_round_after
    erasure = begin_erasure(new_id(), now=NOW, terms=TERMS)
    for service in SERVICES[:-1]:
        [step] = [step for step in erasure.steps if (step.round, step.service) == (1, service)]
        erasure = erasure.answered(step, now=NOW, remaining=0)

    assert [(step.round, step.service) for step in erasure.due(later)] == [(1, SERVICES[-1])]
    erasure = erasure.answered(erasure.due(later)[0], now=later, remaining=0)
    assert erasure.due(NOW) == [] and not erasure.is_over
    assert [(step.round, step.service) for step in erasure.due(later)] == [(2, FIRST)]


def test_what_failed_is_tried_again_after_breaks_that_double_up_to_a_bound() -> None:
    erasure = begin_erasure(new_id(), now=NOW, terms=TERMS)
    pauses = []
    for _ in range(12):
        step = next(step for step in erasure.steps if (step.round, step.service) == (1, FIRST))
        erasure = erasure.failed(step, now=NOW, told="away", terms=TERMS)
        step = next(step for step in erasure.steps if (step.round, step.service) == (1, FIRST))
        pauses.append((step.next_attempt_at - NOW).total_seconds())

    assert pauses[:4] == [5, 10, 20, 40] and pauses[-1] == 3600
    assert erasure.due(NOW) == []


def test_while_something_remains_a_service_is_asked_again_at_once() -> None:
    erasure = begin_erasure(new_id(), now=NOW, terms=TERMS)
    [step] = erasure.due(NOW)
    assert [each.service for each in erasure.answered(step, now=NOW, remaining=3).due(NOW)] == [FIRST]


@pytest.mark.parametrize(("typed", "meant"), [("delete", True), (" Удалить ", True), ("", False), ("delete it", False)])
def test_a_guest_types_the_word(typed: str, meant: bool) -> None:
    assert is_the_word(typed) is meant


# -- a copy to take along ----------------------------------------------------------------------------------------------------


async def test_the_copy_holds_what_every_service_has(identity: LeavingIdentity) -> None:
    browser = await account(identity)

    answer = await browser.get("/account/data")

    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="alexandrite-my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["account"]["email"] == EMAIL and told["missing"] == []
    assert {name: told[name] for name in TELLING} == {name: {"kept_by": name} for name in TELLING}
    assert (await browser.get(f"{API}/me/data")).json()["shop"] == {"kept_by": "shop"}


@pytest.mark.parametrize("silent", TELLING)
async def test_no_copy_is_silently_smaller(identity: LeavingIdentity, silent: str) -> None:
    browser = await account(identity)
    identity.peers.silent = {silent}

    page = await browser.get("/account/data")
    api = await browser.get(f"{API}/me/data", headers={"accept": "application/json"})
    rest = (await browser.get("/account/data", params={"incomplete": "true"})).json()

    assert page.status_code == 503 and f'data-missing="{silent}"' in page.text and 'href="/account/data"' in page.text
    assert (api.status_code, api.json()["code"], api.json()["missing"]) == (503, "data-incomplete", [silent])
    assert rest["missing"] == [silent] and silent not in rest
    assert set(TELLING) - {silent} <= set(rest)


async def test_a_stranger_gets_no_copy(identity: LeavingIdentity) -> None:
    stranger = identity.browser()
    assert (await stranger.get(f"{API}/me/data", headers={"accept": "application/json"})).status_code == 401
    assert (await stranger.get("/account/data")).headers["location"].startswith("/sign-in")


# -- the way out -------------------------------------------------------------------------------------------------------------


async def test_leaving_ends_the_account_at_once(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    user_id = who_is(browser).subject

    answer = await leaves(browser)

    assert answer.status_code == 200 and "data-deleted" in answer.text
    assert "__Host-session" not in browser.cookies
    assert identity.live == [] and len(identity.told) == 1
    nobody = identity.kept.users[user_id]
    assert (nobody.name, nobody.phone, nobody.roles, nobody.password_hash) == ("", None, frozenset(), "!")
    assert EMAIL not in str(identity.kept.users)
    assert identity.kept.audited[-1] == "erasure-requested"


async def test_a_second_press_that_comes_late_is_not_taken_for_one_of_our_staff(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    token = browser.cookies["__Host-session"]
    await leaves(browser)
    identity.told.clear()  # Sent before the session ended: it is looked at after.
    late = identity.browser()
    late.cookies.set("__Host-session", token)

    answer = await leaves(late)

    assert answer.status_code == 200 and "data-deleted" in answer.text
    assert identity.kept.audited.count("erasure-requested") == 1


async def test_the_e_mail_is_free_again_and_no_way_leads_back(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    user_id = who_is(browser).subject
    kept_token = browser.cookies["__Host-session"]
    await leaves(browser)

    credentials = {"email": EMAIL, "password": PASSWORD}
    json_only = {"accept": "application/json"}
    assert (await identity.browser().post(f"{API}/sessions", json=credentials, headers=json_only)).status_code == 401
    identity.told.clear()  # As with Redis away: the token alone decides.
    ghost = identity.browser()
    form = {"name": "Anna", "email": "other@example.com", "password": PASSWORD}
    bearer = json_only | {"authorization": f"Bearer {kept_token}"}
    assert (await ghost.put(f"{API}/me/registration", json=form, headers=bearer)).status_code == 409
    again = await account(identity)
    assert who_is(again).subject != user_id


async def test_with_the_wrong_password_nobody_leaves(identity: LeavingIdentity) -> None:
    browser = await account(identity)

    answer = await leaves(browser, password=PASSWORD.upper())

    assert answer.status_code == 422 and 'data-code="present-password-wrong"' in answer.text
    assert len(identity.live) == 1 and identity.ways == {}
    api = await browser.post(
        f"{API}/me/erasure", json={"password": PASSWORD[::-1]}, headers={"accept": "application/json"}
    )
    assert (api.status_code, api.json()["code"]) == (401, "invalid-credentials")


async def test_with_an_order_on_its_way_nobody_leaves(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    identity.peers.open = ["A-26000123"]

    page = await leaves(browser)
    api = await browser.post(f"{API}/me/erasure", json={"password": PASSWORD}, headers={"accept": "application/json"})

    assert page.status_code == 409 and "A-26000123" in page.text and 'href="/shop/orders"' in page.text
    assert (api.status_code, api.json()["code"], api.json()["numbers"]) == (409, "orders-open", ["A-26000123"])
    assert len(identity.live) == 1 and identity.ways == {}


async def test_while_nobody_knows_of_open_orders_nobody_leaves(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    identity.peers.silent = {"shop"}

    answer = await leaves(browser)

    assert answer.status_code == 503 and 'data-code="shop-unavailable"' in answer.text
    assert len(identity.live) == 1 and identity.ways == {}


async def test_whoever_does_more_than_buy_stays(identity: LeavingIdentity) -> None:
    browser = await account(identity)
    user = identity.user(EMAIL)
    identity.kept.users[user.user_id] = user.given_roles(frozenset({Role.CUSTOMER, Role.SELLER}))

    answer = await leaves(browser)

    assert answer.status_code == 409 and 'data-code="staff-stays"' in answer.text
    assert identity.ways == {}


async def test_a_guest_leaves_by_a_word(identity: LeavingIdentity) -> None:
    guest = await identity.guest()
    assert 'name="word"' in (await guest.get("/account/delete")).text

    unsure = await guest.post("/account/delete", data={"word": "no"})
    answer = await guest.post("/account/delete", data={"word": "delete"})

    assert unsure.status_code == 422 and 'data-code="word-missing"' in unsure.text
    assert answer.status_code == 200 and identity.live == [] and len(identity.ways) == 1


# -- through the services ----------------------------------------------------------------------------------------------------


async def gone(identity: LeavingIdentity) -> UUID:
    """Somebody who has asked to leave."""
    browser = await account(identity)
    user_id = who_is(browser).subject
    assert (await leaves(browser)).status_code == 200
    return user_id


async def passes(identity: LeavingIdentity, *, times: int = 10) -> None:
    for _ in range(times):
        await work_off(identity.tools)


async def test_every_service_forgets_twice_and_then_the_account_is_no_more(identity: LeavingIdentity) -> None:
    user_id = await gone(identity)

    await passes(identity)
    once = list(identity.peers.asked)
    assert user_id in identity.kept.users, "until the second round the id is kept"
    identity.later(TERMS.second_round_after)
    await passes(identity)

    assert once[0] == FIRST and sorted(once) == sorted(SERVICES)
    assert sorted(identity.peers.asked) == sorted(SERVICES * 2)
    assert user_id not in identity.kept.users and not identity.kept.sessions
    assert identity.kept.audited[-1] == "account-erased"
    await passes(identity)
    assert len(identity.peers.asked) == 2 * len(SERVICES)


async def test_the_others_are_told_what_the_shop_says_that_the_person_had(identity: LeavingIdentity) -> None:
    await gone(identity)
    await passes(identity)
    assert identity.peers.reached == {service: ((ORDER,), (MODEL,)) for service in SERVICES if service != FIRST}


@pytest.mark.parametrize("silent", SERVICES)
async def test_a_service_that_is_away_is_waited_for(identity: LeavingIdentity, silent: str) -> None:
    user_id = await gone(identity)
    identity.peers.silent = {silent}

    await passes(identity)
    identity.later(TERMS.second_round_after)
    await passes(identity)
    assert identity.peers.asked.count(silent) >= 2 and user_id in identity.kept.users
    identity.peers.silent = set()
    identity.later(timedelta(hours=2))
    await passes(identity)

    assert user_id not in identity.kept.users


async def test_an_order_that_slipped_in_is_waited_for(identity: LeavingIdentity) -> None:
    user_id = await gone(identity)
    identity.peers.open = ["A-26000124"]

    await passes(identity)
    assert identity.peers.asked == [FIRST]
    identity.peers.open = []
    identity.later(timedelta(hours=2))
    await passes(identity)
    identity.later(timedelta(hours=2))
    await passes(identity)

    assert user_id not in identity.kept.users


@pytest.mark.parametrize("line", range(1, 2 * len(SERVICES) + 2))
async def test_a_crash_at_any_commit_repeats_work_and_loses_nobody(identity: LeavingIdentity, line: int) -> None:
    user_id = await gone(identity)
    identity.crashes_at(line)

    for _ in range(12):
        try:
            await work_off(identity.tools)
        except RuntimeError:
            continue
    identity.later(timedelta(hours=2))
    for _ in range(12):
        try:
            await work_off(identity.tools)
        except RuntimeError:
            continue

    assert user_id not in identity.kept.users
    assert set(identity.peers.asked) == set(SERVICES)
