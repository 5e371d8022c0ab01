"""The world of a scenario: refusals, crowds, tampered messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.broker import Captured
from step_defs.drivers.http import Refusal, Trouble
from step_defs.dsl import acts
from step_defs.dsl.backstage import Backstage
from step_defs.dsl.faults import Faults
from step_defs.dsl.order import Order
from step_defs.dsl.world import World

ADDRESS = SystemAddress(url="https://gateway.example", ca_file="", demo_password="d", carrier_secret="c")


@pytest.fixture
def world() -> Iterator[World]:
    made = World(Backstage(ADDRESS))
    yield made
    made.close()


def refuse(code: str) -> None:
    raise Refusal("POST /x", 409, {"code": code})


def test_the_same_name_is_the_same_person_in_one_scenario_only(world: World) -> None:
    other = World(Backstage(ADDRESS))
    assert world.shopper("Anna") is world.shopper("Anna")
    assert world.shopper("Anna").email != other.shopper("Anna").email
    assert world.shopper("Анна").email != world.shopper("Яна").email
    other.close()


def test_a_partner_buys_as_any_customer_does(world: World) -> None:
    partner = world.partner("Silverline")
    assert world.shopper("Silverline") is partner
    assert world.shopper("Anna") is not partner


def test_a_refusal_counts_only_for_its_reason(world: World) -> None:
    world.attempt(lambda: refuse("empty-order"))
    assert world.was_refused("the order is empty").status == 409
    with pytest.raises(AssertionError, match="not because it is too late"):
        world.was_refused("it is too late")


def test_what_was_allowed_was_not_refused(world: World) -> None:
    world.attempt(lambda: refuse("empty-order"))
    world.attempt(lambda: None)
    with pytest.raises(AssertionError, match="it was allowed"):
        world.was_refused("the order is empty")


def test_trouble_is_not_a_refusal(world: World) -> None:
    def fails() -> None:
        raise Trouble("the shop is down")

    with pytest.raises(Trouble):
        world.attempt(fails)


def rival(name: str) -> Any:
    return SimpleNamespace(name=name)


def test_two_winners_are_a_failure(world: World) -> None:
    world.rivals = [(rival("Oleg"), {}), (rival("Olga"), {})]
    with pytest.raises(AssertionError, match="2 operators have the order"):
        acts.one_winner(world)


def test_the_loser_is_told_the_winners_name(world: World) -> None:
    told = Refusal("claim", 409, {"code": "work-order-already-claimed", "claimed_by": "Otto"})
    world.rivals = [(rival("Oleg"), {}), (rival("Olga"), told)]
    with pytest.raises(AssertionError, match="Olga was told Otto"):
        acts.one_winner(world)


class FakeBroker:
    """Holds one queue's messages, and what was published to it."""

    def __init__(self, waiting: list[Captured]) -> None:
        self.waiting = waiting
        self.published: list[Captured] = []

    def take_all(self, queue: str) -> list[Captured]:
        taken, self.waiting = self.waiting, []
        return taken

    def publish(self, message: Captured, *, to_queue: str) -> None:
        assert to_queue == "orchestrator.inbox.v1"
        self.published.append(message)


def message(subject: str, number: int) -> Captured:
    return Captured("t", {"message_id": str(number)}, json.dumps({"subject": subject, "data": {"n": number}}))


def tampering(broker: FakeBroker) -> tuple[Faults, Order]:
    world = cast(World, SimpleNamespace(backstage=SimpleNamespace(broker=broker)))
    order = Order(cast(Any, None), {"order_id": "mine", "number": "A-26000001"}, lambda _: {})
    return Faults(world), order


def test_only_the_order_in_question_is_delivered_in_reverse() -> None:
    broker = FakeBroker([message("mine", 1), message("other", 7), message("mine", 2)])
    faults, order = tampering(broker)
    faults.news_comes_reversed(order, count=2)
    assert [each.properties["message_id"] for each in broker.published] == ["7", "2", "1"]


def test_a_damaged_message_keeps_everything_but_the_field() -> None:
    broker = FakeBroker([message("mine", 1)])
    faults, order = tampering(broker)
    faults.news_is_damaged(order, field="n")
    assert broker.published[0].envelope == {"subject": "mine", "data": {}}
    assert faults.damaged == (message("mine", 1).envelope, {"subject": "mine", "data": {}})
