"""The figure of an idle system: what is printed, and when it misses."""

from __future__ import annotations

import math

import pytest

from perf import idle
from perf.machine import Watch


@pytest.mark.parametrize(
    ("base", "present", "status", "said"),
    [
        (20.0, 10.0, 0, "ratio 0.50 (met)"),
        (10.0, 12.0, 0, "ratio 1.20 (met)"),
        (10.0, 12.5, 1, "ratio 1.25 (MISSED)"),
        (math.nan, 10.0, 2, "does not tell"),
        (0.0, 10.0, 2, "does not tell"),
    ],
)
def test_a_hungrier_system_misses_and_silence_is_no_success(
    base: float, present: float, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert idle.told(base, present) == status
    assert said in capsys.readouterr().out


def test_processor_seconds_become_percent_of_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((10.0, 14.0))
    monkeypatch.setattr("perf.idle.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("perf.idle.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Watch, "start", lambda watch: None)
    monkeypatch.setattr(Watch, "used_by_each", lambda watch: [0.4, 1.0])
    assert idle.measured(Watch([[], []]), seconds=4) == pytest.approx([10.0, 25.0])
