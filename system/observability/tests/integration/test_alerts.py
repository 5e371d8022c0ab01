"""Alerts over a real database: told, told again, ended, taken; their page, and the figures' and runbooks' pages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from system.kernel.errors import Unavailable
from system.observability.adapters.alert_table import alert as alert_table
from system.observability.adapters.alerts import AlertQueries
from system.observability.adapters.runbooks import Runbooks
from system.observability.application.figures import Figures, Series
from system.observability.tests.integration.conftest import ALERTS_KEY, person
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
YEAR_ONE = "0001-01-01T00:00:00Z"
ALERTS = "/api/observability/v1/alerts"


@pytest.fixture(autouse=True)
async def nothing_fires(built: Service) -> None:
    async with built.engine.begin() as connection:
        await connection.execute(text("DELETE FROM alert"))


def one(
    name: str = "OrderPastBudget",
    fingerprint: str = "a1",
    *,
    began: datetime = BEGAN,
    ended: datetime | None = None,
    **labels: str,
) -> dict[str, Any]:
    """One alert as Alertmanager 0.28 says it."""
    return {
        "status": "resolved" if ended else "firing",
        "labels": {"alertname": name, "severity": "page", **labels},
        "annotations": {"summary": f"{name} <b>is</b> bad", "remedy": "Look.", "runbook": "docs/runbooks/x.md"},
        "startsAt": began.isoformat(),
        "endsAt": ended.isoformat() if ended else YEAR_ONE,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "fingerprint": fingerprint,
    }


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {
        "receiver": "page",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    }


async def tell(alertmanager: httpx.AsyncClient, *alerts: dict[str, Any]) -> None:
    answer = await alertmanager.post("/internal/alerts", json=webhook(*alerts))
    assert answer.status_code == 204, answer.text


async def listed(ada: httpx.AsyncClient, **asked: str) -> list[dict[str, Any]]:
    answer = await ada.get(ALERTS, params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_what_alertmanager_tells_is_listed(alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
    await tell(alertmanager, one(stage="SUBMITTED"), one("DeadLetters", "b2", service="mes"))
    found = {each["name"]: each for each in await listed(ada)}
    assert found.keys() == {"OrderPastBudget", "DeadLetters"}
    order = found["OrderPastBudget"]
    assert (order["state"], order["severity"], order["labels"]["stage"]) == ("firing", "page", "SUBMITTED")
    told_after = datetime.fromisoformat(order["told_at"]) - BEGAN
    assert order["ended_at"] is None and order["told_after_s"] == told_after.total_seconds() >= 300
    assert [each["name"] for each in await listed(ada, name="DeadLetters")] == ["DeadLetters"]


async def test_the_same_again_is_the_same_and_an_end_is_an_end(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    await tell(alertmanager, one())
    [first] = await listed(ada)
    await tell(alertmanager, one(), one())
    ended = BEGAN + timedelta(minutes=3)
    await tell(alertmanager, one(ended=ended))
    # Late, and again: what was delivered out of order opens nothing.
    await tell(alertmanager, one())
    await tell(alertmanager, one(ended=ended + timedelta(minutes=1)))
    [last] = await listed(ada)
    assert last["alert_id"] == first["alert_id"] and last["told_at"] == first["told_at"]
    assert last["state"] == "resolved" and datetime.fromisoformat(last["ended_at"]) == ended
    assert await listed(ada, state="firing") == [] and len(await listed(ada, state="resolved")) == 1


async def test_one_that_is_told_of_by_two_at_once_is_one(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    both = (one(), one("DeadLetters", "b2"))
    await asyncio.gather(*(tell(alertmanager, *(both if turn % 2 else both[::-1])) for turn in range(6)))
    assert len(await listed(ada)) == 2


async def test_an_end_that_was_never_told_is_concluded_from_the_next_beginning(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    await tell(alertmanager, one())
    again = BEGAN + timedelta(minutes=4)
    await tell(alertmanager, one(began=again))
    states = [(each["state"], datetime.fromisoformat(each["started_at"])) for each in await listed(ada)]
    assert states == [("firing", again), ("resolved", BEGAN)]


async def test_one_that_is_not_heard_of_for_hours_is_said_to_be_so(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, built: Service
) -> None:
    await tell(alertmanager, one())
    async with built.engine.begin() as connection:
        await connection.execute(text("UPDATE alert SET last_told_at = last_told_at - interval '6 hours'"))
    assert await listed(ada, state="firing") == []
    [lost] = await listed(ada, state="unheard")
    assert lost["state"] == "unheard"
    assert 'data-state="unheard"' in (await ada.get("/observability/alerts")).text


async def test_what_ended_long_ago_is_forgotten(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, built: Service
) -> None:
    long_ago = BEGAN - timedelta(days=40)
    await tell(alertmanager, one(began=long_ago, ended=long_ago + timedelta(minutes=1)), one("DeadLetters", "b2"))
    assert [each["name"] for each in await listed(ada)] == ["DeadLetters"]


@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer wrong", f"Basic {ALERTS_KEY}", ALERTS_KEY])
async def test_nobody_else_tells_of_alerts(alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, key: str) -> None:
    answer = await alertmanager.post("/internal/alerts", json=webhook(one()), headers={"authorization": key})
    assert answer.status_code == 401
    assert await listed(ada) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"version": "3", "alerts": []},
        {"version": "4", "alerts": [{"status": "firing"}]},
        webhook(one() | {"fingerprint": "'; --"}),
    ],
)
async def test_what_is_no_webhook_is_refused(alertmanager: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await alertmanager.post("/internal/alerts", json=body)).status_code == 422


async def test_one_person_takes_an_alert_and_it_is_written_down(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, built: Service, infrastructure: Any
) -> None:
    await tell(alertmanager, one())
    [fires] = await listed(ada)
    taking = f"{ALERTS}/{fires['alert_id']}/taking"
    taken = (await ada.post(taking)).json()
    assert taken["taken_by"] == "Ada" and taken["taken_at"]
    assert (await ada.post(taking)).json() == taken, "twice is once"
    async with person(built, infrastructure, "administrator") as other:
        refused = await other.post(taking)
        assert refused.status_code == 409 and refused.json()["code"] == "alert-taken"
        assert (await other.delete(taking)).status_code == 409
    assert (await ada.delete(taking)).json()["taken_by"] is None
    async with built.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT action FROM audit_log WHERE subject = :id ORDER BY at"), {"id": fires["alert_id"]}
        )
        assert list(found.scalars()) == ["take_alert", "hand_back_alert"]


async def test_what_is_over_or_unknown_is_not_taken(alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
    await tell(alertmanager, one(ended=BEGAN + timedelta(minutes=1)))
    [over] = await listed(ada)
    assert (await ada.post(f"{ALERTS}/{over['alert_id']}/taking")).json()["code"] == "alert-is-over"
    assert (await ada.post(f"{ALERTS}/{UUID(int=7)}/taking")).status_code == 404


async def test_open_alerts_and_past_ones_of_a_name_are_found_by_an_index(
    alertmanager: httpx.AsyncClient, built: Service, infrastructure: Any
) -> None:
    many = [one(fingerprint=f"{n:x}", began=BEGAN - timedelta(hours=1), ended=BEGAN) for n in range(900)]
    await tell(alertmanager, *many)
    infrastructure.analyze("observability", "alert")
    async with built.engine.connect() as connection:
        for asked, index in (
            ("SELECT * FROM alert WHERE ended_at IS NULL ORDER BY started_at", "alert_open"),
            ("SELECT * FROM alert WHERE name = 'X' ORDER BY started_at DESC, alert_id DESC LIMIT 50", "alert_named"),
        ):
            plan = "\n".join((await connection.execute(text(f"EXPLAIN {asked}"))).scalars())
            assert index in plan, plan
    queries = AlertQueries(built.engine)
    since = BEGAN - timedelta(days=1)
    first = await queries.past(since=since, limit=50)
    rest = await queries.past(since=since, before=(first[-1].started_at, first[-1].alert_id), limit=1000)
    assert len(first) == 50 and len({each.alert_id for each in (*first, *rest)}) == 900


def test_the_table_is_as_the_migration_made_it(infrastructure: Any, database: None) -> None:
    with infrastructure.server.connect("observability") as connection:
        found = connection.execute(
            "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = 'alert'"
        ).fetchall()
    assert dict(found) == {column.name: "YES" if column.nullable else "NO" for column in alert_table.columns}


# -- pages ------------------------------------------------------------------------------------------------------------


class SomeMeasures:
    """A Prometheus with one series for everything; or none that answers."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away

    async def course(self, promql: str, *, begins: int, ends: int, step_s: int) -> list[Series]:
        if self.is_away:
            raise Unavailable("prometheus-unavailable", "away")
        labels = {"service": "shop", "status": "SUBMITTED", "stage": "SUBMITTED", "state": "<i>"}
        return [Series(labels, dict.fromkeys(range(begins, ends + 1, step_s)[2:], 1.5))]

    async def latest(self, promql: str) -> list[Series]:
        return await self.course(promql, begins=0, ends=3, step_s=1)


@pytest.fixture
def measured(built: Service) -> SomeMeasures:
    measures = SomeMeasures()
    built.app.state.figures = Figures(measures, refreshed_s=0)
    return measures


PARTS = ("orders", "delivery", "apis", "pricing", "databases", "broker", "host", "stores")


@pytest.mark.parametrize("part", PARTS)
async def test_every_part_is_drawn_and_told_as_a_table(
    ada: httpx.AsyncClient, measured: SomeMeasures, part: str
) -> None:
    answer = await ada.get(f"/observability/?part={part}&period=15m")
    assert answer.status_code == 200 and "<script>" not in answer.text and "style=" not in answer.text
    assert answer.text.count("<alexandrite-chart") >= 5 and "/observability/runbooks/" in answer.text
    assert f'hx-get="/observability/charts?part={part}&amp;period=15m"' in answer.text
    assert '<td class="sum">—</td>' in answer.text, "what was not measured is a gap"
    assert "<i>" not in answer.text
    piece = await ada.get(f"/observability/charts?part={part}&period=1d", headers={"hx-request": "true"})
    assert piece.status_code == 200 and "<html" not in piece.text and 'id="figures-now"' in piece.text


async def test_the_figures_speak_russian(ada: httpx.AsyncClient, measured: SomeMeasures) -> None:
    page = (await ada.get("/observability/?lang=ru")).text
    assert "Открытые заказы по статусам" in page and "Open orders" not in page and "Оформлен" in page


async def test_without_prometheus_the_page_says_so_and_what_to_do(
    ada: httpx.AsyncClient, measured: SomeMeasures
) -> None:
    measured.is_away = True
    answer = await ada.get("/observability/")
    assert answer.status_code == 200 and "data-silent" in answer.text and "<alexandrite-chart" not in answer.text
    twin = await ada.get("/api/observability/v1/figures")
    assert twin.status_code == 503 and twin.json()["code"] == "prometheus-unavailable"


async def test_the_twin_of_the_page_has_the_numbers(ada: httpx.AsyncClient, measured: SomeMeasures) -> None:
    told = (await ada.get("/api/observability/v1/figures", params={"part": "apis", "period": "6h"})).json()
    first = told["figures"][0]
    assert first["answered"] and first["series"][0]["values"][:3] == [None, None, 1.5]
    assert len(first["series"][0]["values"]) == len(told["times"]) == 61


@pytest.mark.parametrize("asked", ["part=nothing", "period=2h"])
async def test_a_part_or_period_that_there_is_not_is_refused(ada: httpx.AsyncClient, asked: str) -> None:
    assert (await ada.get(f"/observability/?{asked}")).status_code == 422


@pytest.fixture
def runbook(built: Service, tmp_path: Path) -> None:
    (tmp_path / "order-past-budget.md").write_text("# OrderPastBudget\n\n## What it means\n\nLate.\n", encoding="utf-8")
    built.app.state.runbooks = Runbooks("/observability/runbooks", tmp_path)


async def test_the_page_of_alerts_says_what_fires_and_what_to_do(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, measured: SomeMeasures, runbook: None
) -> None:
    assert "Nothing fires." in (await ada.get("/observability/alerts")).text
    await tell(alertmanager, one("DeadLetters", "b2", began=BEGAN + timedelta(minutes=1)), one(stage="SUBMITTED"))
    page = (await ada.get("/observability/alerts")).text
    assert page.index('data-alert="OrderPastBudget"') < page.index('data-alert="DeadLetters"'), "the oldest first"
    assert "&lt;b&gt;is&lt;/b&gt;" in page and "stage: SUBMITTED" in page and "Look." in page
    assert page.count("/observability/runbooks/order-past-budget") == 1, "only where there is one"
    assert "/observability/runbooks/dead-letters" not in page
    piece = (await ada.get("/observability/alerts/now", headers={"hx-request": "true"})).text
    assert 'id="alerts-now"' in piece and "<html" not in piece
    await asyncio.sleep(2.1)
    assert 'data-firing="2"' in (await ada.get("/observability/")).text


async def test_an_alert_is_taken_and_handed_back_on_the_page(
    alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient, built: Service, infrastructure: Any
) -> None:
    await tell(alertmanager, one())
    [fires] = await listed(ada)
    form = f"/observability/alerts/{fires['alert_id']}"
    assert (await ada.post(f"{form}/taking")).headers["location"] == "/observability/alerts"
    page = (await ada.get("/observability/alerts")).text
    assert 'data-taken-by="Ada"' in page and f"{form}/handing-back" in page
    async with person(built, infrastructure, "administrator") as other:
        refused = await other.post(f"{form}/taking")
        assert refused.status_code == 409 and 'data-code="alert-taken"' in refused.text
        assert f"{form}/handing-back" not in refused.text
    assert (await ada.post(f"{form}/handing-back")).status_code == 303
    assert f"{form}/taking" in (await ada.get("/observability/alerts")).text


async def test_what_there_was_is_paged_and_filtered(alertmanager: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
    past = [
        one(
            fingerprint=f"{n:x}",
            began=BEGAN - timedelta(hours=n),
            ended=BEGAN - timedelta(hours=n) + timedelta(minutes=1),
        )
        for n in range(1, 53)
    ]
    await tell(alertmanager, *past, one("DeadLetters", "ff", ended=BEGAN + timedelta(minutes=1)))
    page = (await ada.get("/observability/alerts")).text
    assert page.count('data-state="resolved"') == 50
    older = page.split('href="/observability/alerts?before=')[1].split('"')[0].replace("&amp;", "&")
    assert (await ada.get(f"/observability/alerts?before={older}")).text.count('data-state="resolved"') == 3
    assert (await ada.get("/observability/alerts?name=DeadLetters")).text.count('data-state="resolved"') == 1


async def test_runbooks_are_pages(ada: httpx.AsyncClient, runbook: None) -> None:
    assert "OrderPastBudget" in (await ada.get("/observability/runbooks")).text
    for name in ("order-past-budget", "OrderPastBudget"):
        page = await ada.get(f"/observability/runbooks/{name}")
        assert page.status_code == 200 and "<h3>What it means</h3>" in page.text
    missing = await ada.get("/observability/runbooks/nothing", headers={"accept": "text/html"})
    assert missing.status_code == 404 and "There is no such runbook" in missing.text


@pytest.mark.parametrize("path", ["/", "/charts", "/alerts", "/alerts/now", "/runbooks", "/runbooks/no-data"])
async def test_pages_are_for_administrators_alone(sofia: httpx.AsyncClient, path: str) -> None:
    assert (await sofia.get(f"/observability{path}")).status_code == 403


@pytest.mark.parametrize("path", ["/figures", "/alerts"])
async def test_their_twins_are_too(sofia: httpx.AsyncClient, path: str) -> None:
    assert (await sofia.get(f"/api/observability/v1{path}")).status_code == 403
