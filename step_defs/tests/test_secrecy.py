"""Each place is really looked into: a word planted there is found, and a place where nothing could be read is no success."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from step_defs.drivers.broker import Captured
from step_defs.dsl import secrecy
from step_defs.dsl.canaries import Find
from step_defs.dsl.secrecy import PLACES, Secrets
from step_defs.dsl.world import World

ORDER = "018f0000-0000-7000-8000-000000000001"
CLEAN = {"type": "shop.order_submitted.v1", "subject": ORDER, "data": {"number": "A-1"}}


class Everything:
    """Logs, tables, figures, alerts, letters and messages: what each of them says."""

    def __init__(self) -> None:
        self.logs = {"shop": '{"event": "order submitted"}'}
        self.tables = {"span": '{"name": "POST"}', "log_line": '{"body": "x"}', "alert": "{}"}
        self.outbox: list[dict[str, Any]] = []
        self.inbox: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.heard = [Captured("shop.order_submitted.v1", {"message_id": "1"}, json.dumps(CLEAN))]
        self.values = {"__name__": ["up"], "route": ["/api/shop/v1/orders"]}
        self.pending: list[dict[str, Any]] = []
        self.shown: dict[str, Any] = {"items": []}
        self.letters_: list[dict[str, Any]] = []

    def logs_since(self, moment: datetime) -> dict[str, str]:
        assert moment.tzinfo is UTC
        return self.logs

    def sql(self, database: str, statement: str) -> str:
        if database == "observability":
            named = next((name for name in self.tables if f'"{name}"' in statement), None)
            return "\n".join(self.tables) if named is None else self.tables[named]
        rows = {"outbox": self.outbox, "inbox": self.inbox, "dead_letter": self.dead}
        named = next(name for name in rows if f"FROM {name} " in statement)
        assert ORDER in statement
        return "\n".join(json.dumps(row) for row in rows[named]) if database == "crm" else ""

    def get(self, path: str, **_: Any) -> Any:
        return SimpleNamespace(body=self.shown)

    def letters(self, to: str) -> list[dict[str, Any]]:
        return self.letters_

    def label_values(self) -> dict[str, list[str]]:
        return self.values

    def alerts(self) -> list[dict[str, Any]]:
        return self.pending

    def close(self) -> None:
        pass


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Everything:
    says = Everything()
    monkeypatch.setattr(secrecy, "Prometheus", lambda _: says)
    monkeypatch.setattr(secrecy, "all_is_told", lambda _: None)
    return says


@pytest.fixture
def world(everything: Everything) -> World:
    shopper = SimpleNamespace(order=SimpleNamespace(order_id=ORDER), name="Anna")
    secrets = Secrets(cast(Any, shopper))
    said = secrets.said
    assert said.name and said.email and said.phone and said.address and said.password and said.question
    backstage = SimpleNamespace(containers=everything, admin=everything, post=everything, address=None)
    faults = SimpleNamespace(heard=lambda _: everything.heard)
    return cast(World, SimpleNamespace(secrets=secrets, backstage=backstage, faults=faults))


def name_of(world: World) -> str:
    assert world.secrets is not None
    return world.secrets.said.name


def every(place: str, world: World) -> list[Find]:
    return list(PLACES[place](world))


@pytest.mark.parametrize("place", PLACES)
def test_where_nothing_was_planted_nothing_is_found(place: str, world: World) -> None:
    assert every(place, world) == []


def in_log(says: Everything, word: str) -> None:
    says.logs["postgres"] = f"DETAIL:  Key (email)=({word}) already exists."


def in_table(says: Everything, word: str) -> None:
    says.tables["alert"] = json.dumps({"labels": {"customer": word}})


def in_span(says: Everything, word: str) -> None:
    says.tables["span"] += "\n" + json.dumps({"attributes": {"db.query.text": f"SELECT '{word}'"}})


def in_label(says: Everything, word: str) -> None:
    says.values["route"].append(f"/search?query={word}")


def in_alert(says: Everything, word: str) -> None:
    says.pending = [{"labels": {"who": word}}]


def on_page_of_alerts(says: Everything, word: str) -> None:
    says.shown = {"items": [{"summary": word}]}


def in_letter(says: Everything, word: str) -> None:
    says.letters_ = [{"text": word}]


def in_sent(says: Everything, word: str) -> None:
    says.outbox = [CLEAN | {"data": {"number": word}}]


def in_reason(says: Everything, word: str) -> None:
    says.inbox = [{"envelope": None, "last_error": f"DataError: parameters: {word}"}]


def in_dead_letter(says: Everything, word: str) -> None:
    body = json.dumps(CLEAN | {"traceparent": word})
    says.dead = [{"body": "\\x" + body.encode().hex(), "reason": "not an envelope"}]


def in_properties(says: Everything, word: str) -> None:
    says.heard.append(Captured("to.crm", {"headers": {"for": word}}, json.dumps(CLEAN)))


LOGS, STORE, FIGURES, ALERTS, MESSAGES = list(PLACES)[::2]


@pytest.mark.parametrize(
    ("place", "plant"),
    [
        (LOGS, in_log),
        (STORE, in_table),
        (STORE, in_span),
        (FIGURES, in_label),
        (ALERTS, in_alert),
        (ALERTS, on_page_of_alerts),
        (ALERTS, in_letter),
        (MESSAGES, in_sent),
        (MESSAGES, in_reason),
        (MESSAGES, in_dead_letter),
        (MESSAGES, in_properties),
    ],
)
def test_a_planted_word_is_found(
    place: str, plant: Callable[[Everything, str], None], everything: Everything, world: World
) -> None:
    plant(everything, name_of(world))
    assert {find.what for find in every(place, world)} == {"name"}
    with pytest.raises(AssertionError, match="name, as it is"):
        secrecy.is_nowhere(world, [place])


def test_what_a_message_is_meant_to_carry_is_no_find(everything: Everything, world: World) -> None:
    everything.outbox = [CLEAN | {"data": {"customer": {"name": name_of(world)}}}]
    assert every(MESSAGES, world) == []


def nothing_logged(says: Everything) -> None:
    says.logs = {}


def nothing_kept(says: Everything) -> None:
    says.tables["span"] = ""


def nothing_heard(says: Everything) -> None:
    says.heard = []


@pytest.mark.parametrize(("place", "empty"), [(LOGS, nothing_logged), (STORE, nothing_kept), (MESSAGES, nothing_heard)])
def test_a_place_where_nothing_can_be_read_is_no_success(
    place: str, empty: Callable[[Everything], None], everything: Everything, world: World
) -> None:
    empty(everything)
    with pytest.raises(AssertionError, match=r"nothing|no message"):
        every(place, world)


def test_a_place_that_nobody_knows_is_refused(world: World) -> None:
    with pytest.raises(AssertionError, match="nobody looks into"):
        secrecy.is_nowhere(world, ["the attic"])


def test_a_customer_who_said_nothing_proves_nothing(world: World) -> None:
    world.secrets = Secrets(cast(Any, SimpleNamespace(name="Anna")))
    with pytest.raises(AssertionError, match="nothing was said"):
        secrecy.is_nowhere(world, [LOGS])
    world.secrets = None
    with pytest.raises(AssertionError, match="nobody's words are marked"):
        secrecy.is_nowhere(world, [LOGS])
