"""Another program on one file, in a process of its own: `mesh_side.py SIDE PATH ROUNDS` prints seconds and memory over idle.

Idle is after everything is loaded and one tiny model is measured. Run by an environment that may have nothing but its own program.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[str], Any]
_BUFFER_BYTES = 256 << 10
_RAYS, _STEP_MM = 4_000, 1e-4


def reading() -> Run:
    """The limit: every byte read once, every word taken part in a sum."""
    import numpy as np

    buffer = np.empty(_BUFFER_BYTES, dtype=np.uint8)

    def run(path: str) -> int:
        total = 0
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer.data):
                total ^= int(np.bitwise_xor.reduce(buffer[: count & ~7].view(np.uint64)))
        return total

    return run


def of_trimesh() -> Run:
    """trimesh: its loader, properties, and split into bodies."""
    import trimesh

    def run(path: str) -> object:
        # A package is a scene of many meshes to it, unless it is told to make one of them.
        mesh: Any = trimesh.load(path, force="mesh") if path.endswith(".3mf") else trimesh.load(path)
        bodies = [(body.volume, body.area, body.bounds) for body in mesh.split(only_watertight=False)]
        return mesh.volume, mesh.area, mesh.is_watertight, len(bodies)

    return run


def of_meshlib() -> Run:
    """meshlib: its loader, properties, and components, only counted: measuring each would take it several times as long."""
    import meshlib.mrmeshpy as mr  # type: ignore[import-not-found]

    def run(path: str) -> object:
        mesh = mr.loadMesh(path)
        bodies = mr.MeshComponents.getNumComponents(mr.MeshPart(mesh))
        return mesh.volume(), mesh.area(), mesh.topology.isClosed(), bodies

    return run


def of_meshlib_rays() -> Run:
    """meshlib: what `of_meshlib` does, and rays inwards from triangles all over the surface, as many as ours casts."""
    import meshlib.mrmeshpy as mr

    def run(path: str) -> object:
        mesh = mr.loadMesh(path)
        bodies = mr.MeshComponents.getNumComponents(mr.MeshPart(mesh))
        count = mesh.topology.numValidFaces()
        part, shortest = mr.MeshPart(mesh), float("inf")
        for number in range(0, count, max(1, count // _RAYS)):
            face = mr.FaceId(number)
            inwards = -mesh.normal(face)
            hit = mr.rayMeshIntersect(part, mr.Line3f(mesh.triCenter(face) + inwards * _STEP_MM, inwards))
            if hit:
                shortest = min(shortest, hit.distanceAlongLine)
        return mesh.volume(), mesh.area(), mesh.topology.isClosed(), bodies, shortest

    return run


def of_vtk() -> Run:
    """vtk: reader, mass properties, boundary edges and connectivity; of its bodies only how many there are."""
    import vtk  # type: ignore[import-not-found]

    def run(path: str) -> object:
        reader = vtk.vtkSTLReader()
        reader.SetFileName(path)
        reader.Update()
        mass = vtk.vtkMassProperties()
        mass.SetInputConnection(reader.GetOutputPort())
        mass.Update()
        edges = vtk.vtkFeatureEdges()
        edges.SetInputConnection(reader.GetOutputPort())
        edges.FeatureEdgesOff()
        edges.Update()
        parts = vtk.vtkPolyDataConnectivityFilter()
        parts.SetInputConnection(reader.GetOutputPort())
        parts.SetExtractionModeToAllRegions()
        parts.Update()
        volume, area = mass.GetVolume(), mass.GetSurfaceArea()
        return volume, area, edges.GetOutput().GetNumberOfCells() == 0, parts.GetNumberOfExtractedRegions()

    return run


SIDES = {
    "read": reading,
    "trimesh": of_trimesh,
    "meshlib": of_meshlib,
    "meshlib-rays": of_meshlib_rays,
    "vtk": of_vtk,
}


def _memory_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def main(side: str, path: str, rounds: int) -> None:
    """Prints one JSON object."""
    run = SIDES[side]()
    tiny = Path(__file__).resolve().parents[1] / "fixtures" / "models3d" / "torus-ring.stl"
    run(str(tiny))
    idle_bytes = _memory_bytes("VmRSS")
    # Setting the mark of the highest back is what lets loading be left out.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    seconds: list[float] = []
    processor: list[float] = []
    told: object = None
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        told = run(path)
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    peak = _memory_bytes("VmHWM") - idle_bytes
    print(json.dumps({"seconds": seconds, "processor": processor, "memory_bytes": max(peak, 0), "told": str(told)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
