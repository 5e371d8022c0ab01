"""Flags of an environment: pinned by commits, refused when unknown, told to the services, put back by the agent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from release import flags
from release.errors import EvidenceInvalid, NotReady
from release.flags import Declared, declared_at, pinned, switch
from release.home import VARIABLE
from release.pins import REMOTE_VARIABLE, PinMoved, Pins
from release.tests import places
from release.tests.history import History
from release.tests.places import NOON, pin

DAY = NOON.date()
KNOWN = {"board": Declared("Tiles.", "anna", DAY), "labels": Declared("QR.", "oleg", DAY)}


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(History(tmp_path / "repository").path)


def switched(pins: Pins, name: str, lit: bool, known: dict[str, Declared] = KNOWN) -> dict[str, bool]:
    return switch(pins, "production", name, lit=lit, known=known, by="anna", why="ready", at=NOON)


def test_the_pins_of_the_pipeline_that_runs_these_tests_are_out_of_reach(pins: Pins) -> None:
    assert REMOTE_VARIABLE not in os.environ and VARIABLE not in os.environ


def test_flags_are_dark_until_somebody_lights_them(pins: Pins) -> None:
    assert pinned(pins, "production") == {}
    assert switched(pins, "board", True) == {"board": True}
    assert switched(pins, "labels", False) == {"board": True, "labels": False}
    assert pinned(pins, "production") == {"board": True, "labels": False}
    assert pinned(pins, "dev") == {}


def test_flags_and_pins_share_a_branch_and_leave_each_other_alone(pins: Pins) -> None:
    first = pins.write(pin(), after=None, why="first")
    switched(pins, "board", True)
    read = pins.read(first.pin.environment)
    assert read is not None and read.pin == first.pin
    pins.write(first.pin, after=read, why="again")
    assert pinned(pins, "production") == {"board": True}


def test_a_flag_that_the_release_does_not_know_is_refused_with_those_it_knows(pins: Pins) -> None:
    with pytest.raises(NotReady, match="board, labels"):
        switched(pins, "bord", True)
    assert pinned(pins, "production") == {}


def test_a_flag_that_no_release_knows_any_more_can_be_forgotten_and_not_lit(pins: Pins) -> None:
    switched(pins, "board", True)
    with pytest.raises(NotReady):
        switched(pins, "board", True, {})
    assert switched(pins, "board", False, {}) == {}


def test_two_who_switch_at_once_never_overwrite_each_other(pins: Pins) -> None:
    switched(pins, "board", True)
    with pytest.raises(PinMoved):
        pins.put("production.flags.json", "{}", after=None, message="late", at=NOON)
    assert pinned(pins, "production") == {"board": True}


@pytest.mark.parametrize("text", ["{", "[]", '{"board": 1}', '{"board": "on"}'])
def test_flags_written_by_hand_and_wrongly_are_refused(pins: Pins, text: str) -> None:
    pins.put("production.flags.json", text, after=None, message="by hand", at=NOON)
    with pytest.raises(EvidenceInvalid, match="flags of production"):
        pinned(pins, "production")


def test_the_services_are_told_once_and_again_after_a_change_by_hand(tmp_path: Path) -> None:
    environment = places.environment(tmp_path)
    environment.steering.mkdir(parents=True)
    told = environment.steering / flags.FLAGS_FILE
    assert flags.apply(environment, {"board": True}) is True
    assert json.loads(told.read_text()) == {"board": True}
    assert flags.apply(environment, {"board": True}) is False
    told.write_text('{"board": false}')
    assert flags.apply(environment, {"board": True}) is True


def test_the_release_declares_its_flags(tmp_path: Path) -> None:
    history = History(tmp_path)
    before = history.commit({"system/x.py": ""})
    good = history.commit({"system/flags.toml": '[board]\nabout = "Tiles."\nowner = "anna"\nuntil = 2027-01-31\n'})
    bad = history.commit({"system/flags.toml": "[board]\n"})
    assert declared_at(history.repository, before) == {}
    assert declared_at(history.repository, good)["board"].owner == "anna"
    with pytest.raises(NotReady, match="cannot be read"):
        declared_at(history.repository, bad)
