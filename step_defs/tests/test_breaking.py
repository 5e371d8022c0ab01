"""What is broken is mended, whatever happens: the way back is known before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from step_defs.dsl import breaking
from step_defs.dsl.faults import Faults
from step_defs.dsl.world import World


class Engine:
    """Remembers what was asked of the containers; the statement that holds `fails_at` fails."""

    def __init__(self, fails_at: str = "") -> None:
        self.done: list[str] = []
        self.fails_at = fails_at

    def sql(self, database: str, statement: str) -> str:
        self.done.append(statement)
        if self.fails_at and self.fails_at in statement:
            raise AssertionError(f"{statement} failed")
        return "1"

    @contextmanager
    def sql_meanwhile(self, database: str, statement: str) -> Iterator[None]:
        self.done.append(f"begins {statement}")
        yield
        self.done.append(f"ends {statement}")

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        self.done.append(f"stops {service}")
        yield
        self.done.append(f"starts {service}")


def world_of(engine: Engine) -> World:
    order = SimpleNamespace(order_id="1")
    world = SimpleNamespace(
        unique="u",
        backstage=SimpleNamespace(containers=engine),
        shopper=lambda _: SimpleNamespace(starts_order=lambda: order),
        on_call=SimpleNamespace(prometheus=SimpleNamespace(value=lambda _: 0.0)),
    )
    world.faults = Faults(cast(World, world))
    return cast(World, world)


def test_a_part_that_was_stopped_starts_again() -> None:
    engine = Engine()
    world = world_of(engine)
    breaking.away("redis")(world)
    assert engine.done == ["stops redis"]
    world.faults.mend()
    assert engine.done == ["stops redis", "starts redis"]


@pytest.mark.parametrize("fails_at", ["", "NOLOGIN", "pg_terminate_backend"])
def test_a_service_that_was_locked_out_gets_in_again_even_if_locking_failed_half_way(fails_at: str) -> None:
    engine = Engine(fails_at)
    world = world_of(engine)
    try:
        breaking.locked_out("pricing")(world)
    except AssertionError:
        assert fails_at
    world.faults.mend()
    assert engine.done[-1] == "ALTER ROLE pricing_app LOGIN"
    assert any("NOLOGIN" in statement for statement in engine.done)


def test_a_lock_is_given_up_before_its_table_goes() -> None:
    engine = Engine()
    world = world_of(engine)
    breaking.table_is_locked(world)
    world.faults.mend()
    held, waits = (step for step in engine.done if step.startswith("ends"))
    assert engine.done[0] == "CREATE TABLE scenario_u ()" and engine.done[-1] == "DROP TABLE scenario_u"
    assert held == "ends TABLE scenario_u" and "LOCK TABLE scenario_u" in waits


@pytest.mark.parametrize("fails_at", ["", "UPDATE outbox"])
def test_messages_of_the_shop_are_free_again(fails_at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "SOON_S", 0.05)
    engine = Engine(fails_at)
    world = world_of(engine)
    try:
        breaking.shop_cannot_send(world)
    except AssertionError:
        assert fails_at
    world.faults.mend()
    assert "SET holder = NULL" in engine.done[-1] and "holder = 'nobody-u'" in engine.done[-1]


def test_a_message_that_finds_no_reader_is_taken_away_again() -> None:
    engine = Engine()
    world = world_of(engine)
    breaking.message_finds_no_reader(world)
    world.faults.mend()
    said, taken = engine.done
    assert said.startswith("INSERT INTO outbox") and taken.startswith("DELETE FROM outbox WHERE event_id = '")
    # Whatever lays a queue beside all that is said must not become its reader.
    assert not breaking.NOBODY_HEARS.endswith(".v1")


def test_older_is_what_is_there_and_nothing_is_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "SOON_S", 0.05)
    engine: Any = Engine()
    engine.sql = lambda *_: ""
    with pytest.raises(AssertionError, match="a row of inbox where"):
        breaking._older(world_of(engine), "crm", "inbox", "received_at = now()", "state = 'held'")
