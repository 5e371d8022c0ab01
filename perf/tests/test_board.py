"""The bench of the board: its arguments, its bars, its report."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf import board, seed
from perf.bars import Bar, Findings
from perf.first_page import NotMeasured
from perf.rounds import Answer
from perf.system import Target
from tools.prepare import state


def test_parts_are_measured_in_one_order_whatever_was_asked_for() -> None:
    assert board.parsed([]).part == list(board.PARTS)
    assert board.parsed(["--part", "open", "--part", "growth", "--part", "open"]).part == ["growth", "open"]
    assert board.parsed(["--orders", "20000"]).orders == 20_000
    assert set(board.ACTS) == set(board.PARTS)


@pytest.mark.parametrize(
    "given",
    [["--orders", "9999"], ["--orders", "1000001"], ["--part", "speed"], ["--boards", "0"], ["--searches", "-1"]],
)
def test_what_cannot_be_measured_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        board.parsed(given)
    assert "error:" in capsys.readouterr().err


def grown(
    many_ms: float = 10.0, *, few_ms: float = 10.0, cold_ms: float = 15.0, statements: float = 5.0, wrong: int = 0
) -> Findings:
    return board.grown(
        [[few_ms] * 40, [many_ms] * 40],
        [[12.0] * 40, [14.0] * 40],
        cold=[cold_ms] * 20,
        statements=[5.0, statements],
        wrong=wrong,
    )


def test_a_board_that_is_as_fast_with_more_behind_it_holds() -> None:
    findings = grown(12.9)
    assert findings.met
    assert findings.figures["growth_ratio"] == pytest.approx(1.29)
    assert (findings.figures["p95_ms"], findings.figures["client_p95_ms"]) == (12.9, 14.0)
    assert findings.figures["same_size_ratio"] == 1.0


@pytest.mark.parametrize(
    ("findings", "missed"),
    [
        (grown(13.0), "first page, growth of the server's p95"),
        (grown(20.1, few_ms=19.0), "first page, the server's p95"),
        (grown(cold_ms=20.1), "first page with nothing kept aside, the server's p95"),
        (grown(statements=5.1), "first page, statements more at the larger size"),
        (grown(statements=4.0), "first page, statements more at the larger size"),
        (grown(wrong=1), "first pages that did not show the newest work"),
    ],
)
def test_each_bar_of_growth_can_be_missed(findings: Findings, missed: str) -> None:
    assert [bar.name for bar in findings.bars if not bar.met] == [missed]


def test_the_replaced_board_must_be_far_behind() -> None:
    assert board.compared([10.0] * 20, [(0.5, True)]).met
    near = board.compared([10.0] * 20, [(0.499, True)])
    assert not near.met and near.figures["replaced_ratio"] == pytest.approx(49.9)
    cut = board.compared([10.0] * 20, [(1.0, True), (60.0, False)])
    assert cut.figures["replaced_ratio"] == 6000.0
    assert "at least" in cut.bars[0].note and "at least" not in near.bars[0].note


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(state, "ROOT", tmp_path)
    monkeypatch.setattr(board, "OUT", tmp_path / "perf-board")
    return tmp_path / "perf-board"


def test_the_report_holds_every_bar_and_ends_with_the_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings = Findings(
        {"p95_ms": 12.0, "live_p99_ms": math.inf},
        [Bar("good", 1, "<", 2, "ms"), Bar("bad", math.inf, "<", 1000, "ms", "lost <b>")],
        [Answer("first page", 1000.5, 12.0, True), Answer("change", 1000.0, 9.0, False)],
        ["A remark."],
    )
    assert board.leave(findings, board.parsed(["--part", "open"])) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "board: p95_ms=12.00 growth_ratio=- replaced_ratio=- live_p99_ms=inf"
    assert [line.split()[0] for line in said if "bar <" in line] == ["good", "bad"]
    kept = json.loads((out / "board.json").read_text())
    assert kept["figures"] == {"p95_ms": 12.0, "live_p99_ms": "inf"}
    assert [bar["met"] for bar in kept["bars"]] == [True, False]
    assert (kept["orders"], kept["parts"]) == (1_000_000, ["open"])
    requests = [json.loads(line) for line in (out / "requests.jsonl").read_text().splitlines()]
    assert [(one["name"], one["time"], one["ok"]) for one in requests] == [
        ("first page", 0.5, True),
        ("change", 0.0, False),
    ]
    page = (out / "index.html").read_text()
    assert "lost &lt;b&gt;" in page and "A remark." in page and 'class="FAILED"' in page and "<svg" in page


def test_only_bars_that_all_hold_are_success(out: Path) -> None:
    good = Findings(bars=[Bar("good", 1, "<", 2)])
    assert board.leave(good, board.parsed([])) == 0
    assert board.leave(Findings(), board.parsed([])) == 1


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def own(role: str) -> Iterator[Target]:
        yield Target("https://test", role, {})

    monkeypatch.setattr(board, "_own", own)
    monkeypatch.setattr(seed, "fill", lambda target, orders: 1.0)
    monkeypatch.setattr(seed, "known", lambda target, share: (20_000, None))


async def breaks(target: Target, arguments: argparse.Namespace) -> Findings:
    raise NotMeasured("it was not there")


async def holds(target: Target, arguments: argparse.Namespace) -> Findings:
    return Findings({"p95_ms": 1.0}, [Bar("good", 1, "<", 2)])


@pytest.mark.usefixtures("filled")
def test_a_part_that_breaks_leaves_the_others_and_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "ACTS", {"growth": breaks, "search": holds})
    findings = board.measure(board.parsed(["--orders", "20000", "--part", "growth", "--part", "search"]))
    assert [(bar.name, bar.met) for bar in findings.bars] == [("growth, measured", False), ("good", True)]
    assert "it was not there" in findings.bars[0].note


@pytest.mark.usefixtures("filled")
def test_a_longer_past_than_asked_for_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["board", "--orders", "10000"])
    assert board.main() == 2
    assert "cannot be shortened" in capsys.readouterr().err
