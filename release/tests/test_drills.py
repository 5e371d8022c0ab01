"""What a drill's figures come to, and that its defects still fit the code they break."""

from __future__ import annotations

import pytest

from release.drill_load import Answer, Reckoning
from release.drills import DEFECTS, Row, bar_is_met, p95, row_of, table
from tools.prepare import state

CLEAN = Reckoning(orders=20, lost=0, doubled=0, findings=0, unanswered=0)


def row(traffic_s: float | None = 12.0, reckoning: Reckoning = CLEAN) -> Row:
    return Row("errors", traffic_s, traffic_s, traffic_s, 1000, 5, reckoning)


class FakeLoad:
    """Answers as given."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def bad(self, *, since: float) -> list[Answer]:
        return [answer for answer in self.answers if answer.is_bad]

    def reckon(self) -> Reckoning:
        return CLEAN


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_each_defect_fits_the_code_it_breaks_and_still_compiles(name: str) -> None:
    defect = DEFECTS[name]
    source = (state.ROOT / defect.file).read_text(encoding="utf-8")
    assert source.count(defect.present) == 1
    compile(source.replace(defect.present, defect.instead), defect.file, "exec")


def test_times_count_from_the_first_bad_answer() -> None:
    load = FakeLoad(Answer(10, 200, 0.1), Answer(20, 500, 0.1), Answer(27, 0, 0.1), Answer(40, 200, 0.1))
    # The traffic was told to go back twice, once before anything was wrong.
    found = row_of("errors", load, told=[5.0, 28.0], back=[5.5, 28.5])  # type: ignore[arg-type]
    assert (found.judged_s, found.traffic_s, found.last_bad_s) == (8.0, 8.5, 7.0)
    assert (found.answers, found.bad) == (4, 2)


def test_an_answer_nobody_waits_for_is_bad() -> None:
    assert Answer(0, 200, 3.1).is_bad
    assert not Answer(0, 200, 2.9).is_bad
    assert not Answer(0, 404, 0.1).is_bad


def test_nothing_bad_was_seen() -> None:
    found = row_of("let in", FakeLoad(Answer(1, 200, 0.1)), told=[5.0], back=[5.5])  # type: ignore[arg-type]
    assert (found.judged_s, found.traffic_s, found.last_bad_s) == (None, None, None)


def test_p95_is_a_value_that_was_measured() -> None:
    assert p95([float(number) for number in range(1, 21)]) == 19
    assert p95([3.0]) == 3


@pytest.mark.parametrize(
    ("rows", "met"),
    [
        ([row(), row()], True),
        ([], False),
        ([row(), row(None)], False),
        ([row(), row(31.0)], False),
        ([row(reckoning=Reckoning(20, 1, 0, 0, 0))], False),
        ([row(reckoning=Reckoning(20, 0, 1, 0, 0))], False),
        ([row(reckoning=Reckoning(20, 0, 0, 1, 0))], False),
    ],
)
def test_the_bar(rows: list[Row], *, met: bool) -> None:
    assert bar_is_met(rows) is met


def test_the_table_has_a_line_per_run_and_says_what_is_unknown() -> None:
    lines = table([row(), row(None)]).splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("12.0 s of 2 runs")
    assert "unknown" in table([row(None)])
