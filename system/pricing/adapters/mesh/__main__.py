"""`python -m system.pricing.adapters.mesh FILE [ROUNDS]`: what each finding about a closed model costs, in processor seconds.

`time FILE [ROUNDS]`: how long everything that a price needs takes, from the file to the last finding, in JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, BinaryIO

from system.meshes.stl import read_stl
from system.meshes.timing import timed
from system.pricing.adapters.mesh.analyse import analyse
from system.pricing.adapters.mesh.contact import separate_groups
from system.pricing.adapters.mesh.hull import hull_volume_of
from system.pricing.adapters.mesh.measure import measure
from system.pricing.adapters.mesh.points import duplicates_in
from system.pricing.adapters.mesh.roughness import roughness_of
from system.pricing.adapters.mesh.thickness import thickness_of
from system.pricing.adapters.mesh.warming import fetch


def main(arguments: list[str]) -> int:
    """Prints medians of the rounds, of which the first, which loads or compiles, is told apart."""
    if arguments[0] == "time":
        fetch()
        path, rounds = Path(arguments[1]), int(arguments[2]) if len(arguments) > 2 else 1
        sys.stdout.write(timed(_everything, path, rounds) + "\n")
        return 0
    with Path(arguments[0]).open("rb") as file:
        solid = read_stl(file)
    rounds = int(arguments[1]) if len(arguments) > 1 else 5
    area = measure(solid).area
    findings: dict[str, Callable[[], Any]] = {
        "thickness": lambda: thickness_of(solid),
        "roughness": lambda: roughness_of(solid, area),
        "hull": lambda: hull_volume_of(solid),
        "duplicates": lambda: duplicates_in(solid),
        "groups": lambda: separate_groups(solid),
    }
    print(f"{len(solid)} facets")
    for name, find in findings.items():
        first, *others = (_seconds(find) for _ in range(rounds + 1))
        print(f"{name:12} {median(others):.3f} s   (the first time {first:.3f} s)")
    return 0


def _everything(file: BinaryIO) -> object:
    said: list[dict[str, Any]] = []
    analyse(file, said.append)
    # A refusal is soon found, and would be no price.
    assert said[-1]["stage"] == "checked", said[-1]
    return said[-1]


def _seconds(find: Callable[[], Any]) -> float:
    started = process_time()
    find()
    return process_time() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
