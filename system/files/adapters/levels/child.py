"""The process that makes light what strangers uploaded; see system/meshes/child.py. Says each level as numbers, the finest first."""

from __future__ import annotations

import sys
from typing import BinaryIO

from system.meshes.child import Report, Work, run


def load() -> Work:
    """What makes levels, imported under the limits."""
    from system.files.adapters.levels.making import make

    def work(file: BinaryIO, report: Report, _: list[str]) -> None:
        make(file, report)

    return work


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], load))
