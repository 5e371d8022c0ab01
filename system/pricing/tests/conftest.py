"""What all tests of pricing share: compiled loops are there, before a child that may write nothing would compile them each time."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

import pytest

from system.pricing.adapters.mesh.warming import fetch


@pytest.fixture(scope="session", autouse=True)
def _loops_are_kept() -> None:
    # One process compiles and the others find what it kept: it takes a processor half a minute.
    with Path(tempfile.gettempdir(), "alexandrite-loops.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch()
