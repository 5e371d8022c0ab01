"""The pages of a workstation and those of administrators about badges, as a browser without a script gets them."""

from __future__ import annotations

import re

import httpx
import pytest

from system.identity.domain.badge import code_of
from system.identity.tests.integration.badges import ORIGIN, PIN, WRONG, Carrier, Workshop, workshop_of
from system.identity.tests.integration.conftest import PASSWORD, STAFF_PASSWORD, Running
from system.identity.tests.integration.test_sessions import cookie_line

pytestmark = pytest.mark.integration
BADGE = f"{ORIGIN}/sign-in/badge"


async def scanned(bench: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    return await bench.post(BADGE, data={"code": code} | more)


async def typed(bench: httpx.AsyncClient, pin: str, **more: str) -> httpx.Response:
    return await bench.post(f"{BADGE}/pin", data={"pin": pin} | more)


async def test_a_scan_then_a_pin_and_the_work_begins(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench("Bench of pages"), await workshop.carrier()
    led = await bench.get(f"{ORIGIN}/sign-in", params={"next": "/mes/mine"})
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in/badge?next=%2Fmes%2Fmine")
    waits = await bench.get(BADGE)
    assert "Bench of pages" in waits.text and 'data-step="scan"' in waits.text
    assert 'href="/sign-in?with=password"' in waits.text
    assert "max-age=34560000" in cookie_line(waits, "__Host-workstation").lower(), (
        "whatever is used stays a workstation"
    )

    scan = await scanned(bench, oleg.code, next="/mes/mine")
    assert (scan.status_code, scan.headers["location"]) == (303, "/sign-in/badge?next=%2Fmes%2Fmine")
    assert all(part in cookie_line(scan, "__Host-badge").lower() for part in ("httponly", "secure", "samesite=strict"))
    asks = await bench.get(BADGE)
    assert 'data-step="pin"' in asks.text and oleg.code not in asks.text
    done = await typed(bench, PIN, next="/mes/mine")

    assert (done.status_code, done.headers["location"]) == (303, "/mes/mine")
    assert "__Host-badge" not in bench.cookies
    page = await bench.get(BADGE)
    assert 'action="/sign-in/badge/change"' in page.text and 'data-idle-s="600"' in page.text
    assert "/sign-in/pin" not in page.text


@pytest.mark.parametrize("wish", ["", "/people", "https://thief.example/", "//thief.example/mes/", "/sign-in", "/mesh"])
async def test_a_badge_leads_to_the_work_and_nowhere_else(identity: Running, wish: str) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    await scanned(bench, oleg.code, next=wish)
    assert (await typed(bench, PIN, next=wish)).headers["location"] == "/mes/"


async def test_change_person_ends_the_session_and_waits_for_the_next(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    await scanned(bench, oleg.code)
    await typed(bench, PIN)
    former = bench.cookies["__Host-session"]

    changed = await bench.post(f"{BADGE}/change")

    assert (changed.status_code, changed.headers["location"]) == (303, "/sign-in/badge")
    assert "__Host-session" not in bench.cookies and "__Host-workstation" in bench.cookies
    over = await identity.visitor().get("/me", headers={"authorization": f"Bearer {former}"})
    assert over.status_code == 401
    assert (await bench.post(f"{BADGE}/change")).status_code == 303, "when it was over already, too"


async def test_another_badge_changes_the_person_at_once_on_either_step(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg, olga = await workshop.bench(), await workshop.carrier(), await workshop.carrier()
    await scanned(bench, oleg.code)
    await typed(bench, PIN)
    former = bench.cookies["__Host-session"]

    await scanned(bench, olga.code)

    over = await identity.visitor().get("/me", headers={"authorization": f"Bearer {former}"})
    assert over.status_code == 401, "whoever was there has left"
    # The PIN's field is where a scanner types while a PIN is awaited.
    again = await typed(bench, f" {oleg.code}\n")
    assert again.headers["location"] == "/sign-in/badge"
    await typed(bench, PIN)
    assert (await bench.get("/me")).json()["id"] == oleg.user_id


async def test_what_goes_wrong_is_said_where_it_helps(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    part = await scanned(bench, oleg.code[:7])
    assert part.status_code == 422 and "Scan it again" in part.text and 'data-step="scan"' in part.text
    assert (await typed(bench, PIN)).headers["location"] == "/sign-in/badge", "no badge was scanned, or long ago"
    await scanned(bench, oleg.code)
    for _ in range(4):
        wrong = await typed(bench, WRONG)
        assert wrong.status_code == 401 and 'data-step="pin"' in wrong.text and WRONG not in wrong.text
    locked = await typed(bench, WRONG)
    assert locked.status_code == 403 and 'data-code="badge-locked"' in locked.text
    assert "administrator unlocks it" in locked.text and 'data-step="scan"' in locked.text
    assert (await typed(bench, PIN)).headers["location"] == "/sign-in/badge"


async def test_elsewhere_the_page_says_where_badges_work(identity: Running) -> None:
    visitor = identity.visitor()
    visitor.headers["accept-language"] = "en"
    page = await visitor.get(BADGE)
    assert page.status_code == 403 and 'data-step="elsewhere"' in page.text and 'name="code"' not in page.text
    scan = await scanned(visitor, code_of(1))
    assert scan.headers["location"] == "/sign-in/badge" and "__Host-badge" not in visitor.cookies
    assert (await visitor.get(f"{ORIGIN}/sign-in")).status_code == 200


async def test_at_a_workstation_a_password_still_signs_in(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.employed()
    assert 'name="password"' in (await bench.get(f"{ORIGIN}/sign-in?with=password")).text
    answer = await bench.post(f"{ORIGIN}/sign-in", data={"email": oleg.email, "password": PASSWORD})
    assert answer.headers["location"] == "/mes/"
    assert "data-idle-s" not in (await bench.get(f"{ORIGIN}/sign-in")).text


async def test_the_first_use_chooses_the_pin_on_the_page(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.given_badge(await workshop.employed())
    assert (await bench.get(f"{BADGE}/first")).headers["location"] == "/sign-in/badge"
    await scanned(bench, oleg.code)
    assert 'data-step="first"' in (await bench.get(f"{BADGE}/first")).text
    fields = {"one_time_code": f"{oleg.one_time_code[:4]} {oleg.one_time_code[4:]}", "pin": "0000", "again": "0000"}
    weak = await bench.post(f"{BADGE}/first", data=fields)
    assert weak.status_code == 422 and "repeats itself" in weak.text
    other = await bench.post(f"{BADGE}/first", data=fields | {"pin": PIN, "again": WRONG})
    assert other.status_code == 422 and 'data-code="pins-differ"' in other.text
    done = await bench.post(f"{BADGE}/first", data=fields | {"pin": PIN, "again": PIN})
    assert (done.status_code, done.headers["location"]) == (303, "/mes/")


async def test_an_operator_chooses_the_own_pin_with_a_password_only(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    own = await identity.signed_in(oleg.email)
    own.headers["accept-language"] = "en"
    assert "/sign-in/pin" in (await own.get(f"{ORIGIN}/sign-in")).text
    weak = await own.post(f"{ORIGIN}/sign-in/pin", data={"pin": "1987", "again": "1987"})
    assert weak.status_code == 422 and "a year or a date" in weak.text
    done = await own.post(f"{ORIGIN}/sign-in/pin", data={"pin": "8306", "again": "8306"})
    assert done.headers["location"] == "/sign-in/pin?done=yes"
    assert "Your PIN is set" in (await own.get(f"{ORIGIN}/sign-in/pin?done=yes")).text
    await scanned(bench, oleg.code)
    await typed(bench, "8306")
    for answer in (await bench.get(f"{ORIGIN}/sign-in/pin"), await bench.post(f"{ORIGIN}/sign-in/pin", data={})):
        assert answer.status_code == 403 and "with your password" in answer.text


async def test_another_site_cannot_press_anything(identity: Running) -> None:
    bench = await (await workshop_of(identity)).bench()
    for path in ("", "/pin", "/first", "/change"):
        answer = await bench.post(f"{BADGE}{path}", headers={"origin": "https://thief.example"})
        assert answer.status_code == 403


# -- people --------------------------------------------------------------------------------------------------------------


async def office(identity: Running) -> tuple[Workshop, httpx.AsyncClient]:
    client = identity.visitor()
    workshop = await workshop_of(identity)
    client.headers["accept-language"] = "en"
    await client.post(f"{ORIGIN}/sign-in", data={"email": "anna.admin@alexandrite.example", "password": STAFF_PASSWORD})
    return workshop, client


async def test_an_administrator_gives_a_badge_whose_code_is_shown_once(identity: Running) -> None:
    workshop, client = await office(identity)
    oleg = await workshop.employed()
    path = f"{ORIGIN}/people/{oleg.user_id}/badge"
    assert f"/people/{oleg.user_id}/badge" in (await client.get(f"{ORIGIN}/people?email={oleg.email}")).text
    before = await client.get(path)
    assert 'data-badge="no"' in before.text and 'data-pin="no"' in before.text

    card = await client.post(path)

    code = re.search(r'data-badge-code="(\d{20})"', card.text)
    one_time = re.search(r'data-one-time="(\d{8})"', card.text)
    assert card.status_code == 200 and code and one_time and "<svg" in card.text
    assert card.headers["cache-control"] == "no-store"
    after = await client.get(path)
    assert code.group(1) not in after.text and one_time.group(1) not in after.text and 'data-badge="yes"' in after.text
    # The same form sent again, by loading the page anew, must not end the badge that was just printed.
    again = await client.post(path)
    assert again.status_code == 409 and 'data-code="badge-changed"' in again.text
    bench = await workshop.bench()
    body = {"code": code.group(1), "pin": PIN, "one_time_code": one_time.group(1)}
    assert (await bench.post("/sessions/badge/first", json=body)).status_code == 200


async def test_an_administrator_unlocks_renews_and_revokes(identity: Running) -> None:
    workshop, client = await office(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    path = f"{ORIGIN}/people/{oleg.user_id}/badge"
    for _ in range(5):
        await bench.post("/sessions/badge", json={"code": oleg.code, "pin": WRONG})
    assert "locked" in (await client.get(f"{ORIGIN}/people?email={oleg.email}")).text
    assert 'data-locked="yes"' in (await client.get(path)).text
    assert (await client.post(f"{path}/unlock")).headers["location"] == f"/people/{oleg.user_id}/badge"
    assert 'data-locked="no"' in (await client.get(path)).text
    given = await client.post(f"{path}/one-time-code")
    assert re.search(r'data-one-time="\d{8}"', given.text) and 'data-pin="no"' in given.text
    assert (await client.post(f"{path}/revocation")).status_code == 303
    assert 'data-badge="no"' in (await client.get(path)).text
    gone = await client.post(f"{path}/revocation")
    assert gone.status_code == 404 and 'data-code="badge-unknown"' in gone.text
    assert (await client.get(f"{ORIGIN}/people/0190f0a0-0000-7000-8000-00000000000f/badge")).status_code == 404


async def test_an_administrator_makes_a_browser_a_workstation_and_takes_it_back(identity: Running) -> None:
    _, client = await office(identity)
    path = f"{ORIGIN}/people/workstations"
    made = await client.post(path, data={"name": " Bench of the office "})
    assert (made.status_code, made.headers["location"]) == (303, "/people/workstations")
    page = (await client.get(path)).text
    assert 'data-workstation="Bench of the office"' in page and "this browser" in page and 'name="name"' not in page
    again = await client.post(path, data={"name": "Another name"})
    assert again.status_code == 409 and 'data-code="workstation-already"' in again.text
    workstation_id = re.search(r'id="w-([0-9a-f-]{36})" data-workstation="Bench of the office"', page)
    assert workstation_id
    revoked = await client.post(f"{path}/{workstation_id.group(1)}/revocation")
    assert revoked.status_code == 303 and "__Host-workstation" not in client.cookies
    assert "Bench of the office" not in (await client.get(path)).text
    taken = await client.post(f"{path}/{workstation_id.group(1)}/revocation")
    assert taken.status_code == 404 and 'data-code="workstation-unknown"' in taken.text


async def test_these_pages_are_for_administrators(identity: Running) -> None:
    workshop = await workshop_of(identity)
    oleg: Carrier = await workshop.employed()
    own = await identity.signed_in(oleg.email)
    for path in ("workstations", f"{oleg.user_id}/badge"):
        assert (await own.get(f"{ORIGIN}/people/{path}")).status_code == 403
        assert (await own.post(f"{ORIGIN}/people/{path}", data={"name": "x"})).status_code == 403
