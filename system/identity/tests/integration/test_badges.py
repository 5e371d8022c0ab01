"""Signing in by badge and PIN, where it works and how far it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from system.identity.domain.badge import code_of
from system.identity.tests.integration.badges import PIN, WRONG, Carrier, by_badge, workshop_of
from system.identity.tests.integration.conftest import Running
from system.identity.tests.integration.test_sessions import cookie_line
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration
STRANGE = Carrier("", "", code_of(4_711))


async def test_an_operator_signs_in_at_a_workstation(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()

    answer = await by_badge(bench, oleg)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["user"]["id"], body["user"]["roles"], body["expires_in"]) == (oleg.user_id, ["operator"], 600)
    assert (await bench.get("/me")).status_code == 200
    principal = TokenAuthority(identity.service.settings).verify(body["access_token"])
    assert (principal.idle_s, principal.roles) == (600, frozenset({"operator"}))
    assert "max-age=600" in cookie_line(answer, "__Secure-refresh").lower()
    [said] = await workshop.audited("signed-in-by-badge", oleg.user_id)
    assert said["badge"] == oleg.badge_id and said["pin_chosen"] is False
    state = (await workshop.administrator.get(f"/users/{oleg.user_id}/badge")).json()
    assert state["has_pin"] and state["last_used_at"] and not state["locked_at"]


async def test_the_device_cookie_is_out_of_reach_for_scripts_and_kept_long(identity: Running) -> None:
    workshop = await workshop_of(identity)
    made = await workshop.administrator.post("/workstations", json={"name": "Bench by the window"})
    line = cookie_line(made, "__Host-workstation").lower()
    assert all(part in line for part in ("httponly", "secure", "path=/", f"max-age={400 * 86_400}"))
    assert "domain" not in line
    secret = made.cookies["__Host-workstation"]
    assert secret not in made.text
    kept = await identity.rows("SELECT secret_digest FROM workstation WHERE name = 'Bench by the window'")
    assert secret.encode() not in kept[0].secret_digest


async def test_a_badge_never_brings_the_other_roles_along_not_even_later(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, ada = await workshop.bench(), await workshop.carrier("operator", "administrator", "seller")

    first = await by_badge(bench, ada)
    later = await bench.post("/sessions/refresh")

    assert first.json()["user"]["roles"] == later.json()["user"]["roles"] == ["operator"]
    assert (await bench.get("/users")).status_code == 403
    refused = await bench.put("/me/pin", json={"pin": "8306"})
    assert (refused.status_code, refused.json()["code"]) == (403, "password-needed")
    # Other tests are about the only administrator there is.
    dismissed = await workshop.administrator.put(f"/users/{ada.user_id}/roles", json={"roles": ["operator"]})
    assert dismissed.status_code == 200


async def test_elsewhere_a_badge_opens_nothing(identity: Running) -> None:
    workshop = await workshop_of(identity)
    oleg = await workshop.carrier()
    for home in (identity.visitor(), await identity.signed_in(oleg.email)):
        answer = await by_badge(home, oleg)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-a-workstation")
    state = (await workshop.administrator.get(f"/users/{oleg.user_id}/badge")).json()
    assert state["locked_at"] is None


async def test_a_session_by_badge_goes_on_at_its_workstation_only(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, other, oleg = await workshop.bench(), await workshop.bench(), await workshop.carrier()
    await by_badge(bench, oleg)
    stolen = bench.cookies["__Secure-refresh"]

    for thief in (identity.visitor(), other):
        line = "; ".join(f"{name}={value}" for name, value in [*thief.cookies.items(), ("__Secure-refresh", stolen)])
        answer = await thief.post("/sessions/refresh", headers={"cookie": line})
        assert answer.status_code == 401

    assert (await bench.post("/sessions/refresh")).status_code == 200


async def test_nobody_there_for_ten_minutes_ends_it(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    await by_badge(bench, oleg)
    async with identity.service.make_uow() as uow:
        # As if the refresh token had been given ten minutes ago.
        await uow.connection.execute(
            text(
                "UPDATE refresh_token SET expires_at = now() - interval '1 second' WHERE session_id IN "
                "(SELECT session_id FROM session WHERE user_id = CAST(:user_id AS uuid))"
            ),
            {"user_id": oleg.user_id},
        )
        await uow.commit()

    assert (await bench.post("/sessions/refresh")).status_code == 401


async def test_the_next_person_ends_the_session_of_the_one_before(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg, olga = await workshop.bench(), await workshop.carrier(), await workshop.carrier()
    former = (await by_badge(bench, oleg)).json()["access_token"]

    changed = await by_badge(bench, olga)

    assert changed.json()["user"]["id"] == olga.user_id
    over = await identity.visitor().get("/me", headers={"authorization": f"Bearer {former}"})
    assert over.status_code == 401


async def test_unknown_badge_wrong_pin_and_no_pin_look_alike(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    new = await workshop.given_badge(await workshop.employed())

    answers = [
        await by_badge(bench, oleg, WRONG),
        await by_badge(bench, STRANGE),
        await by_badge(bench, new),
        await by_badge(bench, oleg, ""),
    ]

    assert {answer.status_code for answer in answers} == {401}
    said = [{k: v for k, v in answer.json().items() if k != "trace_id"} for answer in answers]
    assert said.count(said[0]) == len(said)


async def test_unknown_and_known_badges_take_as_long(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(
        hashing_time_cost=3, hashing_memory_kib=32_768, workstation_free_failures=1000, badge_tries_max=1000
    )
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()

    async def elapsed_s(carrier: Carrier) -> float:
        started = time.perf_counter()
        await by_badge(bench, carrier, WRONG)
        return time.perf_counter() - started

    known, unknown = [], []
    for _ in range(5):
        known.append(await elapsed_s(oleg))
        unknown.append(await elapsed_s(STRANGE))
    assert min(unknown) > 0.5 * min(known)


async def test_five_wrong_pins_lock_and_an_administrator_unlocks(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()

    codes = [(await by_badge(bench, oleg, WRONG)).json()["code"] for _ in range(5)]
    even_right = await by_badge(bench, oleg)

    assert codes == ["badge-refused"] * 4 + ["badge-locked"]
    assert (even_right.status_code, even_right.json()["code"]) == (403, "badge-locked")
    refused = await workshop.audited("badge-refused", oleg.user_id)
    assert [said["because"] for said in refused] == ["wrong"] * 4 + ["locks", "locked"]
    assert all(oleg.code not in str(said) and WRONG not in str(said) for said in refused)
    unlocked = await workshop.administrator.delete(f"/users/{oleg.user_id}/badge/lock")
    assert unlocked.status_code == 204
    [said] = await workshop.audited("badge-unlocked", oleg.user_id)
    assert said["was_locked"] is True and "Анна Орлова" in said["actor"]
    assert (await by_badge(bench, oleg)).status_code == 200


async def test_the_right_pin_forgives_the_wrong_ones(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    for _ in range(3):
        for _ in range(4):
            assert (await by_badge(bench, oleg, WRONG)).status_code == 401
        assert (await by_badge(bench, oleg)).status_code == 200


async def test_a_burst_of_guesses_gets_no_more_than_five(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(workstation_free_failures=1000)
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()

    answers = await asyncio.gather(*(by_badge(bench, oleg, f"{7000 + guess}") for guess in range(30)))

    assert {answer.status_code for answer in answers} <= {401, 403}
    [row] = await identity.rows("SELECT tries FROM pin WHERE user_id = CAST(:u AS uuid)", u=oleg.user_id)
    assert row.tries == 5
    compared = await workshop.audited("badge-refused", oleg.user_id)
    assert sum(said["because"] in ("wrong", "locks") for said in compared) == 5


async def test_many_badges_at_one_workstation_are_slowed_down_there_and_nowhere_else(
    start_identity: Callable[..., Running],
) -> None:
    identity = start_identity(workstation_free_failures=3)
    workshop = await workshop_of(identity)
    bench, other = await workshop.bench(), await workshop.bench()
    oleg = await workshop.carrier()
    for number in range(4):
        assert (await by_badge(bench, Carrier("", "", code_of(number)))).status_code == 401

    slowed = await by_badge(bench, oleg)

    assert (slowed.status_code, slowed.json()["code"]) == (429, "too-many-wrong-pins")
    assert 1 <= int(slowed.headers["retry-after"]) <= 5
    assert (await by_badge(other, oleg)).status_code == 200


async def test_a_code_that_was_read_in_part_costs_nothing(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    for part in (oleg.code[:-1], "", "4096", "й" * 20):
        answer = await bench.post("/sessions/badge", json={"code": part, "pin": PIN})
        assert (answer.status_code, answer.json()["code"]) == (422, "badge-unreadable")
    assert not await workshop.audited("badge-refused", oleg.user_id)


# -- one-time codes ------------------------------------------------------------------------------------------------------


async def test_the_first_use_with_a_one_time_code_chooses_the_pin(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.given_badge(await workshop.employed())
    first = {"code": oleg.code, "pin": "1234", "one_time_code": oleg.one_time_code}

    weak = await bench.post("/sessions/badge/first", json=first)
    wrong = await bench.post("/sessions/badge/first", json=first | {"pin": PIN, "one_time_code": "00000000"})
    right = await bench.post("/sessions/badge/first", json=first | {"pin": PIN})
    again = await bench.post("/sessions/badge/first", json=first | {"pin": "8306"})

    assert (weak.status_code, weak.json()["code"]) == (422, "pin-counts")
    assert (wrong.status_code, right.status_code, again.status_code) == (401, 200, 401)
    assert (await by_badge(bench, oleg)).status_code == 200
    hashes = await identity.rows(
        "SELECT pin_hash, one_time_hash FROM pin WHERE user_id = CAST(:u AS uuid)", u=oleg.user_id
    )
    assert hashes[0].pin_hash.startswith("$argon2id$") and hashes[0].one_time_hash is None


async def test_an_old_one_time_code_opens_nothing(start_identity: Callable[..., Running]) -> None:
    identity = start_identity(badge_one_time_code_s=0)
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.given_badge(await workshop.employed())
    body = {"code": oleg.code, "pin": PIN, "one_time_code": oleg.one_time_code}
    assert (await bench.post("/sessions/badge/first", json=body)).status_code == 401


async def test_who_forgot_the_pin_gets_a_one_time_code_that_unlocks_too(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    for _ in range(5):
        await by_badge(bench, oleg, WRONG)

    given = await workshop.administrator.post(f"/users/{oleg.user_id}/badge/one-time-codes")

    assert given.status_code == 201
    assert (await by_badge(bench, oleg)).status_code == 401, "the old PIN has ended"
    body = {"code": oleg.code, "pin": "8306", "one_time_code": given.json()["one_time_code"]}
    assert (await bench.post("/sessions/badge/first", json=body)).status_code == 200
    [said] = await workshop.audited("one-time-code-given", oleg.user_id)
    assert said["was_locked"] and given.json()["one_time_code"] not in str(said)


# -- what administrators take away ---------------------------------------------------------------------------------------


async def test_a_revoked_badge_ends_at_once_with_its_sessions(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    await by_badge(bench, oleg)
    own = await identity.signed_in(oleg.email)

    assert (await workshop.administrator.delete(f"/users/{oleg.user_id}/badge")).status_code == 204

    assert (await bench.get("/me")).status_code == 401
    assert (await bench.post("/sessions/refresh")).status_code == 401
    assert (await by_badge(bench, oleg)).json()["code"] == "badge-refused"
    assert (await own.get("/me")).status_code == 200, "a session by password is none of the badge's"
    assert (await workshop.administrator.delete(f"/users/{oleg.user_id}/badge")).json()["code"] == "badge-unknown"


async def test_a_new_badge_replaces_the_one_that_is_shown_and_the_pin_stays(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    path = f"/users/{oleg.user_id}/badge"
    for stale in (None, "0190f0a0-0000-7000-8000-00000000000f"):
        refused = await workshop.administrator.post(path, json={"replaces": stale})
        assert (refused.status_code, refused.json()["code"]) == (409, "badge-changed")

    new = await workshop.given_badge(oleg, replaces=oleg.badge_id)

    assert new.one_time_code == "" and new.code != oleg.code
    assert (await by_badge(bench, oleg)).status_code == 401
    assert (await by_badge(bench, new)).status_code == 200
    kept = await identity.rows("SELECT code_digest FROM badge WHERE badge_id = CAST(:b AS uuid)", b=new.badge_id)
    assert len(kept[0].code_digest) == 32
    assert len(await workshop.audited("badge-issued", oleg.user_id)) == 2


async def test_a_revoked_workstation_lets_nobody_in_and_sends_home_who_is_there(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench("Bench to be revoked"), await workshop.carrier()
    await by_badge(bench, oleg)
    listed = (await workshop.administrator.get("/workstations")).json()["items"]
    [mine] = [one for one in listed if one["name"] == "Bench to be revoked"]
    path = f"/workstations/{mine['workstation_id']}"

    assert (await workshop.administrator.delete(path)).status_code == 204

    assert (await bench.get("/me")).status_code == 401
    assert (await by_badge(bench, oleg)).json()["code"] == "not-a-workstation"
    assert (await workshop.administrator.delete(path)).json()["code"] == "workstation-unknown"
    assert mine["workstation_id"] not in (await workshop.administrator.get("/workstations")).text


async def test_names_of_workstations_are_used_once_and_a_browser_is_one_at_most(identity: Running) -> None:
    workshop = await workshop_of(identity)
    await workshop.bench("Bench once")
    taken = await workshop.administrator.post("/workstations", json={"name": "bench ONCE"})
    assert (taken.status_code, taken.json()["code"]) == (409, "workstation-name-taken")
    await workshop.administrator.post("/workstations", json={"name": "Bench of my own"})
    twice = await workshop.administrator.post("/workstations", json={"name": "Bench twice"})
    assert (twice.status_code, twice.json()["code"]) == (409, "workstation-already")


async def test_who_is_no_operator_any_more_does_not_get_in(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    await by_badge(bench, oleg)
    await workshop.administrator.put(f"/users/{oleg.user_id}/roles", json={"roles": ["seller"]})

    assert (await bench.get("/me")).status_code == 401
    answer = await by_badge(bench, oleg)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-an-operator")
    seller = await workshop.employed("seller")
    refused = await workshop.administrator.post(f"/users/{seller.user_id}/badge", json={})
    assert refused.json()["code"] == "not-an-operator"


async def test_badges_and_workstations_are_an_administrators(identity: Running) -> None:
    workshop = await workshop_of(identity)
    oleg = await workshop.carrier()
    own = await identity.signed_in(oleg.email)
    asked = [
        ("GET", "/workstations", None),
        ("POST", "/workstations", {"name": "Mine"}),
        ("DELETE", f"/workstations/{oleg.user_id}", None),
        ("GET", f"/users/{oleg.user_id}/badge", None),
        ("POST", f"/users/{oleg.user_id}/badge", {}),
        ("DELETE", f"/users/{oleg.user_id}/badge", None),
        ("POST", f"/users/{oleg.user_id}/badge/one-time-codes", None),
        ("DELETE", f"/users/{oleg.user_id}/badge/lock", None),
    ]
    for method, path, body in asked:
        assert (await own.request(method, path, json=body)).status_code == 403, path
        assert (await identity.visitor().request(method, path, json=body)).status_code == 401, path


async def test_another_site_cannot_sign_in_by_badge(identity: Running) -> None:
    workshop = await workshop_of(identity)
    bench, oleg = await workshop.bench(), await workshop.carrier()
    bench.headers["origin"] = "https://thief.example"
    assert (await by_badge(bench, oleg)).json()["code"] == "cross-site-request"
