"""What all tests of pricing share: compiled loops are there, before a child that may write nothing would compile them each time."""

from __future__ import annotations

import pytest

from system.pricing.adapters.mesh.warming import fetch


@pytest.fixture(scope="session", autouse=True)
def _loops_are_kept() -> None:
    fetch()
