"""What is kept is what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perf.rounds import Pair, from_lines, pack, to_lines, unpack
from perf.tests.simulated import pairs


def test_lines_give_the_same_requests_back() -> None:
    made = pairs(2, failing=0.1)
    back = from_lines(to_lines(made))
    for old, new in zip(made, back, strict=True):
        for was, now in zip(old, new, strict=True):
            assert [(a.name, a.ok) for a in was.answers] == [(a.name, a.ok) for a in now.answers]
            assert [a.ms for a in now.answers] == pytest.approx([a.ms for a in was.answers], abs=0.01)


def test_a_pair_with_one_side_is_refused() -> None:
    lines = [line for line in to_lines(pairs(1)) if '"candidate"' not in line]
    with pytest.raises(ValueError, match="one side only"):
        from_lines(lines)


def test_a_recording_keeps_failures_disturbance_and_provenance(tmp_path: Path) -> None:
    made = [Pair(*(replace(one, foreign=0.25) for one in pair)) for pair in pairs(2, failing=0.1)]
    path = tmp_path / "kept.json.gz"
    pack(made, {"image": "x"}, path)
    back, provenance = unpack(path)
    assert provenance == {"image": "x"}
    assert [pair.foreign for pair in back] == [0.25, 0.25]
    assert [one.cpu_s for pair in back for one in pair] == pytest.approx(
        [one.cpu_s for pair in made for one in pair], abs=0.001
    )
    assert [[a.ok for a in one.answers] for pair in back for one in pair] == [
        [a.ok for a in one.answers] for pair in made for one in pair
    ]
    first = path.read_bytes()
    pack(made, {"image": "x"}, path)
    assert path.read_bytes() == first
