"""Every loop of the readers run once on something tiny: compiled and kept where it can be, fetched from there otherwise."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from system.meshes.model import read_model

_FACETS = ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
_POINTS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))


def samples() -> tuple[bytes, ...]:
    """A tetrahedron in each format whose reader has compiled loops."""
    points = ["{} {} {}".format(*point) for point in _POINTS]
    corners = ("".join(f"vertex {points[corner]}\n" for corner in facet) for facet in _FACETS)
    stl = "".join(f"facet normal 0 0 0\nouter loop\n{each}endloop\nendfacet\n" for each in corners)
    obj = "".join(f"v {point}\n" for point in points) + "".join(
        "f {} {} {}\n".format(*(i + 1 for i in f)) for f in _FACETS
    )
    lists = "".join("3 {} {} {}\n".format(*facet) for facet in _FACETS)
    head = (
        "ply\nformat {} 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "element face {}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    dented = "v 0 0 0\nv 4 0 0\nv 1 1 0\nv 0 4 0\nv 0 0 -4\nf 2 3 4 1\nf 1 4 5\nf 2 1 5\nf 3 2 5\nf 4 3 5\n"
    return (
        f"solid x\n{stl}endsolid x\n".encode(),
        obj.encode(),
        dented.encode(),
        (head.format("ascii", 4) + "".join(f"{point}\n" for point in points) + lists).encode(),
        _binary_ply(head.format("binary_little_endian", 3)),
        _binary_ply(head.format("binary_big_endian", 3), "big"),
        _package(),
    )


def _binary_ply(head: str, order: str = "little") -> bytes:
    """One face has four corners: a list of triangles alone is read without a loop."""
    sign = "<" if order == "little" else ">"
    body = np.array(_POINTS, dtype=f"{sign}f4").tobytes()
    for facet in ((0, 2, 1, 1), (0, 1, 3), (0, 3, 2)):
        body += bytes([len(facet)]) + np.array(facet, dtype=f"{sign}i4").tobytes()
    return head.encode() + body


def _package() -> bytes:
    vertices = "".join('<vertex x="{}" y="{}" z="{}"/>'.format(*point) for point in _POINTS)
    facets = "".join('<triangle v1="{}" v2="{}" v3="{}"/>'.format(*facet) for facet in _FACETS)
    model = (
        '<model unit="millimeter" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources><object id="1">'
        f"<mesh><vertices>{vertices}</vertices><triangles>{facets}</triangles></mesh></object></resources>"
        '<build><item objectid="1"/></build></model>'
    )
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as package:
        package.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" '
            'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel" Target="/3D/3dmodel.model"/></Relationships>',
        )
        package.writestr("3D/3dmodel.model", model)
    return kept.getvalue()


def fetch() -> None:
    """Reads each of them. Raises MeshFault for one that cannot be read: then there is something wrong with this module."""
    for sample in samples():
        read_model(io.BytesIO(sample))
