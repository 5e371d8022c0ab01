"""Inside the process that parses what strangers uploaded: under limits, without sockets, one file descriptor in, JSON lines out.

A service's own child is a module of a few lines, started by `process.py` as `python -m MODULE FD MEMORY_BYTES CPU_S [OPTION ...]`:

    if __name__ == "__main__":
        sys.exit(run(sys.argv[1:], load))
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from system.meshes.sandbox import forbid_sockets, limit

OUT_OF_MEMORY = 3
Report = Callable[[dict[str, Any]], None]
"""Takes one finding, with `stage` naming its kind."""
Work = Callable[[BinaryIO, Report, list[str]], None]
"""Reads the file and reports what it finds, as its options tell."""


def run(arguments: list[str], load: Callable[[], Work]) -> int:
    """Does the work on the file behind a descriptor. Exit status 0 when it said all it had to say, 3 when memory ran out.

    `load` imports what works: under the limits already, and before programs and sockets are forbidden.
    """
    descriptor, memory_bytes, cpu_s = (int(argument) for argument in arguments[:3])
    limit(memory_bytes=memory_bytes, cpu_s=cpu_s)
    work = load()
    forbid_sockets()
    try:
        with os.fdopen(descriptor, "rb") as file:
            work(file, _say, arguments[3:])
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _say(finding: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(finding) + "\n")
    sys.stdout.flush()
