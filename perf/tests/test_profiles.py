"""Each profile's load over time."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from perf.profiles import BURST_SHARE, BURSTS, PROFILES, moment
from tools.prepare import state


def people(profile: str, share: float) -> int:
    now = moment(profile, share * 600, seconds=600, people=10)
    assert now is not None
    return now.people


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_begins_with_todays_load_and_ends(profile: str) -> None:
    assert people(profile, 0.0) == 10
    assert moment(profile, 600, seconds=600, people=10) is None


def test_steady_is_steady() -> None:
    assert {people("steady", share / 100) for share in range(100)} == {10}


def test_growth_adds_the_same_every_month() -> None:
    months = [people("growth", (month + 0.5) / 12) for month in range(12)]
    assert {later - sooner for sooner, later in pairwise(months)} == {2}


def test_a_spike_is_in_the_middle_third_only() -> None:
    assert [people("spike", share) for share in (0.2, 0.5, 0.8)] == [10, 40, 10]


def test_partners_send_a_fifth_of_the_time_in_bursts() -> None:
    moments = [moment("partner-burst", at, seconds=600, people=10) for at in range(600)]
    bursting = [now.bursting for now in moments if now]
    assert sum(bursting) == pytest.approx(600 * BURST_SHARE, abs=BURSTS)
    assert sum(later and not sooner for sooner, later in pairwise(bursting)) == BURSTS


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(KeyError, match="steady"):
        moment("stedy", 0, seconds=1, people=1)


def test_the_locust_file_holds_the_chosen_shape_and_every_role() -> None:
    # In a process of its own: importing Locust patches the one that does.
    program = (
        "from locust.util.load_locustfile import load_locustfile as load\n"
        "users, shapes = load('perf/locustfile.py')\n"
        "print(sorted(users), [type(shape).profile for shape in shapes])\n"
    )
    for profile in PROFILES:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PERF_PROFILE": profile,
                "ALEXANDRITE_DEMO_PASSWORD": "x",
                "PYTHONPATH": str(state.ROOT),
            },
            cwd=state.ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == f"['Customer', 'Operator', 'Partner', 'Seller'] ['{profile}']", done.stderr
