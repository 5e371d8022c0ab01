"""What moved through the workshop, and what stood where."""

from __future__ import annotations

from datetime import timedelta

from system.kernel.ids import new_id
from system.mes.domain.flow import Move, Standing, ages, in_progress, passed, passed_by_hour
from system.mes.tests.harness import START as NOW


def test_what_goes_forward_is_counted_for_the_stage_it_left() -> None:
    moves = [Move(None, "RELEASED", 9), Move("RELEASED", "CLAIMED", 5), Move("CLAIMED", "COMPLETED", 3)]
    assert passed(moves) == {"RELEASED": 5, "CLAIMED": 3}


def test_what_goes_back_is_taken_off_again() -> None:
    made = [Move("CLAIMED", "COMPLETED", 2), Move("COMPLETED", "PACKING", 1)]
    assert passed([*made, Move("PACKING", "CLAIMED", 1)]) == {"CLAIMED": 1, "COMPLETED": 0}
    assert passed([Move("RELEASED", "CLAIMED", 1), Move("CLAIMED", "RELEASED", 1)])["RELEASED"] == 0


def test_a_hand_over_and_a_cancelled_order_are_no_throughput() -> None:
    assert not passed([Move("CLAIMED", "CLAIMED", 4), Move("PACKING", "WITHDRAWN", 1), Move(None, "WITHDRAWN", 1)])


def test_the_hours_of_a_day() -> None:
    hours = passed_by_hour([Move("PACKING", "SHIPPED", 2, hour=9), Move("PACKING", "SHIPPED", 1, hour=23)])
    assert [(hour, counted["PACKING"]) for hour, counted in enumerate(hours) if counted] == [(9, 2), (23, 1)]


def test_what_stood_there_is_counted_backwards_from_what_stands_there() -> None:
    yesterday = [Move(None, "RELEASED", 5), Move("RELEASED", "CLAIMED", 2)]
    today = [Move("CLAIMED", "COMPLETED", 1), Move("RELEASED", "WITHDRAWN", 1), Move("CLAIMED", "RELEASED", 1)]
    ends = in_progress({"RELEASED": 3, "COMPLETED": 1}, [[], yesterday, today])
    assert ends == [
        {"RELEASED": 0, "CLAIMED": 0, "COMPLETED": 0, "PACKING": 0},
        {"RELEASED": 3, "CLAIMED": 2, "COMPLETED": 0, "PACKING": 0},
        {"RELEASED": 3, "CLAIMED": 0, "COMPLETED": 1, "PACKING": 0},
    ]


def test_ages_fall_into_buckets_by_stage() -> None:
    hours = (0, 3, 4, 25, 24 * 8)
    moments = [NOW - timedelta(hours=each) for each in hours]
    standing = [Standing(new_id(), "A-26000123", "Ring", "CLAIMED", since, since, NOW, NOW) for since in moments]
    counted = ages(standing, now=NOW)
    assert counted["CLAIMED"] == [2, 1, 1, 0, 1]
    assert counted["PACKING"] == [0, 0, 0, 0, 0]
