"""Compiled functions are found in a cache that cannot be written to, and work without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.meshes import compiling

SOURCE = """
from system.meshes.compiling import compiled, helper

@helper
def _twice(value: int) -> int:
    return 2 * value

@compiled
def doubled(value: int) -> int:
    return _twice(value)
"""
ASK = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "no writing":
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from room.sums import doubled
answer = doubled(21)
print(json.dumps({"answer": answer, "from_cache": sum(doubled.stats.cache_hits.values())}))
"""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A folder with a compiled function."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").touch()
    (tmp_path / "room" / "sums.py").write_text(SOURCE)
    return tmp_path


def asked(room: Path, cache: Path, how: str = "as usual") -> dict[str, int]:
    """What a process of its own answers, and how often it found what it needed."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.getcwd(),
    }
    ended = subprocess.run(
        [sys.executable, "-c", ASK, str(room), how], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, int] = json.loads(ended.stdout)
    return told


@pytest.mark.long
def test_a_cache_is_used_even_where_nothing_can_be_written(room: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    assert asked(room, cache, "no writing") == {"answer": 42, "from_cache": 0}
    assert asked(room, cache) == {"answer": 42, "from_cache": 0}
    assert asked(room, cache, "no writing") == {"answer": 42, "from_cache": 1}


@pytest.mark.long
def test_what_was_compiled_from_other_words_is_not_used(room: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    asked(room, cache)
    (room / "room" / "helpers.py").write_text("# Anything that changes in the folder counts.\n")
    assert asked(room, cache)["from_cache"] == 0


def test_what_becomes_part_of_every_loop_counts_too(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "arithmetic.py"
    stamps = []
    monkeypatch.setattr(compiling, "_OF_ALL", (shared,))
    for text in ("# As it was.\n", "# Another.\n"):
        shared.write_text(text)
        compiling._stamp.cache_clear()
        stamps.append(compiling._stamp(room / "room"))
    compiling._stamp.cache_clear()
    assert stamps[0] != stamps[1]
