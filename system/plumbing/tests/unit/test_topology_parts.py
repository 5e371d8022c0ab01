"""Every part of the topology that may be gone is counted from nought, so that the first time it is mended is seen."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from typing import Any

import pytest

from system.plumbing.metrics import TOPOLOGY_PARTS
from system.plumbing.topology_guard import missing

COUNTS = """
from prometheus_client import REGISTRY
from system.plumbing.metrics import TOPOLOGY_PARTS
for part in TOPOLOGY_PARTS:
    print(part, REGISTRY.get_sample_value("alexandrite_topology_mended_total", {"what": part}))
"""


def test_each_is_at_nought_before_anything_was_mended() -> None:
    """In a process of its own: in this one somebody may have mended already."""
    told = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [f"{part} 0.0" for part in TOPOLOGY_PARTS]


class Broker:
    """A broker without any binding, and perhaps without more."""

    def __init__(self, *, exchange: bool, queue: bool) -> None:
        self._exchange, self._queue = exchange, queue

    async def bindings_of(self, queue: str) -> set[Any]:
        return set()

    async def has_exchange(self, exchange: str) -> bool:
        return self._exchange

    async def has_queue(self, queue: str) -> bool:
        return self._queue


@pytest.mark.parametrize("service", ["shop", "mes"])
async def test_nothing_else_is_ever_missing(service: str) -> None:
    found: set[str] = set()
    for exchange, queue in product((True, False), repeat=2):
        found |= await missing(Broker(exchange=exchange, queue=queue), service)  # type: ignore[arg-type]
    assert found == set(TOPOLOGY_PARTS)
