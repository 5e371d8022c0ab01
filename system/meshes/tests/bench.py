"""What reading a model costs: `python -m system.meshes.tests.bench [SEGMENTS SIDES]`, by default of a torus of a million triangles.

Each format is read in a process of its own that has read a small one before; the time, and the memory beyond what it had, are told.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.models3d import shapes, writers
from system.meshes.model import read_model

WRITERS: dict[str, Callable[[Any], bytes]] = {
    "stl-binary": writers.write_stl_binary,
    "stl-text": writers.write_stl_text,
    "obj": writers.write_obj,
    "ply-ascii": lambda solid: writers.write_ply(solid, order="ascii"),
    "ply-le": writers.write_ply,
    "3mf": writers.write_3mf,
    "glb": writers.write_glb,
    "glb-draco": lambda solid: writers.write_glb(solid, draco=True),
    "gltf": writers.write_gltf,
}


def peak_kb() -> int:
    """The most that this process had so far; what getrusage says is its parent's where that had more."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def measure(path: str, small: bytes) -> tuple[float, float]:
    """Seconds, and MB beyond what was there."""
    read_model(io.BytesIO(small))
    before = peak_kb()
    started = time.perf_counter()
    with Path(path).open("rb") as file:
        read_model(file)
    took_s = time.perf_counter() - started
    return took_s, (peak_kb() - before) / 1024


def main(arguments: list[str]) -> int:
    """Prints a line for each format."""
    segments, sides = (int(word) for word in arguments) if arguments else (4000, 125)
    large = shapes.torus(inner_diameter=17.35, wire=2.0, segments=segments, sides=sides)
    small = shapes.torus(inner_diameter=17.35, wire=2.0, segments=8, sides=4)
    for name, write in WRITERS.items():
        content = write(large)
        with tempfile.NamedTemporaryFile() as file, multiprocessing.get_context("spawn").Pool(1) as pool:
            file.write(content)
            file.flush()
            took_s, memory_mb = pool.apply(measure, (file.name, write(small)))
        print(
            f"{name}: triangles={len(large)} file_mb={len(content) / 1e6:.1f} s={took_s:.2f} memory_mb={memory_mb:.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
