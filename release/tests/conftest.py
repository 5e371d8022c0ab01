"""No test of the pipeline may reach the pipeline that runs it: its home and its pins are named by variables that a gate inherits."""

from __future__ import annotations

import os

import pytest

from release import home, pins
from tools.prepare import topology

NAMES = (home.VARIABLE, pins.REMOTE_VARIABLE, topology.PROJECT_VARIABLE)


@pytest.fixture(autouse=True)
def nobodys_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what names a real one: a test that pins something would otherwise pin it in production."""
    for name in {*NAMES, *(name for name in os.environ if name.startswith("RELEASE_"))}:
        monkeypatch.delenv(name, raising=False)
