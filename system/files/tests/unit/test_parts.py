"""How a file is cut into parts."""

from __future__ import annotations

import pytest

from system.files.domain import rules
from system.files.domain.upload import Parts


@pytest.mark.parametrize(
    ("whole", "sizes"), [(1, [1]), (399, [399]), (400, [400]), (401, [400, 1]), (1084, [400, 400, 284])]
)
def test_parts_are_the_whole_file(whole: int, sizes: list[int]) -> None:
    parts = Parts(whole, 400)
    assert [parts.size_of(number) for number in range(1, parts.count + 1)] == sizes
    assert sum(sizes) == whole


@pytest.mark.parametrize("number", [-1, 0, 4])
def test_there_is_no_part_beyond_the_last(number: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        Parts(1084, 400).size_of(number)


def test_what_has_not_arrived_is_missing() -> None:
    parts = Parts(1084, 400)
    assert parts.missing({}) == [1, 2, 3]
    assert parts.missing({1: 400, 3: 284}) == [2]
    assert parts.missing({1: 400, 2: 400, 3: 284}) == []


def test_parts_of_another_size_together_are_refused() -> None:
    assert rules.refused_as_unlike_announced(1084, declared_bytes=1084) is None
    refused = rules.refused_as_unlike_announced(1085, declared_bytes=1084)
    assert refused is not None and refused.problem is not None
    assert (refused.problem.code, refused.size_bytes, refused.sha256) == ("size-mismatch", 1085, None)
