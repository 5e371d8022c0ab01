"""Guessing passwords gets slower with every wrong one, per e-mail, whether or not an account has that e-mail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ThrottleTerms:
    """`free_failures` wrong passwords cost nothing; each further one doubles the wait from `wait_first` to `wait_max`.

    Without a failure for `forget_after`, everything is forgiven.
    """

    free_failures: int
    wait_first: timedelta
    wait_max: timedelta
    forget_after: timedelta


@dataclass(frozen=True, slots=True)
class Attempts:
    """The wrong passwords for one e-mail in a row."""

    failures: int = 0
    last_failed_at: datetime | None = None
    blocked_until: datetime | None = None

    def wait_s(self, now: datetime) -> int:
        """Whole seconds until the next attempt is looked at; 0 when now."""
        if self.blocked_until is None or self.blocked_until <= now:
            return 0
        return math.ceil((self.blocked_until - now).total_seconds())

    def failed(self, *, now: datetime, terms: ThrottleTerms) -> Attempts:
        """What is remembered after one more wrong password."""
        forgiven = self.last_failed_at is not None and now - self.last_failed_at > terms.forget_after
        failures = 1 if forgiven else self.failures + 1
        excess = failures - terms.free_failures
        if excess < 1:
            return Attempts(failures=failures, last_failed_at=now)
        # The exponent is capped: a timedelta overflows long before an attacker tires.
        wait = min(terms.wait_first * 2 ** min(excess - 1, 20), terms.wait_max)
        return Attempts(failures=failures, last_failed_at=now, blocked_until=now + wait)
