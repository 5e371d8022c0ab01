"""Reads glTF 2.0 and GLB: the meshes of its scene, each where its node puts it. Lengths are metres, by the specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from system.meshes.gltf.accessors import Accessors
from system.meshes.gltf.container import Container, listed, one_of, open_glb, open_gltf, whole
from system.meshes.reading import Model, Note, ReadLimits, Triangles, beyond, malformed, placed, together, unread
from system.meshes.recognise import GLB, GLTF

_UNIT = "m"
_POINTS_TO_LOOPS, _TRIANGLES, _STRIP, _FAN = frozenset({0, 1, 2, 3}), 4, 5, 6
_READ = frozenset({"KHR_draco_mesh_compression", "KHR_mesh_quantization", "KHR_lights_punctual"})
_APPEARANCE = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "KHR_xmp", "ADOBE_materials_")
"""Extensions of how a model looks: they may be required, and are passed over."""
_CORNERS_PER_INDEX_MAX = 4
Matrix = npt.NDArray[np.float64]


def read_glb(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Model:
    """A GLB. Raises MeshFault: mesh-truncated, mesh-malformed, mesh-too-large, external-reference, format-known-not-read,
    model-beyond-limits."""
    return _model(open_glb(file, size_bytes, limits), GLB, limits)


def read_gltf(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Model:
    """A glTF in JSON whose buffers are within it. Raises as `read_glb` does."""
    del size_bytes
    return _model(open_gltf(file, limits), GLTF, limits)


def _model(container: Container, kind: str, limits: ReadLimits) -> Model:
    for name in listed(container.described, "extensionsRequired"):
        if not isinstance(name, str) or (name not in _READ and not name.startswith(_APPEARANCE)):
            raise unread(f"glTF with {str(name)[:60]}")
    scene = _Scene(container, limits)
    parts = [part for mesh, matrix in scene.meshes() for part in scene.triangles(mesh, matrix)]
    notes = []
    if scene.lines:
        notes.append(Note("lines-left-out", {"lines": scene.lines}))
    if scene.is_posed:
        notes.append(Note("pose-left-out"))
    return Model(together(parts), kind, _UNIT, tuple(notes))


class _Scene:
    """The nodes of the scene that is shown; all of them where none is."""

    def __init__(self, container: Container, limits: ReadLimits) -> None:
        self._described = container.described
        self._limits = limits
        self._accessors = Accessors(container, limits)
        self._triangle_count = 0
        self._corner_count = 0
        self.lines = 0
        self.is_posed = False

    def meshes(self) -> Iterator[tuple[dict[str, Any], Matrix | None]]:
        """Each mesh that a node shows, and where. Nodes are a tree: one that is met twice is a fault."""
        seen: set[int] = set()
        waiting: list[tuple[int, Matrix | None, int]] = [(number, None, 1) for number in reversed(self._roots())]
        while waiting:
            number, above, depth = waiting.pop()
            node = one_of(self._described, "nodes", number)
            if number in seen:
                raise malformed()
            seen.add(number)
            self._limits.refuse_instances(len(seen))
            if depth > self._limits.instances_max:
                raise beyond("parts within parts", self._limits.instances_max)
            if "EXT_mesh_gpu_instancing" in (node.get("extensions") or {}):
                raise unread("glTF with EXT_mesh_gpu_instancing")
            matrix = _within(above, _matrix(node))
            if "mesh" in node:
                mesh = one_of(self._described, "meshes", node["mesh"])
                self.is_posed = self.is_posed or "skin" in node or bool(node.get("weights") or mesh.get("weights"))
                yield mesh, matrix
            waiting += [(whole(child), matrix, depth + 1) for child in reversed(listed(node, "children"))]

    def _roots(self) -> list[int]:
        if "scene" in self._described or listed(self._described, "scenes"):
            scene = one_of(self._described, "scenes", self._described.get("scene", 0))
            return [whole(number) for number in listed(scene, "nodes")]
        nodes = listed(self._described, "nodes")
        children = {
            child
            for node in nodes
            if isinstance(node, dict)
            for child in listed(node, "children")
            if isinstance(child, int)
        }
        return [number for number in range(len(nodes)) if number not in children]

    def triangles(self, mesh: dict[str, Any], matrix: Matrix | None) -> Iterator[Triangles]:
        """The triangles of a mesh's primitives. Each is counted before it is made."""
        for primitive in listed(mesh, "primitives"):
            if not isinstance(primitive, dict) or not isinstance(primitive.get("attributes"), dict):
                raise malformed()
            self._limits.refuse_instances(self._count_primitive())
            mode = whole(primitive.get("mode"), _TRIANGLES)
            if mode in _POINTS_TO_LOOPS:
                self.lines += 1
                continue
            if mode not in (_TRIANGLES, _STRIP, _FAN) or "POSITION" not in primitive["attributes"]:
                raise malformed()
            yield placed(*self._primitive(primitive, mode), matrix)

    _primitives = 0

    def _count_primitive(self) -> int:
        self._primitives += 1
        return self._primitives

    def _primitive(self, primitive: dict[str, Any], mode: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        position, indices = primitive["attributes"]["POSITION"], primitive.get("indices")
        corner_count = self._accessors.count(position)
        index_count = corner_count if indices is None else self._accessors.count(indices)
        if mode == _TRIANGLES and index_count % 3:
            raise malformed()
        triangle_count = index_count // 3 if mode == _TRIANGLES else max(index_count - 2, 0)
        self._triangle_count += triangle_count
        self._limits.refuse_triangles(self._triangle_count)
        packed = _packed(primitive)
        if packed is not None:
            from system.meshes.gltf.draco import unpacked

            self._corner_count += corner_count
            self._limits.refuse_corners(self._corner_count)
            content = bytes(self._accessors.view_bytes(packed.get("bufferView")))
            return unpacked(content, triangle_count=triangle_count, corner_count=corner_count, limits=self._limits)
        if indices is None:
            return self._accessors.corners_at(position, None), _sides(np.arange(index_count), mode)
        numbers = self._accessors.numbers(indices)
        used = None
        if corner_count > _CORNERS_PER_INDEX_MAX * index_count:
            # Many primitives may share one long list of corners: only those that are used are looked at.
            used, numbers = np.unique(numbers, return_inverse=True)
        return self._accessors.corners_at(position, used), _sides(numbers.ravel(), mode)


def _packed(primitive: dict[str, Any]) -> dict[str, Any] | None:
    """What a primitive says of its packing, if it is packed."""
    extensions = primitive.get("extensions")
    told = extensions.get("KHR_draco_mesh_compression") if isinstance(extensions, dict) else None
    if told is not None and not isinstance(told, dict):
        raise malformed()
    return told


def _sides(numbers: npt.NDArray[np.int64], mode: int) -> npt.NDArray[np.int64]:
    """Corners' numbers by triangle. Those of a strip that have no area, which programs put between strips, go."""
    if mode == _TRIANGLES:
        return np.asarray(numbers.reshape(-1, 3))
    if len(numbers) < 3:
        return np.empty((0, 3), dtype=np.int64)
    if mode == _FAN:
        first = np.full(len(numbers) - 2, numbers[0])
        return np.stack([numbers[1:-1], numbers[2:], first], axis=1)
    strip = np.stack([numbers[:-2], numbers[1:-1], numbers[2:]], axis=1)
    strip[1::2] = strip[1::2, [0, 2, 1]]
    has_area = (strip[:, 0] != strip[:, 1]) & (strip[:, 1] != strip[:, 2]) & (strip[:, 2] != strip[:, 0])
    return np.asarray(strip[has_area])


def _within(outer: Matrix | None, inner: Matrix | None) -> Matrix | None:
    if outer is None or inner is None:
        return inner if outer is None else outer
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(outer @ inner, dtype=np.float64)


def _matrix(node: dict[str, Any]) -> Matrix | None:
    """Where a node puts what is in it; None where it is."""
    if "matrix" in node:
        return _numbers(node["matrix"], 16).reshape(4, 4).T
    if not any(name in node for name in ("translation", "rotation", "scale")):
        return None
    matrix = np.eye(4)
    if "rotation" in node:
        matrix[:3, :3] = _turn(_numbers(node["rotation"], 4))
    if "scale" in node:
        matrix[:3, :3] *= _numbers(node["scale"], 3)
    if "translation" in node:
        matrix[:3, 3] = _numbers(node["translation"], 3)
    return matrix


def _turn(quaternion: Matrix) -> Matrix:
    length = float(np.linalg.norm(quaternion))
    if not 0.5 < length < 2.0:
        raise malformed()
    x, y, z, w = (float(value) for value in quaternion / length)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _numbers(value: Any, count: int) -> Matrix:
    if not isinstance(value, list) or len(value) != count or not all(type(each) in (int, float) for each in value):
        raise malformed()
    try:
        numbers = np.array(value, dtype=np.float64)
    except OverflowError as error:
        raise malformed() from error
    if not np.isfinite(numbers).all():
        raise malformed()
    return numbers
