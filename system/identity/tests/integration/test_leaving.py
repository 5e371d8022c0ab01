"""A customer's way out of identity, on a real database: emptied at the request, worked off across restarts, gone at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from system.identity.application.erasures import ErasureTools, work_off
from system.identity.domain.erasure import SERVICES
from system.identity.entrypoints.leaving import Leaving
from system.identity.tests.integration.conftest import PASSWORD, Running
from system.identity.tests.unit.leaving_memory import MODEL, ORDER, Peers
from system.plumbing.tests.canaries import plant

pytestmark = pytest.mark.integration
ORIGIN = "https://localhost:8443"


def surrounded(identity: Running, peers: Peers) -> ErasureTools:
    """Identity, with the services around it as the test wants them."""
    wired: Leaving = identity.service.app.state.leaving
    tools = ErasureTools(wired.tools.identity, peers, wired.tools.terms)
    identity.service.app.state.leaving = Leaving(tools, wired.account)
    return tools


@pytest.fixture
def peers() -> Peers:
    return Peers()


async def gone(identity: Running, email: str) -> UUID:
    """Somebody who has asked to leave."""
    await identity.registered(email)
    browser = await identity.signed_in(email)
    user_id = UUID((await browser.get("/me")).json()["id"])
    answer = await browser.post("/me/erasure", json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    return user_id


async def steps_of(identity: Running, user_id: UUID) -> list[Any]:
    return await identity.rows("SELECT * FROM erasure_step WHERE user_id = :id ORDER BY round, service", id=user_id)


@pytest.fixture(autouse=True)
async def nobody_else_leaves(identity: Running) -> None:
    """Whoever other tests left on their way out is not asked about here."""
    async with identity.service.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE erasure_step SET done_at = now() WHERE done_at IS NULL")
        await connection.exec_driver_sql("UPDATE erasure SET finished_at = now() WHERE finished_at IS NULL")


async def test_the_copy_tells_of_account_and_sessions(identity: Running, peers: Peers) -> None:
    surrounded(identity, peers)
    await identity.registered("copied@example.com")
    browser = await identity.signed_in("copied@example.com")

    told = (await browser.get("/me/data")).json()

    assert (told["account"]["email"], told["account"]["name"]) == ("copied@example.com", "Anna")
    assert len(told["account"]["sessions"]) == 1 and "hash" in told["account"]["signs_in_by"]
    assert "argon2" not in str(told)


async def test_nobody_is_left_in_any_table(
    start_identity: Callable[..., Running], identity_database: Any, peers: Peers
) -> None:
    identity = start_identity(erasure_second_round_s=0)
    tools, anna = surrounded(identity, peers), plant()
    visitor = identity.visitor()
    form = {"email": anna.email, "password": PASSWORD, "name": anna.name, "phone": anna.phone}
    assert (await visitor.post("/registrations", json=form)).status_code == 201
    browser = await identity.signed_in(anna.email)
    assert "user_account" in anna.traces(identity_database, "identity")

    assert (await browser.post("/me/erasure", json={"password": PASSWORD})).status_code == 202
    assert anna.traces(identity_database, "identity") == {}, "at the request already"
    assert (await browser.get("/me")).status_code == (await browser.post("/sessions/refresh")).status_code == 401
    user_id = next(iter(await identity.rows("SELECT user_id FROM erasure ORDER BY requested_at DESC"))).user_id
    while await work_off(tools):
        pass

    for table in ("user_account", "session"):
        assert await identity.rows(f"SELECT 1 FROM {table} WHERE user_id = :id", id=user_id) == []  # noqa: S608 - ours
    [erasure] = await identity.rows("SELECT * FROM erasure WHERE user_id = :id", id=user_id)
    assert erasure.finished_at is not None and list(erasure.order_ids) == [ORDER] and list(erasure.model_ids) == [MODEL]
    assert sorted(peers.asked) == sorted(SERVICES * 2)


async def test_a_new_process_goes_on_where_the_last_one_was(
    start_identity: Callable[..., Running], peers: Peers
) -> None:
    first = start_identity()
    tools = surrounded(first, peers)
    peers.silent = {"crm"}
    user_id = await gone(first, "restarted@example.com")
    while await work_off(tools):
        pass
    waiting = {step.service for step in await steps_of(first, user_id) if step.round == 1 and step.done_at is None}
    assert waiting == {"crm"}

    second = start_identity()
    peers.silent, peers.asked = set(), []
    await second.rows("SELECT 1")
    async with second.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE erasure_step SET next_attempt_at = now() WHERE done_at IS NULL AND round = 1"
        )
    await work_off(surrounded(second, peers))

    assert peers.asked == ["crm"] and peers.reached["crm"] == ((ORDER,), (MODEL,))


async def test_the_second_round_waits(identity: Running, peers: Peers) -> None:
    tools = surrounded(identity, peers)
    user_id = await gone(identity, "waiting@example.com")

    while await work_off(tools):
        pass

    done = [(step.round, step.service) for step in await steps_of(identity, user_id) if step.done_at]
    assert done == sorted((1, service) for service in SERVICES)
    assert await identity.rows("SELECT 1 FROM user_account WHERE user_id = :id", id=user_id)


async def test_many_who_wait_for_one_service_keep_nobody_from_their_turn(identity: Running, peers: Peers) -> None:
    tools = surrounded(identity, peers)
    peers.silent = {"mes"}
    for number in range(4):
        await gone(identity, f"stuck-{number}@example.com")
    while await work_off(tools, at_most=2):
        pass
    newest = await gone(identity, "newest@example.com")

    while await work_off(tools, at_most=2):
        pass

    done = {step.service for step in await steps_of(identity, newest) if step.done_at and step.round == 1}
    assert done == set(SERVICES) - {"mes"}


async def test_pressed_twice_at_once_it_happens_once(identity: Running, peers: Peers) -> None:
    surrounded(identity, peers)
    await identity.registered("twice@example.com")
    browser = await identity.signed_in("twice@example.com")
    user_id = (await browser.get("/me")).json()["id"]

    answers = await asyncio.gather(
        *(browser.post(f"{ORIGIN}/account/delete", data={"password": PASSWORD}) for _ in range(3))
    )

    assert {answer.status_code for answer in answers} <= {200, 303, 401, 422}
    assert 200 in {answer.status_code for answer in answers}
    requested = await identity.rows(
        "SELECT 1 FROM audit_log WHERE action = 'erasure-requested' AND subject = :id", id=user_id
    )
    assert len(requested) == 1


async def test_the_e_mail_is_free_for_another_account(identity: Running, peers: Peers) -> None:
    surrounded(identity, peers)
    user_id = await gone(identity, "again@example.com")
    old = await identity.visitor().post("/sessions", json={"email": "again@example.com", "password": PASSWORD})
    assert old.status_code == 401

    await identity.registered("again@example.com")
    browser = await identity.signed_in("again@example.com")

    assert (await browser.get("/me")).json()["id"] != str(user_id)
