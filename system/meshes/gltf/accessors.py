"""Numbers in the buffers of a glTF. What an accessor announces is compared with what is there before anything is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.gltf.container import Container, one_of, whole
from system.meshes.reading import ReadLimits, malformed, unread

_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_UNSIGNED = frozenset({5121, 5123, 5125})
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_STRIDE_MAX = 252


class Accessors:
    """Finds the numbers of one file. A buffer is unpacked once."""

    def __init__(self, container: Container, limits: ReadLimits) -> None:
        self._container = container
        self._described = container.described
        self._limits = limits
        self._buffers: dict[int, bytes] = {}

    def view_bytes(self, number: Any) -> memoryview:
        """The bytes of a buffer's view. Raises MeshFault."""
        view = one_of(self._described, "bufferViews", number)
        extensions = view.get("extensions")
        if isinstance(extensions, dict) and (packed := [name for name in extensions if "meshopt" in name]):
            raise unread(f"glTF with {packed[0][:60]}")
        buffer = whole(view.get("buffer"))
        if buffer not in self._buffers:
            self._buffers[buffer] = self._container.buffer(buffer)
        start, length = whole(view.get("byteOffset"), 0), whole(view.get("byteLength"))
        if start + length > len(self._buffers[buffer]):
            raise MeshFault("mesh-truncated")
        return memoryview(self._buffers[buffer])[start : start + length]

    def count(self, number: Any) -> int:
        """How many elements an accessor announces."""
        return whole(one_of(self._described, "accessors", number).get("count"))

    def numbers(self, number: Any) -> npt.NDArray[np.int64]:
        """Corners' numbers, or any other whole ones. Raises MeshFault."""
        accessor = one_of(self._described, "accessors", number)
        if accessor.get("type") != "SCALAR" or accessor.get("componentType") not in _UNSIGNED:
            raise malformed()
        self._limits.refuse_triangles(whole(accessor.get("count")) // 3)
        return self._elements(accessor)[:, 0].astype(np.int64)

    def corners_at(self, number: Any, wanted: npt.NDArray[np.int64] | None) -> npt.NDArray[np.float32]:
        """The points of these numbers, or all of them. Raises MeshFault."""
        accessor = one_of(self._described, "accessors", number)
        if accessor.get("type") != "VEC3":
            raise malformed()
        elements = self._elements(accessor)
        if wanted is not None:
            if len(wanted) and int(wanted.max()) >= len(elements):
                raise malformed()
            elements = elements[wanted]
        if elements.dtype.kind == "f":
            return elements.astype(np.float32)
        if accessor.get("normalized") is not True:
            return elements.astype(np.float32)
        # By the specification the lowest signed number is as far out as the highest.
        most = np.iinfo(elements.dtype).max
        return np.asarray(np.maximum(elements.astype(np.float64) / most, -1.0), dtype=np.float32)

    def _elements(self, accessor: dict[str, Any]) -> npt.NDArray[Any]:
        """Shape (element, column): a view of the buffer, or a copy where some are put in their place."""
        kind, columns = accessor.get("componentType"), _COLUMNS.get(str(accessor.get("type")))
        if kind not in _TYPES or columns is None:
            raise malformed()
        dtype, count = np.dtype(_TYPES[kind]), whole(accessor.get("count"))
        if "bufferView" in accessor:
            found = self._strided(accessor["bufferView"], whole(accessor.get("byteOffset"), 0), dtype, count, columns)
        else:
            self._limits.refuse_corners(count)
            found = np.zeros((count, columns), dtype=dtype)
        sparse = accessor.get("sparse")
        return found if sparse is None else self._replaced(found, sparse)

    def _strided(self, view: Any, offset: int, dtype: np.dtype[Any], count: int, columns: int) -> npt.NDArray[Any]:
        body = self.view_bytes(view)
        element_bytes = dtype.itemsize * columns
        stride = whole(one_of(self._described, "bufferViews", view).get("byteStride"), element_bytes)
        if stride < element_bytes or stride > max(_STRIDE_MAX, element_bytes):
            raise malformed()
        if count and offset + stride * (count - 1) + element_bytes > len(body):
            raise MeshFault("mesh-truncated")
        if count == 0:
            return np.empty((0, columns), dtype=dtype)
        return np.ndarray((count, columns), dtype, buffer=body, offset=offset, strides=(stride, dtype.itemsize))

    def _replaced(self, found: npt.NDArray[Any], sparse: Any) -> npt.NDArray[Any]:
        if (
            not isinstance(sparse, dict)
            or not isinstance(sparse.get("indices"), dict)
            or not isinstance(sparse.get("values"), dict)
        ):
            raise malformed()
        self._limits.refuse_corners(len(found))
        count, where, what = whole(sparse.get("count")), sparse["indices"], sparse["values"]
        if where.get("componentType") not in _UNSIGNED:
            raise malformed()
        places = self._strided(
            where.get("bufferView"),
            whole(where.get("byteOffset"), 0),
            np.dtype(_TYPES[where["componentType"]]),
            count,
            1,
        )[:, 0]
        values = self._strided(
            what.get("bufferView"), whole(what.get("byteOffset"), 0), found.dtype, count, found.shape[1]
        )
        if count and int(places.max()) >= len(found):
            raise malformed()
        replaced = found.copy()
        replaced[places] = values
        return replaced
