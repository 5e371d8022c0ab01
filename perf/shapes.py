"""The profiles of load as Locust shapes. Importing Locust patches this process; `perf.profiles` is free of it."""

from __future__ import annotations

from locust import LoadTestShape

from perf.profiles import Moment, moment


class Shape(LoadTestShape):
    """Follows `moment`; subclasses name the profile. `seconds` and `people` are set before the run begins."""

    abstract = True
    profile = "steady"
    seconds = 60.0
    people = 12

    def tick(self) -> tuple[int, float] | None:
        """How many people now, and how many may come or go per second; None ends the run."""
        now = self._now()
        return None if now is None else (now.people, max(4.0, float(now.people)))

    def bursting(self) -> bool:
        """Whether partners send now."""
        now = self._now()
        return now is not None and now.bursting

    def _now(self) -> Moment | None:
        elapsed_s: float = self.get_run_time()  # type: ignore[no-untyped-call]  # Locust's
        return moment(self.profile, elapsed_s, seconds=self.seconds, people=self.people)


class Steady(Shape):
    """The same people all the time."""

    abstract = True
    profile = "steady"


class Growth(Shape):
    """A year of growth, a month in each twelfth of the run."""

    abstract = True
    profile = "growth"


class PartnerBurst(Shape):
    """Partners send at once what they collected."""

    abstract = True
    profile = "partner-burst"


class Spike(Shape):
    """A day on which everybody comes."""

    abstract = True
    profile = "spike"


SHAPES: dict[str, type[Shape]] = {shape.profile: shape for shape in (Steady, Growth, PartnerBurst, Spike)}
