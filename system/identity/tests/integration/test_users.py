"""Accounts and roles, as administrators manage them; the demo staff; the public keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from system.identity.application import handlers
from system.identity.application.commands import AddUser, GiveRoles, Register, SeedStaff, SignIn
from system.identity.application.handlers import Tools
from system.identity.domain.errors import LastAdministrator
from system.identity.domain.staff import DEMO_STAFF
from system.identity.domain.user import Language, Role
from system.identity.entrypoints import cli
from system.identity.tests.integration.conftest import ADMINISTRATOR, PASSWORD, STAFF_PASSWORD, Running

pytestmark = pytest.mark.integration


async def test_seed_makes_the_staff_once(identity: Running) -> None:
    tools = identity.service.app.state.tools
    await handlers.seed_staff(SeedStaff(STAFF_PASSWORD), tools)

    assert await handlers.seed_staff(SeedStaff(STAFF_PASSWORD), tools) == []

    staff = await identity.rows("SELECT email, roles FROM user_account WHERE email LIKE '%@alexandrite.example'")
    assert {row.email: set(row.roles) for row in staff} == {email: set(roles) for email, _, roles in DEMO_STAFF}
    await identity.signed_in("oksana.operator@alexandrite.example", STAFF_PASSWORD)


async def test_two_seeds_at_once_and_a_new_password(identity: Running) -> None:
    tools = identity.service.app.state.tools
    await asyncio.gather(*(handlers.seed_staff(SeedStaff(STAFF_PASSWORD), tools) for _ in range(3)))

    changed = await handlers.seed_staff(SeedStaff("another password"), tools)

    assert len(changed) == len(DEMO_STAFF)
    await identity.signed_in(ADMINISTRATOR, "another password")
    await handlers.seed_staff(SeedStaff(STAFF_PASSWORD), tools)


async def test_seed_refuses_production_and_no_password(identity: Running, capsys: pytest.CaptureFixture[str]) -> None:
    tools = identity.service.app.state.tools

    assert await cli.seed(tools, environment="production", password=STAFF_PASSWORD) == 1
    assert await cli.seed(tools, environment="dev", password="") == 1
    assert "not for production" in capsys.readouterr().err
    assert await cli.seed(tools, environment="dev", password=STAFF_PASSWORD) == 0


async def test_administrator_adds_an_operator(identity: Running) -> None:
    administrator = await identity.administrator()
    body = {
        "email": "Nina.Operator@example.com",
        "name": "Nina",
        "password": "ten little rubies",
        "roles": ["operator"],
    }

    answer = await administrator.post("/users", json=body)

    assert answer.status_code == 201
    assert answer.json()["roles"] == ["operator"]
    nina = await identity.signed_in("nina.operator@example.com", "ten little rubies")
    assert (await nina.get("/me")).json()["id"] == answer.json()["id"]
    assert (await administrator.post("/users", json=body)).json()["code"] == "email-taken"
    written = await identity.rows("SELECT 1 FROM audit_log WHERE action = 'user-added' AND subject = :id",
                                  id=answer.json()["id"])  # fmt: skip
    assert len(written) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "/users"), ("POST", "/users"), ("PUT", "/users/{id}/roles")])
async def test_only_administrators_manage_users(identity: Running, method: str, path: str) -> None:
    email = f"curious-{method.lower()}@example.com"
    await identity.registered(email)
    curious = await identity.signed_in(email)
    own_id = (await curious.get("/me")).json()["id"]
    body = {"roles": ["administrator"], "email": "x@example.com", "name": "X", "password": "0123456789"}

    answer = await curious.request(method, path.format(id=own_id), json=body if method != "GET" else None)

    assert answer.status_code == 403
    assert (await identity.visitor().request(method, path.format(id=own_id))).status_code == 401
    assert (await curious.get("/me")).json()["roles"] == ["customer"]


async def test_new_roles_sign_the_user_out_everywhere(identity: Running) -> None:
    await identity.registered("promoted@example.com")
    promoted = await identity.signed_in("promoted@example.com")
    user_id = (await promoted.get("/me")).json()["id"]
    administrator = await identity.administrator()

    answer = await administrator.put(f"/users/{user_id}/roles", json={"roles": ["seller", "customer"]})

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["customer", "seller"]
    assert (await promoted.get("/me")).status_code == 401
    assert (await promoted.post("/sessions/refresh")).status_code == 401
    again = await identity.signed_in("promoted@example.com")
    assert (await again.get("/me")).json()["roles"] == ["customer", "seller"]


async def test_the_same_roles_again_sign_nobody_out(identity: Running) -> None:
    await identity.registered("same@example.com")
    client = await identity.signed_in("same@example.com")
    user_id = (await client.get("/me")).json()["id"]
    administrator = await identity.administrator()

    answer = await administrator.put(f"/users/{user_id}/roles", json={"roles": ["customer"]})

    assert answer.status_code == 200
    assert (await client.get("/me")).status_code == 200


async def test_the_last_administrator_cannot_be_dismissed(identity: Running) -> None:
    administrator = await identity.administrator()
    own_id = (await administrator.get("/me")).json()["id"]

    answer = await administrator.put(f"/users/{own_id}/roles", json={"roles": ["seller"]})

    assert answer.status_code == 409
    assert answer.json()["code"] == "last-administrator"
    assert (await administrator.get("/me")).json()["roles"] == ["administrator"]


async def test_two_administrators_cannot_dismiss_each_other_at_once(identity: Running) -> None:
    tools = identity.service.app.state.tools
    first = (await (await identity.administrator()).get("/me")).json()["id"]
    second = await handlers.add_user(
        AddUser("second@example.com", "0123456789", "Second", frozenset({Role.ADMINISTRATOR}), by="test"), tools
    )
    slowly, decided, go_on = paused_before_commit(tools)
    nobody: frozenset[Role] = frozenset()
    slow = asyncio.create_task(handlers.give_roles(GiveRoles(second.user_id, nobody, by="first"), slowly))
    await decided.wait()
    other = asyncio.create_task(handlers.give_roles(GiveRoles(UUID(first), nobody, by="second"), tools))
    await until_done_or_waiting_for_a_lock(other, identity)
    go_on.set()

    assert (await slow).roles == nobody
    with pytest.raises(LastAdministrator):
        await other


async def test_a_sign_in_while_roles_are_given_gets_the_new_ones(identity: Running) -> None:
    tools = identity.service.app.state.tools
    user = await handlers.register(Register("meanwhile@example.com", PASSWORD, "Anna", None, Language.ENGLISH), tools)
    slowly, decided, go_on = paused_before_commit(tools)
    giving = asyncio.create_task(
        handlers.give_roles(GiveRoles(user.user_id, frozenset({Role.SELLER}), by="test"), slowly)
    )
    await decided.wait()
    signing_in = asyncio.create_task(handlers.sign_in(SignIn("meanwhile@example.com", PASSWORD), tools))
    await until_done_or_waiting_for_a_lock(signing_in, identity)
    go_on.set()

    await giving
    assert (await signing_in).user.roles == {Role.SELLER}


def paused_before_commit(tools: Tools) -> tuple[Tools, asyncio.Event, asyncio.Event]:
    """Tools whose commits wait; an event that says that one waits, and an event that lets it go on."""
    decided, go_on = asyncio.Event(), asyncio.Event()

    def begin() -> Any:
        uow: Any = tools.begin()
        commit = uow.commit

        async def commit_later() -> None:
            decided.set()
            await go_on.wait()
            await commit()

        uow.commit = commit_later
        return uow

    return replace(tools, begin=begin), decided, go_on


async def until_done_or_waiting_for_a_lock(task: asyncio.Task[Any], identity: Running) -> None:
    """Returns when the task has ended, or when some transaction in our database waits for an advisory lock."""
    waiting = (
        "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    async with asyncio.timeout(20):
        while not task.done() and not await identity.rows(waiting):
            await asyncio.sleep(0.01)


async def test_unknown_user_is_not_found(identity: Running) -> None:
    administrator = await identity.administrator()

    answer = await administrator.put("/users/00000000-0000-7000-8000-000000000000/roles", json={"roles": ["seller"]})

    assert answer.status_code == 404


async def test_users_are_listed_page_by_page(identity: Running) -> None:
    administrator = await identity.administrator()
    for number in range(5):
        await identity.registered(f"listed-{number}@example.com")

    seen: list[str] = []
    cursor = ""
    for _ in range(9):
        page = (await administrator.get(f"/users?limit=2&email=listed-&cursor={cursor}")).json()
        seen += [item["email"] for item in page["items"]]
        cursor = page["next"] or ""
        if not cursor:
            break

    assert seen == [f"listed-{number}@example.com" for number in (4, 3, 2, 1, 0)]


async def test_users_are_narrowed_by_role(identity: Running) -> None:
    administrator = await identity.administrator()

    page = (await administrator.get("/users", params={"role": "seller", "limit": 100})).json()

    emails = {item["email"] for item in page["items"]}
    assert "sofia.seller@alexandrite.example" in emails
    assert all("seller" in item["roles"] for item in page["items"])


@pytest.mark.parametrize("cursor", ["!", "WzFd", "WyJ4IiwgInkiXQ", "WzEsIDJd", "eyJhIjogMX0"])
async def test_made_up_cursor_is_refused(identity: Running, cursor: str) -> None:
    administrator = await identity.administrator()

    assert (await administrator.get("/users", params={"cursor": cursor})).status_code == 422


async def test_public_keys_are_public_and_hold_no_secret(identity: Running) -> None:
    answer = await identity.visitor().get("/jwks.json")

    assert answer.status_code == 200
    keys = {key["kid"]: key for key in answer.json()["keys"]}
    assert keys["identity"]["crv"] == "Ed25519"
    assert not any("d" in key for key in keys.values())


async def test_a_private_key_given_by_mistake_is_not_shown(start_identity: Callable[..., Running]) -> None:
    jwks = (
        '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "identity", '
        '"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", '
        '"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}'
    )
    answer = await start_identity(jwks=jwks).visitor().get("/jwks.json")

    assert [sorted(key) for key in answer.json()["keys"]] == [["crv", "kid", "kty", "x"]]


async def test_long_ended_sessions_and_failures_are_forgotten(identity: Running) -> None:
    await identity.registered("pruned@example.com")
    client = await identity.signed_in("pruned@example.com")
    await client.delete("/sessions/current")
    live = await identity.signed_in("pruned@example.com")
    await identity.visitor().post("/sessions", json={"email": "typo@example.com", "password": "wrong"})

    await handlers.prune(identity.service.make_uow, ended_kept=timedelta(0), failures_kept=timedelta(0))

    assert not await identity.rows("SELECT 1 FROM session WHERE revoked_at IS NOT NULL")
    assert not await identity.rows("SELECT 1 FROM sign_in_attempts")
    assert (await live.post("/sessions/refresh")).status_code == 200


async def test_the_audit_log_cannot_be_changed(identity: Running) -> None:
    await identity.registered("audited@example.com")

    with pytest.raises(Exception, match="permission denied"):
        await identity.rows("DELETE FROM audit_log")
