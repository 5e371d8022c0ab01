"""An order's road and its failures as people see them, from what the API tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.http import Door
from step_defs.dsl import tracing
from step_defs.dsl.trace_desk import HttpTraceDesk, road_of
from step_defs.dsl.watch_desk import HttpWatchDesk
from step_defs.dsl.world import World

ADDRESS = SystemAddress(url="https://gateway.example", ca_file="", demo_password="d", carrier_secret="c")


def line(body: str, **attributes: Any) -> dict[str, Any]:
    return {"body": body, "attributes": attributes}


TOLD: dict[str, Any] = {
    "unbroken": True,
    "gaps": [],
    "spans": [{"service": "shop", "is_error": False}, {"service": "crm", "is_error": True}],
    "lines": [
        line("message set aside", state="retry", attempts=9),
        line("message set aside", state="parked", attempts=10),
        line("order submitted"),
    ],
}


def test_a_road_is_read_from_what_the_api_tells() -> None:
    assert road_of(TOLD) == {
        "whole": True,
        "gaps": [],
        "passed": {"shop", "crm"},
        "lines": 3,
        "failed": 1,
        "set_aside": [10],
    }


def test_support_gets_from_the_number_to_the_road() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/crm/v1/orders":
            assert request.url.params["query"] == "A-1"
            return httpx.Response(200, json={"items": [{"order_id": "7"}]})
        assert request.url.path == "/api/observability/v1/orders/7/trace"
        return httpx.Response(200, json=TOLD)

    with Door(ADDRESS, transport=httpx.MockTransport(answer)) as door:
        assert HttpTraceDesk(door).follows("A-1")["whole"]


class Watches:
    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.groups = groups

    def failures(self, service: str) -> list[dict[str, Any]]:
        return self.groups


BEGAN = datetime(2026, 11, 29, 12, tzinfo=UTC)


def failed(*groups: dict[str, Any]) -> World:
    orders = [(SimpleNamespace(order_id=name, number=f"A-{name}"), BEGAN) for name in ("1", "2")]
    administrator = SimpleNamespace(watches=Watches(list(groups)))
    return cast(World, SimpleNamespace(failing=orders, administrator=lambda: administrator))


def group(*, first: timedelta = timedelta(minutes=-1), orders: int = 2, hit: str = "2") -> dict[str, Any]:
    return {"fingerprint": "f", "first_at": (BEGAN + first).isoformat(), "orders": orders, "hit": {hit}}


def test_the_same_failure_of_two_orders_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tracing.is_one_failure(failed(group(), group(hit="9", orders=1)), orders=2)
    monkeypatch.setattr(tracing, "TOLD_WITHIN_S", 0.05)
    with pytest.raises(AssertionError, match="a failure that hit A-2"):
        tracing.is_one_failure(failed(group(hit="9")), orders=2)


def test_a_second_group_of_the_same_failure_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="listed once more"):
        tracing.is_one_failure(failed(group(), group(first=timedelta(seconds=1))), orders=2)
    with pytest.raises(AssertionError, match="less than 2 orders"):
        tracing.is_one_failure(failed(group(orders=1)), orders=2)


def test_alerts_are_known_by_the_place_that_they_name() -> None:
    items = [{"labels": {"stage": "SHIPPED"}, "alert_id": "1"}, {"labels": {"stage": "PACKAGING"}, "alert_id": "2"}]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": items, "path": request.url.path})

    with Door(ADDRESS, transport=httpx.MockTransport(answer)) as door:
        found = HttpWatchDesk(door).alert("OrderPastBudget", "PACKAGING")
        assert found is not None and found["alert_id"] == "2"
        assert HttpWatchDesk(door).alert("OrderPastBudget", "SUBMITTED") is None


def test_headings_of_a_runbook_are_read_from_its_page() -> None:
    page = '<h2>Orders past their budget</h2><h3 id="w">What it means</h3><p>h</p><h3>What to do</h3>'
    answer = httpx.MockTransport(lambda _: httpx.Response(200, text=page, headers={"content-type": "text/html"}))
    with Door(ADDRESS, transport=answer) as door:
        assert HttpWatchDesk(door).runbook("x") == ["Orders past their budget", "What it means", "What to do"]
