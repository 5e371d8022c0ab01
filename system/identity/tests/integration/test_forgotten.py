"""Forgotten passwords on a real database: what only it can decide, and what it must not know."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from system.identity.entrypoints.notices import letters_of
from system.identity.tests.integration.conftest import PASSWORD, Running
from system.plumbing.mail.box import kept_of
from system.plumbing.mail.sealing import Seal
from system.plumbing.tests.post import real_post

pytestmark = pytest.mark.integration
ORIGIN = "https://localhost:8443"
ANOTHER = "eight corals in a cave"
WAITING = (
    "SELECT * FROM notice WHERE address = :email AND state = 'waiting' AND kind = 'password-reset' ORDER BY created_at"
)


async def asks(identity: Running, email: str) -> int:
    answer = await identity.visitor().post(f"{ORIGIN}/api/identity/v1/password-resets", json={"email": email})
    return answer.status_code


async def token_of(identity: Running, email: str) -> str:
    """The secret in the one letter that waits for this address."""
    [row] = await identity.rows(WAITING, email=email)
    app = identity.service.app
    letters = letters_of(app.state.pages, Seal(identity.service.settings.signing_key), public_url=ORIGIN)
    found = re.search(r"/sign-in/reset/([\w-]+)", letters.write(kept_of(row).notice).text)
    assert found is not None
    return found[1]


async def resets(identity: Running, token: str, password: str = ANOTHER) -> int:
    path = f"{ORIGIN}/api/identity/v1/password-resets/{token}"
    return (await identity.visitor().put(path, json={"password": password})).status_code


@pytest.fixture
async def identity(start_identity: Callable[..., Running]) -> Running:
    """Identity that answers at once."""
    return start_identity(password_reset_answer_s=0.0, password_reset_free_asks=20)


async def test_many_requests_at_once_leave_one_link_that_works(identity: Running) -> None:
    await identity.registered("pressed.reset@example.com")
    assert await asyncio.gather(*(asks(identity, "pressed.reset@example.com") for _ in range(5))) == [202] * 5
    open_ = "SELECT count(*) AS n FROM password_reset r JOIN user_account u USING (user_id) WHERE u.email = :email AND over_at IS NULL"
    [row] = await identity.rows(open_, email="pressed.reset@example.com")
    assert row.n == 1
    assert await resets(identity, await token_of(identity, "pressed.reset@example.com")) == 200


async def test_a_link_pressed_many_times_at_once_sets_one_password(identity: Running) -> None:
    await identity.registered("link.reset@example.com")
    await asks(identity, "link.reset@example.com")
    token = await token_of(identity, "link.reset@example.com")
    answers = await asyncio.gather(*(resets(identity, token, f"{ANOTHER} {number}") for number in range(4)))
    assert sorted(answers) == [200, 404, 404, 404]
    changed = "SELECT 1 FROM notice WHERE address = :email AND kind = 'password-changed'"
    assert len(await identity.rows(changed, email="link.reset@example.com")) == 1


async def test_a_new_password_ends_every_session_and_opens_the_account(identity: Running) -> None:
    await identity.registered("sessions.reset@example.com")
    before = [await identity.signed_in("sessions.reset@example.com") for _ in range(2)]
    await asks(identity, "sessions.reset@example.com")
    assert await resets(identity, await token_of(identity, "sessions.reset@example.com")) == 200
    for browser in before:
        assert (await browser.get("/me")).status_code == (await browser.post("/sessions/refresh")).status_code == 401
    await identity.signed_in("sessions.reset@example.com", ANOTHER)
    old = await identity.visitor().post("/sessions", json={"email": "sessions.reset@example.com", "password": PASSWORD})
    assert old.status_code == 401


async def test_the_database_does_not_know_the_link(identity: Running) -> None:
    await identity.registered("secret.reset@example.com")
    await asks(identity, "secret.reset@example.com")
    token = await token_of(identity, "secret.reset@example.com")
    async with identity.service.engine.connect() as connection:
        for table in ("notice", "password_reset", "audit_log", "procrastinate_jobs"):
            found = await connection.execute(
                text(f"SELECT 1 FROM {table} t WHERE t::text LIKE :secret"),  # noqa: S608
                {"secret": f"%{token}%"},
            )
            assert found.first() is None, table


async def test_a_link_that_is_too_old_and_one_of_nobody_open_nothing(identity: Running) -> None:
    await identity.registered("old.reset@example.com")
    await asks(identity, "old.reset@example.com")
    token = await token_of(identity, "old.reset@example.com")
    async with identity.service.engine.begin() as connection:
        await connection.execute(text("UPDATE password_reset SET expires_at = now() - interval '1 second'"))
    assert await resets(identity, token) == 404
    assert await asks(identity, "nobody.reset@example.com") == 202
    assert await identity.rows(WAITING, email="nobody.reset@example.com") == []


async def test_the_letter_reaches_the_mailbox_and_its_link_works(start_identity: Callable[..., Running]) -> None:
    with real_post() as post:
        running = start_identity(
            smtp_host="127.0.0.1", smtp_port=post.port, password_reset_answer_s=0.0, lease_ttl_s=1.0, roles="api,timer"
        )
        app = running.service.app
        async with app.router.lifespan_context(app):
            await running.registered("mailed.reset@example.com")
            assert await asks(running, "mailed.reset@example.com") == 202
            async with asyncio.timeout(20):
                while not post.letters("mailed.reset@example.com"):
                    await asyncio.sleep(0.05)
            [letter] = post.letters("mailed.reset@example.com")
            found = re.search(rf"{ORIGIN}/sign-in/reset/([\w-]+)", letter.text)
            assert found is not None and found[1] in letter.html
            assert await resets(running, found[1]) == 200


async def test_the_migration_makes_the_table_that_the_code_uses(identity: Running) -> None:
    columns = await identity.rows(
        "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'password_reset'"
    )
    assert {(row.column_name, row.is_nullable) for row in columns} == {
        ("reset_id", "NO"), ("user_id", "NO"), ("digest", "NO"), ("asked_at", "NO"), ("expires_at", "NO"), ("over_at", "YES"),
    }  # fmt: skip
