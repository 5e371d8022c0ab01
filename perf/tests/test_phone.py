"""The board on a slow phone: what the loads mean."""

from __future__ import annotations

import pytest

from perf.phone import PhoneLoad, judged


def load(painted_ms: float = 900.0, scripts_ms: float = 1800.0, kb: float = 90.0) -> PhoneLoad:
    return PhoneLoad(painted_ms, scripts_ms, int(kb * 1024), 40)


def test_a_board_is_usable_when_it_is_painted_and_answers() -> None:
    assert load(painted_ms=900, scripts_ms=1800).usable_ms == 1800
    assert load(painted_ms=2000, scripts_ms=1800).usable_ms == 2000


def test_what_holds_is_met() -> None:
    findings = judged([load(), load(scripts_ms=2999)])
    assert findings.met
    assert findings.figures["phone_kb"] == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("seen", "missed"),
    [
        ([load(), load(scripts_ms=3000)], "the board on a slow phone, usable after"),
        ([load(painted_ms=3200)], "the board on a slow phone, usable after"),
        ([load(), load(kb=150)], "the board's weight on the line"),
    ],
)
def test_each_bar_can_be_missed_by_the_worst_load(seen: list[PhoneLoad], missed: str) -> None:
    assert [bar.name for bar in judged(seen).bars if not bar.met] == [missed]
