"""The same seed is the same plan; the matrix is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.faults.matrix import FAULTS
from perf.faults.plan import Ending, Shape, drawn
from perf.faults.stage import OVERLAY, SERVICES

FAULT_NAMES = sorted(FAULTS)


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_the_same_seed_is_the_same_plan(name: str) -> None:
    assert FAULTS[name].plan(3) == FAULTS[name].plan(3)
    assert FAULTS[name].plan(3).intents != FAULTS[name].plan(4).intents


def test_the_same_seed_of_two_faults_is_not_the_same_plan() -> None:
    assert FAULTS["broker-killed"].plan(1).intents != FAULTS["redis-gone"].plan(1).intents


def test_five_seeds_strike_every_seat() -> None:
    fault = FAULTS["relay-killed-before-publish"]
    assert {fault.plan(seed).seat for seed in range(1, 6)} == set(fault.seats)


def test_a_crowd_is_mixed() -> None:
    intents = [intent for seed in range(20) for intent in drawn("mixed", seed, shape=Shape()).intents]
    assert {intent.ending for intent in intents} == set(Ending)
    assert {bool(intent.sku) for intent in intents} == {True, False}
    assert {intent.repeats for intent in intents} == {True, False}
    assert len({intent.buyer for intent in intents}) > 1


def test_there_are_at_least_twenty_faults_and_names_in_one_form() -> None:
    assert len(FAULTS) >= 20
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) for name in FAULTS)


def test_every_seat_of_the_matrix_is_a_service_of_the_overlay() -> None:
    overlay = Path(OVERLAY).read_text(encoding="utf-8")
    seats = set(re.findall(r"ALEXANDRITE_FAULT_SEAT: ([a-z-]+)", overlay))
    assert seats == set(SERVICES)
    assert {seat for fault in FAULTS.values() for seat in fault.seats if seat} <= seats
