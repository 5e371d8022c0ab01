"""How long a model takes, by the clock and of processor time, and how much memory over what is taken with everything loaded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def timed(read: Callable[[BinaryIO], object], path: Path, rounds: int) -> str:
    """In JSON: seconds and processor seconds of each round, bytes over idle, and what `read` told of the file, as text."""
    idle_bytes = _memory_bytes("VmRSS")
    # Setting the mark of the highest back is what lets loading be left out.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    seconds: list[float] = []
    processor: list[float] = []
    told: object = None
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        with path.open("rb") as file:
            told = read(file)
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    peak_bytes = max(_memory_bytes("VmHWM") - idle_bytes, 0)
    return json.dumps({"seconds": seconds, "processor": processor, "memory_bytes": peak_bytes, "told": str(told)})


def _memory_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
