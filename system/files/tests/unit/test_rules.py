"""Rules of uploads, each broken once."""

from __future__ import annotations

import pytest

from system.files.domain import rules
from system.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("ring.stl", "ring.stl"),
        ("C:\\models\\ring.stl", "ring.stl"),
        ("../../etc/passwd", "passwd"),
        ("кольцо.stl", "кольцо.stl"),
        ("ri\x00ng\r\n.stl", "ring.stl"),
        ("models/", "model.stl"),
        ("\x00", "model.stl"),
        ("a" * 200 + ".stl", "a" * 116 + ".stl"),
    ],
)
def test_filename_is_safe_to_show(sent: str, shown: str) -> None:
    assert rules.shown_filename(sent) == shown


@pytest.mark.parametrize(("size_bytes", "code"), [(0, "mesh-empty"), (-1, "mesh-empty"), (1001, "file-too-large")])
def test_impossible_size_is_refused_before_it_is_sent(size_bytes: int, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.declared_size_is_possible(size_bytes, bytes_max=1000)
    assert refusal.value.code == code


def test_possible_sizes_pass() -> None:
    rules.declared_size_is_possible(1, bytes_max=1000)
    rules.declared_size_is_possible(1000, bytes_max=1000)


def test_too_large_a_file_is_refused_unread() -> None:
    assert rules.refused_as_too_large(1000, bytes_max=1000) is None
    findings = rules.refused_as_too_large(1001, bytes_max=1000)
    assert findings is not None
    assert findings.problem is not None
    assert (findings.problem.code, findings.sha256) == ("file-too-large", None)


def test_a_part_of_a_file_is_no_file() -> None:
    assert rules.arrived_whole(declared_bytes=10, arrived_bytes=10) is None
    for arrived_bytes in (9, 11):
        problem = rules.arrived_whole(declared_bytes=10, arrived_bytes=arrived_bytes)
        assert problem is not None
        assert problem.code == "size-mismatch"
