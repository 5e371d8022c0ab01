"""A small picture of a model: bare metal under a key and a fill light, on nothing, for light pages and dark ones."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles
from system.meshes.welding import Ints, weld
from system.pricing.adapters.mesh.pose import pose
from system.pricing.adapters.mesh.raster import Floats, View, seen

_SHADES = {96: 64, 320: 256}
"""Of grey, by size. In the small one nobody sees the difference, and a list of them is a third lighter on the line."""
SIZES = tuple(_SHADES)
_SIDE = 960
"""Points of the drawing's side, a whole multiple of every size: each pixel is the mean of 3 x 3 or 10 x 10 of them."""
_MARGIN = 0.03
_SMOOTH_MAX = 300_000
"""Above it facets are smaller than pixels, and smoothing them is work that nobody sees."""
_CREASE = 0.8
_BLOCK = 1 << 15


def _lamp(*towards: float) -> Floats:
    direction: Floats = np.array(towards, dtype=np.float32) / np.float32(np.linalg.norm(towards))
    return direction


_KEY = _lamp(-0.45, 0.65, 0.6)
_FILL = _lamp(0.75, -0.1, 0.45)
_HALF = _lamp(*(_KEY + np.array([0.0, 0.0, 1.0])))
"""Where polished metal mirrors the key light to the viewer."""


def draw(triangles: Triangles) -> dict[int, bytes]:
    """The model as a PNG of each size; nothing for one that cannot be drawn.

    The triangles are those of a closed surface and face outwards; turned the other way, a part is not seen.
    """
    # Strangers choose the numbers: what overflows ends as nothing to draw, or as a black point.
    with np.errstate(all="ignore"):
        turn = pose(triangles)
        view = None if turn is None else _framed(triangles, turn)
        triangle = None if view is None else seen(triangles, view)
        if view is None or triangle is None or not (triangle >= 0).any():
            return {}
        light = _lit(triangles, triangle, view)
    return {size: _picture(light, triangle >= 0, size) for size in SIZES}


def _lit(triangles: Triangles, triangle: Ints, view: View) -> Floats:
    """How light each point of the drawing is; 0 where nothing is seen."""
    rows, columns = np.nonzero(triangle >= 0)
    at = columns.astype(np.float32), rows.astype(np.float32)
    corners = weld(triangles) if len(triangles) <= _SMOOTH_MAX else None
    light = np.zeros(triangle.shape, dtype=np.float32)
    light[rows, columns] = np.nan_to_num(_metal(_normals(triangles, triangle[rows, columns], at, view, corners)))
    return light


def _framed(triangles: Triangles, turn: Floats) -> View | None:
    """The view that shows all of it, with a little air around; None for what has no extent."""
    rows = turn.astype(np.float32)
    origin = triangles[0, 0]
    unplaced = View(origin, rows, np.float32(1), np.zeros(3, dtype=np.float32), _SIDE, 1.0)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for start in range(0, len(triangles), _BLOCK):
        turned = unplaced.placed(triangles[start : start + _BLOCK])
        low, high = np.minimum(low, turned.min(axis=(1, 2))), np.maximum(high, turned.max(axis=(1, 2)))
    extent = float((high - low)[:2].max())
    if not (np.isfinite(extent) and extent > 0):
        return None
    scale = _SIDE * (1 - 2 * _MARGIN) / extent
    if not np.isfinite(np.float32(scale)):
        return None
    middle = (low + high) / 2 * scale
    shift = np.array([_SIDE / 2 - 0.5 - middle[0], _SIDE / 2 - 0.5 - middle[1], -low[2] * scale])
    depth = max(float(high[2] - low[2]) * scale, 1e-6)
    return View(origin, rows, np.float32(scale), shift.astype(np.float32), _SIDE, depth)


def _normals(triangles: Triangles, index: Ints, at: tuple[Floats, Floats], view: View, corners: Ints | None) -> Floats:
    """The way the surface faces at each point that is seen, in the picture's axes; shape (axis, point)."""
    used, place = np.unique(index, return_inverse=True)
    x, y, z = view.placed(triangles[used])
    facets = _cross(x, y, z)
    own = _unit(facets)
    if corners is None:
        return own[:, place]
    around = _unit(view.turn @ _corner_normals(triangles, corners))[:, corners[used].T]
    # Across a sharp edge the facets keep their own way: a box stays a box.
    soft = (around * own[:, None, :]).sum(axis=0) > _CREASE
    ends = np.where(soft, around, own[:, None, :])
    column, row = at
    ax, bx, cx = x[:, place]
    ay, by, cy = y[:, place]
    whole = facets[2][place]
    at_b = np.clip(((column - ax) * (cy - ay) - (cx - ax) * (row - ay)) / whole, 0, 1)
    at_c = np.clip(((bx - ax) * (row - ay) - (column - ax) * (by - ay)) / whole, 0, 1)
    weights = np.stack((np.maximum(1 - at_b - at_c, 0), at_b, at_c))
    return _unit((ends[:, :, place] * weights).sum(axis=1))


def _corner_normals(triangles: Triangles, corners: Ints) -> Floats:
    """At each welded corner the sum of its facets' normals, each by its area; in the model's axes, shape (axis, corner)."""
    x, y, z = triangles.transpose(2, 1, 0)
    numbers = corners.ravel()
    sums = [np.bincount(numbers, weights=part.repeat(3)) for part in _cross(x, y, z)]
    return np.stack(sums).astype(np.float32)


def _cross(x: Floats, y: Floats, z: Floats) -> Floats:
    """Normals of facets, as long as twice their area, of shape (axis, facet); each argument has shape (corner, facet)."""
    ux, uy, uz = x[1] - x[0], y[1] - y[0], z[1] - z[0]
    vx, vy, vz = x[2] - x[0], y[2] - y[0], z[2] - z[0]
    return np.stack((uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx))


def _unit(vectors: Floats) -> Floats:
    """Of length one; what has none stays as it is."""
    length = np.sqrt((vectors * vectors).sum(axis=0))
    return vectors / np.where(length > 0, length, 1)


def _metal(normals: Floats) -> Floats:
    """How light polished metal is, 0 to 1, by where it faces: ambient light, two lamps, and the room that it mirrors."""
    nx, ny, nz = normals
    key, fill, half = (np.maximum(lamp @ normals, 0) for lamp in (_KEY, _FILL, _HALF))
    mirrored_up, mirrored_aside = 2 * nz * ny, 2 * nz * nx
    ceiling = _step(-0.25, 0.85, mirrored_up - 0.35 * mirrored_aside)
    floor = _step(0.2, 1.0, -mirrored_up)
    light = 0.07 + 0.2 * key + 0.1 * fill + 0.34 * ceiling + 0.08 * floor + 0.55 * half**60
    # What turns away is darker, so that a bright edge does not melt into a white page.
    metal: Floats = np.clip(light * (1 - 0.55 * (1 - nz) ** 3), 0, 1)
    return metal


def _step(low: float, high: float, value: Floats) -> Floats:
    share = np.clip((value - low) / (high - low), 0, 1)
    smooth: Floats = share * share * (3 - 2 * share)
    return smooth


def _picture(light: Floats, covered: npt.NDArray[np.bool_], size: int) -> bytes:
    """The drawing at one size: light is averaged as light, and what is covered in part is seen through in part."""
    fold = (size, _SIDE // size, size, _SIDE // size)
    coverage = covered.reshape(fold).mean(axis=(1, 3))
    mean = light.reshape(fold).mean(axis=(1, 3)) / np.maximum(coverage, 1e-9)
    shades = _SHADES[size]
    grey = np.rint(np.clip(mean, 0, 1) ** (1 / 2.2) * (shades - 1)) * (256 // shades)
    alpha = np.rint(coverage * 15) * 17
    return png(np.stack((grey, alpha), axis=2)[::-1].astype(np.uint8))


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Grey and alpha of shape (height, width, 2) as PNG (ISO/IEC 15948)."""
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, -1)
    # Each row as what differs from the one above it: half the size.
    above = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), dtype=np.uint8))
    body = np.concatenate((np.full((height, 1), 2, dtype=np.uint8), above), axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(body, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
