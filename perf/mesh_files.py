"""The files that programs are compared on: a ring with a pave of many shells, in the order of a modelling program, and shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fixtures.models3d import shapes
from fixtures.models3d.writers import write_3mf

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000, "5m": 5_000_000}
ALL_SIDES = ("read", "ours", "trimesh", "meshlib", "vtk")
WHOLE_SIDES = ("ours-whole", "meshlib-rays")
"""All that a price needs, wall thickness and shared metal too; beside a peer that loads, finds the topology and casts as many rays."""
_SHELLS = 300
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_SLOW_FORMATS_OF, _WHOLE_OF = "1m", "5m"


@dataclass(frozen=True, slots=True)
class Model:
    """A file, what kind of order or format it has, and which programs are asked about it."""

    name: str
    path: Path
    kind: str
    sides: tuple[str, ...] = ALL_SIDES


def pave(triangle_count: int) -> npt.NDArray[np.float32]:
    """A ring and up to 300 beads that do not touch it, facet after facet along each surface; shape (about n, 3, 3), mm."""
    shells = min(_SHELLS, max(4, triangle_count // 600))
    each = triangle_count // (2 * shells)
    sides = max(6, int((each / 4) ** 0.5))
    bead = shapes.torus(0.6, 0.2, segments=max(3, each // (2 * sides)), sides=sides).astype(np.float32)
    width = max(12, int((triangle_count / 8) ** 0.5))
    ring = shapes.torus(17.0, 2.0, segments=max(3, triangle_count // (4 * width)), sides=width).astype(np.float32)
    angles = np.arange(shells) * (2 * np.pi / shells)
    centres = np.stack(
        (13.0 * np.cos(angles), 13.0 * np.sin(angles), np.where(np.arange(shells) % 2, 4.0, -4.0)), axis=1
    )
    beads = (bead[None] + centres[:, None, None].astype(np.float32)).reshape(-1, 3, 3)
    return np.concatenate((ring, beads))


def models(sizes: list[str], folder: Path) -> list[Model]:
    """The files of these sizes, made where they are missing. Raises KeyError for a size there is not."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Model] = []
    for size in sizes:
        kinds = {"coherent": f"{size}.stl", "shuffled": f"{size}-shuffled.stl"}
        if size == _SLOW_FORMATS_OF:
            kinds |= {"text": f"{size}-text.stl", "3mf": f"{size}.3mf"}
        if not all((folder / name).exists() for name in kinds.values()):
            triangles = pave(SIZES[size])
            _write(folder / kinds["coherent"], triangles)
            _write(folder / kinds["shuffled"], np.random.default_rng(5).permutation(triangles))
            if "text" in kinds:
                _write_text(folder / kinds["text"], triangles)
                (folder / kinds["3mf"]).write_bytes(write_3mf(triangles))
        for kind, name in kinds.items():
            sides = ("read", "ours", "trimesh") if kind in ("text", "3mf") else ALL_SIDES
            made.append(Model(name.removesuffix(".stl"), folder / name, kind, sides))
        if size == _WHOLE_OF:
            made.append(Model(f"{size} whole", folder / kinds["coherent"], "whole", WHOLE_SIDES))
    return made


def _write(path: Path, triangles: npt.NDArray[np.float32]) -> None:
    facets = np.zeros(len(triangles), dtype=_FACET)
    facets["corners"] = triangles
    path.write_bytes(b"perf.mesh".ljust(80) + len(facets).to_bytes(4, "little") + facets.tobytes())


def _write_text(path: Path, triangles: npt.NDArray[np.float32]) -> None:
    corner = "      vertex %.7e %.7e %.7e\n"
    facet = "  facet normal 0 0 1\n    outer loop\n" + corner * 3 + "    endloop\n  endfacet\n"
    with path.open("w", encoding="ascii") as file:
        file.write("solid x\n")
        for start in range(0, len(triangles), 10_000):
            block = triangles[start : start + 10_000]
            file.write((facet * len(block)) % tuple(block.ravel().tolist()))
        file.write("endsolid x\n")
