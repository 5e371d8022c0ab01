"""How much load when: pure functions of time.

steady          the same people all the time
growth          volume grows by about 100 orders a month, every month: each twelfth of the run is a month
partner-burst   everybody as in steady; partners send their orders in bursts: a fifth of the time, all at once
spike           four times the people in the middle third
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MODEL = "torus-ring"
MODELS = {"1k": MODEL, "100k": f"{MODEL}-100k", "1m": f"{MODEL}-1m"}
"""What customers upload, by the size class of `--models`: about so many triangles."""
PROFILES = ("steady", "growth", "partner-burst", "spike")
MONTHS = 12
GROWTH_A_MONTH = 100
BURSTS = 4
BURST_SHARE = 0.2
SPIKE_FACTOR = 4
ORDERS_A_PERSON = 50
"""So many orders a month stand for one person of the load; a month of a year from now has 1,200 more orders than today."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is wanted at one moment: how many people in all, and whether partners are sending."""

    people: int
    bursting: bool


def moment(profile: str, elapsed_s: float, *, seconds: float, people: int) -> Moment | None:
    """The load after so long a time; None when the run is over. `people` is the load of today. Raises KeyError for no profile."""
    if profile not in PROFILES:
        raise KeyError(f"no profile is named {profile!r}; there are {', '.join(PROFILES)}")
    if elapsed_s >= seconds:
        return None
    share = elapsed_s / seconds
    if profile == "growth":
        month = math.floor(share * MONTHS)
        return Moment(people + math.ceil(month * GROWTH_A_MONTH / ORDERS_A_PERSON), False)
    if profile == "partner-burst":
        # Every burst ends its part of the run, so that quiet comes first and both can be told apart.
        return Moment(people, (share * BURSTS) % 1.0 >= 1 - BURST_SHARE)
    if profile == "spike" and 1 / 3 <= share < 2 / 3:
        return Moment(people * SPIKE_FACTOR, False)
    return Moment(people, False)
