"""`python -m system.meshes.engine warm`: compiles every loop and keeps it under NUMBA_CACHE_DIR; again it only fetches them."""

from __future__ import annotations

import sys
import time

from system.meshes.engine.warming import fetch


def main(arguments: list[str]) -> int:
    """Says how long it took."""
    if arguments != ["warm"]:
        sys.stderr.write("usage: python -m system.meshes.engine warm\n")
        return 2
    began = time.perf_counter()
    fetch()
    sys.stdout.write(f"loops ready in {time.perf_counter() - began:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
