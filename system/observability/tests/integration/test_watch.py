"""The watch over alerts on a real database and a real mail server: the row, the letters, the page and its twin."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from system.observability.adapters.runbooks import Runbooks
from system.observability.adapters.watch import GAUGE, WatchQueries, WatchRepository, watchdog
from system.observability.application.watch import HEARD_AGAIN, SILENT, Watching
from system.observability.domain.watch import Listening, Watch
from system.observability.main import service
from system.observability.settings import ObservabilitySettings
from system.observability.tests.integration.test_alerts import listed, one, tell
from system.plumbing.metrics import QueriedGauges
from system.plumbing.runtime import Service
from system.plumbing.tests.post import real_post

pytestmark = pytest.mark.integration
TO = "on-call@alexandrite.example"
WATCH = "/api/observability/v1/alerts/watch"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def nothing_heard(built: Service) -> None:
    async with built.engine.begin() as connection:
        await connection.execute(text("DELETE FROM alert"))
        await connection.execute(text("DELETE FROM notice"))
        await connection.execute(text("DELETE FROM procrastinate_jobs"))
        await connection.execute(text("UPDATE watchdog SET heard_at = NULL, silence_id = NULL, silent_since = NULL"))


def always() -> dict[str, Any]:
    return one("Watchdog", "f0")


def listening(built: Service, *, since: datetime) -> Watching:
    """Another process over the same row, that has looked all the time."""
    return Watching(
        WatchQueries(built.engine),
        Listening(now=since, pause_max=timedelta(days=1)),
        silent_after=timedelta(minutes=3),
        to=TO,
        clock=lambda: datetime.now(UTC),
    )


async def heard_long_ago(built: Service) -> None:
    async with built.engine.begin() as connection:
        await connection.execute(text("UPDATE watchdog SET heard_at = clock_timestamp() - interval '1 hour'"))


async def letters(built: Service) -> list[tuple[str, str, str]]:
    asked = text("SELECT kind, state, address FROM notice ORDER BY created_at, notice_id")
    async with built.engine.connect() as connection:
        return [(row.kind, row.state, row.address) for row in await connection.execute(asked)]


async def test_the_alert_that_always_fires_is_heard_and_shown_nowhere(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    before = datetime.now(UTC)
    await tell(alertmanager, always(), one())
    assert [each["name"] for each in await listed(ada)] == ["OrderPastBudget"]
    told = (await ada.get(WATCH)).json()
    assert told["state"] == "heard" and told["silent_since"] is None and told["silent_after_s"] == 180
    assert before <= datetime.fromisoformat(told["heard_at"]) <= datetime.fromisoformat(told["as_of"])


async def test_one_that_the_release_before_kept_goes(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, built: Service
) -> None:
    await tell(alertmanager, one("Watchdogs", "f1"))
    async with built.engine.begin() as connection:
        await connection.execute(text("UPDATE alert SET name = 'Watchdog'"))
    await tell(alertmanager, always())
    assert await listed(ada) == []


async def test_nobody_else_says_that_it_is_heard(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, sofia: httpx.AsyncClient
) -> None:
    webhook = {"version": "4", "alerts": [always()]}
    refused = await alertmanager.post("/internal/alerts", json=webhook, headers={"authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert (await ada.get(WATCH)).json() | {"as_of": None} == {
        "as_of": None, "state": "listening", "heard_at": None, "silent_since": None, "silent_after_s": 180,
    }  # fmt: skip
    assert (await sofia.get(WATCH)).status_code == 403


async def test_of_two_processes_that_look_at_once_one_writes(built: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await heard_long_ago(built)
    both_know = asyncio.Barrier(2)
    held = WatchRepository.held

    async def held_until_both_know(repository: WatchRepository) -> Watch:
        watch = await held(repository)
        # The row is locked, so the other one cannot know until this one is done.
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(both_know.wait(), timeout=0.5)
        return watch

    monkeypatch.setattr(WatchRepository, "held", held_until_both_know)
    processes = [listening(built, since=datetime.now(UTC) - HOUR * 2) for _ in range(2)]
    wrote = await asyncio.gather(*(each.look(built.make_uow()) for each in processes))
    assert sorted(wrote) == [False, True]
    assert await letters(built) == [(SILENT, "waiting", TO)]


async def test_of_many_deliveries_after_a_silence_one_ends_it(alertmanager: httpx.AsyncClient, built: Service) -> None:
    await heard_long_ago(built)
    assert await listening(built, since=datetime.now(UTC) - HOUR * 2).look(built.make_uow())
    await asyncio.gather(*(tell(alertmanager, always()) for _ in range(5)))
    assert await letters(built) == [(SILENT, "withdrawn", TO), (HEARD_AGAIN, "waiting", TO)]


async def test_a_letter_that_cannot_be_kept_leaves_the_silence_untold(
    built: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard_long_ago(built)
    process = listening(built, since=datetime.now(UTC) - HOUR * 2)

    async def fails(*_: Any) -> bool:
        raise RuntimeError("no")

    with monkeypatch.context() as broken:
        broken.setattr("system.plumbing.mail.box.NoticeBox.post", fails)
        with pytest.raises(RuntimeError):
            await process.look(built.make_uow())
    assert await process.look(built.make_uow()), "told at the next look"
    assert len(await letters(built)) == 1


async def test_a_silence_reaches_the_mailbox_once_and_so_does_its_end(
    settings: ObservabilitySettings, built: Service, alertmanager: httpx.AsyncClient
) -> None:
    with real_post() as post:
        told = {"smtp_host": "127.0.0.1", "smtp_port": post.port, "lease_ttl_s": 1.0, "mail_retry_base_s": 0.2}
        told |= {"watchdog_silent_s": 1.0, "watchdog_looked_every_s": 0.2}
        running = service(settings.model_copy(update=told))
        async with running.app.router.lifespan_context(running.app):
            await _until(lambda: len(post.letters(TO)) == 1)
            await asyncio.sleep(1.5)
            assert len(post.letters(TO)) == 1, "once, however long it lasts"
            await tell(alertmanager, always())
            await _until(lambda: len(post.letters(TO)) >= 2)
        arrived = post.letters(TO)
    # The third, if it came to that, is of the next silence: it began a second after the last word.
    first, second = sorted(arrived, key=lambda letter: letter.received_at)[:2]
    assert (first.subject, second.subject) == ("Alerts do not reach us", "Alerts reach us again")
    assert "/observability/runbooks/watchdog" in first.text
    assert "alerts@alexandrite.example" in first.sender


async def _until(condition: Any, *, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.05)


async def test_its_age_is_a_gauge_from_the_first_time_on(built: Service, alertmanager: httpx.AsyncClient) -> None:
    gauges = QueriedGauges(built.engine, [replace(GAUGE, every_s=0)])
    registry = CollectorRegistry()
    registry.register(gauges)
    await gauges.refresh()
    assert registry.get_sample_value(GAUGE.name) is None
    await tell(alertmanager, always())
    await gauges.refresh()
    age_s = registry.get_sample_value(GAUGE.name)
    assert age_s is not None and 0 <= age_s < 60


async def test_the_page_says_whether_alerts_reach_us(
    built: Service, ada: httpx.AsyncClient, alertmanager: httpx.AsyncClient, tmp_path: Any
) -> None:
    (tmp_path / "watchdog.md").write_text("# Watchdog\n", encoding="utf-8")
    built.app.state.runbooks = Runbooks("/observability/runbooks", tmp_path)
    page = (await ada.get("/observability/alerts")).text
    assert 'data-watch="listening"' in page and "less than 3 min" in page

    await heard_long_ago(built)
    assert await listening(built, since=datetime.now(UTC) - HOUR * 2).look(built.make_uow())
    for path in ("/observability/alerts", "/observability/alerts/now"):
        page = (await ada.get(path)).text
        assert 'data-watch="silent"' in page and "was last heard 60 minutes ago" in page
        assert 'href="/observability/runbooks/watchdog"' in page and 'href="/operations/"' in page
    assert "последний раз 60 минут назад" in (await ada.get("/observability/alerts?lang=ru")).text
    assert 'data-watch="silent"' in (await ada.get("/observability/")).text, "that nothing fires says nothing now"
    told = (await ada.get(WATCH)).json()
    assert told["state"] == "silent" and told["silent_since"] == told["heard_at"]

    await tell(alertmanager, always())
    page = (await ada.get("/observability/alerts?lang=en")).text
    assert 'data-watch="heard"' in page and "Alerts reach us: last heard" in page
    assert 'data-watch="silent"' not in page + (await ada.get("/observability/")).text


async def test_there_is_one_row(built: Service) -> None:
    async with built.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM watchdog")) == 1
        with pytest.raises(Exception, match="watchdog_is_one"):
            await connection.execute(text("INSERT INTO watchdog (is_the_one) VALUES (false)"))


def test_the_table_is_as_the_migration_made_it(infrastructure: Any, database: None) -> None:
    with infrastructure.server.connect("observability") as connection:
        found = connection.execute(
            "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'watchdog'"
        ).fetchall()
    assert dict(found) == {column.name: "YES" if column.nullable else "NO" for column in watchdog.columns}
