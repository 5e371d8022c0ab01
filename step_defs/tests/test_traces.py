"""The judge over all orders of a run: broken ones are named, late spans are waited for, and an empty run is no success."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from step_defs import made_orders
from step_defs.drivers.address import SystemAddress
from step_defs.drivers.http import Door, Trouble
from step_defs.made_orders import MadeOrder
from step_defs.traces import asks, fault_of, judge

ADDRESS = SystemAddress(url="https://gateway.example", ca_file="", demo_password="d", carrier_secret="c")
WHOLE: dict[str, Any] = {"spans": [{"service": "shop"}], "unbroken": True, "gaps": []}
GAPPED: dict[str, Any] = {"spans": [{"service": "shop"}], "unbroken": False, "gaps": [{"text": "crm POST /x: no link"}]}
NOTHING: dict[str, Any] = {"spans": [], "unbroken": True, "gaps": []}


def made(number: str, *, is_struck: bool = False) -> MadeOrder:
    return MadeOrder(f"id-{number}", number, "Anna orders", is_struck)


def test_a_run_whose_orders_are_whole_is_good() -> None:
    verdict = judge([made("A-1"), made("A-2"), made("A-2")], lambda _: WHOLE)
    assert verdict.is_good
    assert verdict.lines() == ["traces: 2 orders, 0 broken"]


@pytest.mark.parametrize(("answer", "why"), [(GAPPED, "1 gaps: crm POST /x: no link"), (NOTHING, "no span")])
def test_a_broken_order_is_named_with_its_scenario(answer: dict[str, Any], why: str) -> None:
    verdict = judge(
        [made("A-1"), made("A-2")],
        lambda order: answer if order == "id-A-2" else WHOLE,
        within_s=0,
        wait=lambda _: None,
    )
    assert not verdict.is_good
    first, last = verdict.lines()
    assert first.startswith(f"A-2 (Anna orders): {why}")
    assert last == "traces: 2 orders, 1 broken"


def test_spans_on_their_way_are_waited_for() -> None:
    answers: Iterator[dict[str, Any]] = iter([GAPPED, NOTHING, WHOLE])
    waited: list[float] = []
    verdict = judge([made("A-1")], lambda _: next(answers), wait=waited.append)
    assert verdict.is_good and len(waited) == 2


def test_what_a_killed_process_worked_on_is_counted_apart() -> None:
    verdict = judge([made("A-1"), made("A-2", is_struck=True)], lambda order: GAPPED if "2" in order else WHOLE)
    assert verdict.is_good
    assert verdict.lines() == ["traces: 1 orders, 0 broken (1 of scenarios that kill processes not judged)"]


@pytest.mark.parametrize("orders", [[], [made("A-1", is_struck=True)]])
def test_a_run_without_an_order_to_judge_proves_nothing(orders: list[MadeOrder]) -> None:
    assert not judge(orders, lambda _: WHOLE).is_good


def test_an_answer_that_is_none_is_no_success() -> None:
    with pytest.raises(KeyError):
        fault_of({"spans": [{}]})


def door(status: int, body: dict[str, Any]) -> Door:
    return Door(ADDRESS, transport=httpx.MockTransport(lambda _: httpx.Response(status, json=body)))


def test_an_order_that_nobody_knows_is_broken_and_a_system_that_fails_is_trouble() -> None:
    with door(404, {"code": "order-not-found"}) as unknown:
        assert fault_of(asks(lambda: unknown)("1")) == "no span of it is known"
    with door(503, {}) as away, pytest.raises(Trouble):
        asks(lambda: away)("1")


def test_orders_are_written_down_where_the_run_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(made_orders.ORDERS_VARIABLE, str(tmp_path / "orders"))
    made_orders.remember([("1", "A-1"), ("2", "A-2")], scenario="Анна заказывает", tags=("pages",))
    made_orders.remember([("3", "A-3")], scenario="A broker dies", tags=("exclusive",))
    made_orders.remember([], scenario="Nobody orders", tags=())
    assert made_orders.remembered() == [
        MadeOrder("1", "A-1", "Анна заказывает", False),
        MadeOrder("2", "A-2", "Анна заказывает", False),
        MadeOrder("3", "A-3", "A broker dies", True),
    ]


def test_without_a_file_nothing_is_written_and_nothing_can_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(made_orders.ORDERS_VARIABLE, raising=False)
    made_orders.remember([("1", "A-1")], scenario="Anna orders", tags=())
    with pytest.raises(LookupError, match="ALEXANDRITE_ORDERS"):
        made_orders.remembered()
