"""Who loads the system for longer than a session lasts comes in again."""

from __future__ import annotations

import math
import os
import time

import pytest

# Locust would exchange the sockets of every other test of this process.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
from perf.users import Someone

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]


class Counted(Someone):
    """Counts how often it came in; no server is asked."""

    abstract = True

    def __init__(self, renewed_at: float) -> None:
        self.renewed_at = renewed_at
        self.token = "old"
        self.times = 0

    def sign_in(self) -> None:
        self.times += 1
        assert self.renewed_at == math.inf, "asked again by its own request, it would never end"
        self.token, self.renewed_at = "new", time.monotonic() + 100


@pytest.mark.parametrize(("due_in_s", "times"), [(-1, 1), (100, 0), (math.inf, 0)], ids=["over", "good", "not-in-yet"])
def test_session_is_opened_anew_when_it_is_due_and_only_then(due_in_s: float, times: int) -> None:
    someone = Counted(time.monotonic() + due_in_s)
    someone.stays_signed_in()
    someone.stays_signed_in()
    assert (someone.times, someone.token) == (times, "new" if times else "old")
