"""The measuring process for many files: what it imports is imported once, under its limits, and each file has a fork of its own.

`python -m system.pricing.tests.unit.nursery MEMORY_BYTES CPU_S [WARM ...]` reads paths, a line each, and answers each with a line of
JSON. Files to warm up with are read first, by the process that forks.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from pathlib import Path
from typing import Any

from system.meshes.child import OUT_OF_MEMORY, Work
from system.meshes.sandbox import forbid_sockets, limit
from system.pricing.adapters.mesh.child import load

_WARMING_S = 300
"""Of processor time, for what is imported and compiled before any file is read; the limit of a file is its fork's."""


def main(words: list[str]) -> int:
    """Until its input ends."""
    limit(memory_bytes=int(words[0]), cpu_s=_WARMING_S)
    work = load()
    if not forbid_sockets():
        raise SystemExit("no filter")
    for path in words[2:]:
        with Path(path).open("rb") as file:
            work(file, lambda finding: None, [])
    for line in sys.stdin:
        print(json.dumps(_measured(work, line.strip(), int(words[1]))), flush=True)
    return 0


def _measured(work: Work, path: str, cpu_s: int) -> dict[str, Any]:
    """What a fork says of a file, how it ended, and what it took."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        os._exit(_told(work, path, to_parent))
    os.close(to_parent)
    with os.fdopen(from_child) as said:
        findings = [json.loads(line) for line in said]
    _, status, used = os.wait4(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "cpu_s": used.ru_utime + used.ru_stime, "findings": findings}


def _told(work: Work, path: str, to_parent: int) -> int:
    before = _peak_bytes()
    status = 0
    with os.fdopen(to_parent, "w") as answers:
        try:
            with Path(path).open("rb") as file:
                work(file, lambda finding: print(json.dumps(finding), file=answers, flush=True), [])
        except MemoryError:
            status = OUT_OF_MEMORY
        except BaseException as error:
            status = 1
            print(json.dumps({"stage": "crashed", "error": repr(error)}), file=answers)
        print(json.dumps({"stage": "ended", "memory_bytes": _peak_bytes() - before}), file=answers)
    return status


def _peak_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
