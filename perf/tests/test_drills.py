"""The bad candidates are really bad, and the tree stays as it is."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from perf.drills import DRILLS, WEB, kept, patched
from tools.prepare import state


@pytest.mark.parametrize("name", ["slower", "tail"])
def test_the_patched_file_is_python_and_wires_the_delay(name: str) -> None:
    source = (state.ROOT / WEB).read_text(encoding="utf-8")
    text = patched(source, DRILLS[name].delay)
    ast.parse(text)
    assert "app.add_middleware(Delayed)" in text
    assert DRILLS[name].delay in text
    assert (state.ROOT / WEB).read_text(encoding="utf-8") == source


def test_a_file_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no longer"):
        patched("app = FastAPI()\n", "1")


def test_a_bad_candidate_must_always_be_caught_and_a_good_one_never_accused() -> None:
    assert kept(DRILLS["slower"], Counter(FAILED=5))
    assert not kept(DRILLS["slower"], Counter(FAILED=4, INCONCLUSIVE=1))
    assert kept(DRILLS["same"], Counter(PASSED=4, INCONCLUSIVE=1))
    assert not kept(DRILLS["same"], Counter(PASSED=4, FAILED=1))
    assert not kept(DRILLS["same"], Counter())
