"""What really crossed the broker, held against the frozen contracts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from contracts.tap import drained
from contracts.tests.test_messages import FROZEN, problems_of
from step_defs.drivers.address import SystemAddress

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def heard(system_address: SystemAddress) -> list[dict[str, Any]]:
    """Every typed message since the tap was laid."""
    messages = drained(system_address)
    assert messages, "nothing crossed the broker: was `python -m contracts.tap` run before the scenarios?"
    return messages


def test_every_message_fits_its_contract(heard: list[dict[str, Any]]) -> None:
    complaints = Counter(
        f"{message['routing_key']}: {problem}" for message in heard for problem in problems_of(message["body"])
    )
    assert not complaints, "\n".join(f"{count} x {complaint}" for complaint, count in complaints.most_common(10))


def test_messages_travel_under_their_own_type(heard: list[dict[str, Any]]) -> None:
    strays = {(message["routing_key"], message["body"].get("type")) for message in heard}
    assert {key for key, wire_type in strays if key != wire_type} == set()


def test_the_scenarios_caused_every_type_of_message(heard: list[dict[str, Any]]) -> None:
    assert sorted(set(FROZEN) - {message["routing_key"] for message in heard}) == []


def test_every_message_carries_its_trace(heard: list[dict[str, Any]]) -> None:
    without = Counter(message["routing_key"] for message in heard if not message["body"].get("traceparent"))
    assert without == Counter()


def test_one_trace_leads_from_the_submission_to_the_carrier_and_back(heard: list[dict[str, Any]]) -> None:
    by_order: dict[str, dict[str, str]] = {}
    for message in heard:
        trace = str(message["body"].get("traceparent", "")).split("-")
        by_order.setdefault(message["body"]["subject"], {})[message["routing_key"]] = (
            trace[1] if len(trace) == 4 else ""
        )
    chains = [
        (kinds["shop.order_submitted.v1"], kinds["orchestrator.price_order.v1"], kinds["pricing.order_priced.v1"])
        for kinds in by_order.values()
        if {"shop.order_submitted.v1", "orchestrator.price_order.v1", "pricing.order_priced.v1"} <= set(kinds)
    ]
    assert chains
    assert [chain for chain in chains if len(set(chain[:2])) != 1] == []
