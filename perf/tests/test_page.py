"""The page of a run: one system or two, plots of everything, text that cannot break out."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf import page, plots
from perf.rounds import Answer
from perf.run import failures_in, read_raw
from perf.tests.simulated import pairs


def answers(ms: float, *, ok: bool = True) -> list[Answer]:
    return [Answer(name, at / 4, ms + at, ok) for at in range(40) for name in ("board", "claim")]


def test_a_run_of_two_systems_shows_each_kind_of_both(tmp_path: Path) -> None:
    page.write_run({"base": answers(10), "candidate": answers(20)}, tmp_path / "index.html", title="steady <b>")
    text = (tmp_path / "index.html").read_text()
    assert "steady &lt;b&gt;" in text and "<b>" not in text
    assert text.count("<svg") == 5
    for word in ("board", "claim", "candidate p50", "base p50"):
        assert word in text


def test_the_table_counts_failures_and_compares_kinds() -> None:
    heading, rows = page.figures_table({"base": answers(10), "candidate": [*answers(40), *answers(1, ok=False)]})
    told = {row[0]: row for row in rows}
    assert heading[-2:] == ["p50 ratio", "p95 ratio"]
    assert told["board"][1:3] == ["40", "0"]
    assert told["board"][6:8] == ["80", "40"]
    assert float(told["board"][-2]) == pytest.approx(59 / 29, abs=0.02)
    assert told["all"][-1] == ""


def test_a_side_without_a_success_is_drawn_too(tmp_path: Path) -> None:
    page.write_run({"candidate": answers(10, ok=False)}, tmp_path / "index.html", title="down")
    assert (tmp_path / "index.html").read_text().count("<svg") == 5


def test_the_same_rounds_give_the_same_plots() -> None:
    tracks = {
        side: plots.Track([a.at for a in own], [a.ms for a in own], [a.ok for a in own])
        for side, own in page.sides_of(pairs(2)).items()
    }
    assert plots.percentiles_over_time(tracks, "all") == plots.percentiles_over_time(tracks, "all")


def test_what_the_load_wrote_is_read_from_where_requests_began(tmp_path: Path) -> None:
    raw = tmp_path / "0.jsonl"
    raw.write_text(
        '{"time": 105.0, "name": "board", "ms": 1000.0, "ok": true}\n'
        '{"time": 104.5, "name": "claim", "ms": 2500.0, "ok": false, "said": "502 Bad Gateway"}\n'
    )
    assert read_raw(raw) == [Answer("board", 2.0, 1000.0, True), Answer("claim", 0.0, 2500.0, False)]
    assert failures_in(raw) == {"claim: 502 Bad Gateway": 1}
    raw.write_text("")
    with pytest.raises(ValueError, match="holds no request"):
        read_raw(raw)
