"""`python -m system.meshes.engine time FILE [ROUNDS]`: how long it takes to scan a file, by the clock and of processor time.

In JSON, with how much memory over what is taken with everything loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from system.meshes import warming
from system.meshes.engine.scan import scan
from system.meshes.engine.warming import fetch
from system.meshes.timing import timed


def main(arguments: list[str]) -> int:
    """Exit status 2 for what is no such command."""
    match arguments:
        case ["time", path]:
            rounds = "1"
        case ["time", path, rounds]:
            pass
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    fetch()
    if Path(path).suffix != ".stl":
        warming.fetch()
    sys.stdout.write(timed(_found, Path(path), int(rounds)) + "\n")
    return 0


def _found(file: BinaryIO) -> object:
    found = scan(file)
    return found.volume, found.area, found.oriented, found.body_count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
