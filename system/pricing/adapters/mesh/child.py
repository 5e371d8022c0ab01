"""The process that parses what strangers uploaded: under limits, without sockets, reading one file descriptor and writing JSON lines.

Started by the supervisor as `python -m system.pricing.adapters.mesh.child FD MEMORY_BYTES CPU_S [draw]`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any


def main(arguments: list[str]) -> int:
    """Analyses the file behind a descriptor. Exit status 0 when it said all it had to say, 3 when memory ran out."""
    descriptor, memory_bytes, cpu_s = (int(argument) for argument in arguments[:3])
    limit(memory_bytes=memory_bytes, cpu_s=cpu_s)
    from system.pricing.adapters.mesh.analyse import analyse
    from system.pricing.adapters.mesh.sandbox import forbid_sockets

    forbid_sockets()
    try:
        with os.fdopen(descriptor, "rb") as file:
            analyse(file, _say, draws=arguments[3:] == ["draw"])
    except MemoryError:
        return 3
    return 0


def limit(*, memory_bytes: int, cpu_s: int) -> None:
    """Caps what a hostile file can make this process take. Nothing is written, so files are capped at nothing."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(finding: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(finding) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
