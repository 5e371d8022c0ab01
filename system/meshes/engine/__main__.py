"""`python -m system.meshes.engine time FILE [ROUNDS]`: how long it takes to scan a file, by the clock and of processor time.

In JSON, with how much memory over what is taken with everything loaded.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from system.meshes.engine.scan import Scan, scan
from system.meshes.engine.warming import fetch


def main(arguments: list[str]) -> int:
    """Exit status 2 for what is no such command."""
    match arguments:
        case ["time", path]:
            sys.stdout.write(_timed(Path(path), 1) + "\n")
        case ["time", path, rounds]:
            sys.stdout.write(_timed(Path(path), int(rounds)) + "\n")
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _timed(path: Path, rounds: int) -> str:
    fetch()
    idle_bytes = _memory_bytes("VmRSS")
    # Setting the mark of the highest back is what lets loading be left out.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    seconds: list[float] = []
    processor: list[float] = []
    found: Scan | None = None
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        with path.open("rb") as file:
            found = scan(file)
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    assert found is not None
    return json.dumps(
        {
            "seconds": seconds,
            "processor": processor,
            "memory_bytes": max(_memory_bytes("VmHWM") - idle_bytes, 0),
            "told": str((found.volume, found.area, found.oriented, found.body_count)),
        }
    )


def _memory_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
