"""What the timeline is told when a calculation has to be tried again: the reason, and not what merely followed from it."""

from __future__ import annotations

from typing import Any, cast
from uuid import uuid4

import pytest

from system.kernel.errors import Unavailable
from system.pricing.application.calculation import Calculation
from system.pricing.application.commands import CalculateQuote
from system.pricing.application.ports import MeasuringKilled
from system.pricing.domain.setback import Setback
from system.pricing.entrypoints.worker import calculate


class Failing:
    """A calculation that is held up, and what it was told of it."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.told: list[str] = []

    async def run(self, command: CalculateQuote) -> None:
        raise self._error

    async def held_up(self, command: CalculateQuote, setback: Setback) -> None:
        self.told.append(setback.code)

    async def give_up(self, command: CalculateQuote) -> None:
        self.told.append("given-up")


async def told_of(error: Exception, **command: Any) -> list[str]:
    failing = Failing(error)
    with pytest.raises(type(error)):
        await calculate(CalculateQuote(uuid4(), **command), cast("Calculation", failing))
    return failing.told


@pytest.mark.parametrize(
    ("error", "is_ours", "told"),
    [
        pytest.param(Unavailable("storage-away", "No answer."), True, ["dependency-away"], id="storage is away"),
        pytest.param(
            Unavailable("storage-away", "No answer."), False, ["lease-lost"], id="stood still, connection lost"
        ),
        pytest.param(MeasuringKilled(), True, ["measuring-killed"], id="out of memory"),
        pytest.param(Unavailable("lease-lost", "Paused."), False, ["lease-lost"], id="stood still, no time left"),
        pytest.param(ValueError("a defect"), True, [], id="a defect, with attempts left"),
    ],
)
async def test_the_reason_is_told(error: Exception, is_ours: bool, told: list[str]) -> None:
    assert await told_of(error, is_ours=lambda: is_ours) == told


async def test_a_defect_at_the_last_attempt_ends_the_quote() -> None:
    assert await told_of(ValueError("a defect"), last_attempt=True) == ["given-up"]
