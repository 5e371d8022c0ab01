"""The same mesh is the same triangles, whichever format it came in and however a program writes it."""

from __future__ import annotations

import io
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fixtures.models3d import shapes, writers
from system.meshes import obj, ply, stl_text
from system.meshes.model import Model, Note, read_model
from system.meshes.reading import bytes_of
from system.meshes.stl import read_stl
from system.meshes.threemf import package

RING = shapes.torus(inner_diameter=17.35, wire=2.0, segments=8, sides=4).astype(np.float32)
WRITERS: dict[str, Callable[[Any], bytes]] = {
    "stl-binary": writers.write_stl_binary,
    "stl-binary, solid": lambda solid: writers.write_stl_binary(solid, header=b"solid by a program"),
    "stl-text": writers.write_stl_text,
    "stl-text, cr": lambda solid: writers.write_stl_text(solid, end="\r"),
    "stl-text, capitals": lambda solid: writers.write_stl_text(solid).upper(),
    "obj": writers.write_obj,
    "obj, slashes": lambda solid: writers.write_obj(solid, form="{v}/{v}/{v}", end="\r\n"),
    "obj, negative": lambda solid: writers.write_obj(solid, form="{v}//{v}", negative=True, end="\r"),
    "ply, words": lambda solid: writers.write_ply(solid, order="ascii"),
    "ply, little": writers.write_ply,
    "ply, big": lambda solid: writers.write_ply(solid, order="be", coordinate="double", index="uint"),
    "3mf": writers.write_3mf,
    "glb": writers.write_glb,
    "gltf": writers.write_gltf,
}
coordinate = st.floats(width=32, allow_nan=False, allow_infinity=False)
corner = st.tuples(coordinate, coordinate, coordinate)
meshes = st.lists(st.tuples(corner, corner, corner), min_size=1, max_size=6)


def read(content: bytes) -> Model:
    """The model of these bytes."""
    return read_model(io.BytesIO(content))


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(triangles=meshes)
@example(triangles=[((1e-45, 3.4028235e38, -0.0), (1.17549435e-38, 0.1, 16777217.0), (123456.789, 1e-7, -1e22))])
def test_the_same_mesh_is_the_same_triangles(name: str, triangles: list[Any]) -> None:
    solid = np.array(triangles, dtype=np.float32)

    model = read(WRITERS[name](solid))

    assert model.format == name.split(",")[0]
    # Shared corners may lose the sign of a zero, and subnormal numbers are equal within their own last place.
    assert np.array_equal(model.triangles, solid) or np.allclose(model.triangles, solid, rtol=0, atol=1.5e-45)


def test_draco_keeps_the_surface() -> None:
    model = read(writers.write_glb(RING, draco=True))

    assert (model.format, model.unit, len(model.triangles)) == ("glb", "m", len(RING))
    assert sorted(np.sort(t.ravel()).tolist() for t in model.triangles) == sorted(
        np.sort(t.ravel()).tolist() for t in RING
    )
    assert math.isclose(volume_of(model.triangles), volume_of(RING), rel_tol=1e-6)


def volume_of(triangles: Any) -> float:
    """By the divergence theorem."""
    a, b, c = (triangles[:, place].astype(np.float64) for place in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("chunk_bytes", [64, 97, 200])
@pytest.mark.parametrize("name", ["stl-text", "obj", "obj, slashes", "ply, words", "3mf"])
def test_it_does_not_matter_where_a_piece_ends(name: str, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = WRITERS[name](RING * np.float32(1.23456e-5))
    for module in (stl_text, obj, ply):
        monkeypatch.setattr(module, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(package, "_PIECE_BYTES", chunk_bytes)

    assert np.array_equal(read(content).triangles, RING * np.float32(1.23456e-5))


@pytest.mark.parametrize("name", ["ply, little", "ply, big"])
def test_nor_of_bytes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = WRITERS[name](RING)
    monkeypatch.setattr(ply, "CHUNK_BYTES", 100)
    monkeypatch.setattr(ply, "_triangle_dtype", lambda *_: None)

    assert np.array_equal(read(content).triangles, RING)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", 1.0),
        ("-0.5", -0.5),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E+03", 1000.0),
        ("12.5e-2", 0.125),
        ("0.1", 0.1),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1e-320", 1e-320),
        ("1e999", math.inf),
        ("0e999", 0.0),
        ("3.14159265358979312", 3.14159265358979312),
        ("000123456789012345678901234567890", 123456789012345678901234567890.0),
        ("0.00000000000000000000000000000001", 1e-32),
        ("-inf", -math.inf),
        ("INFINITY", math.inf),
    ],
)
def test_a_number_is_what_it_says(word: str, value: float) -> None:
    from system.meshes.kernels.words import number_at

    data = bytes_of(word.encode() + b" ")
    found, end = number_at(data, 0, len(data))

    assert end == len(word)
    assert found == value or math.isclose(found, value, rel_tol=4e-16, abs_tol=5e-324)


@settings(max_examples=300, deadline=None)
@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_survives_being_written_with_nine_digits(value: float) -> None:
    from system.meshes.kernels.words import number_at

    data = bytes_of(f"{value:.9g}\n".encode())
    found, _ = number_at(data, 0, len(data))

    with np.errstate(all="ignore"):
        assert abs(np.float32(found) - np.float32(value)) <= (1.5e-45 if abs(value) < 1.2e-38 else 0)


FACET = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1.5e+00 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
FOUND = [[[0, 0, 0], [1.5, 0, 0], [0, 1, 0]]]


@pytest.mark.parametrize(
    "text",
    [
        f"solid ring\n{FACET}endsolid ring\n",
        f"solid\n{FACET}endsolid",
        f"\ufeffsolid x\n{FACET}endsolid x\n",
        f"SOLID X\n{FACET.upper()}ENDSOLID X",
        f"solid кольцо facet vertex solid\n{FACET}endsolid facet normal\n",
        f"solid ring {FACET.replace(chr(10), ' ')} endsolid ring",
        f"solid a\n{FACET.replace('0 0 1', 'nan -nan(ind) 1.#INF')}endsolid a\nand what a program adds\n",
        f"solid a\n{FACET.replace(chr(10), chr(13))}endsolid a\n".replace("\n", "\r"),
    ],
    ids=["usual", "unnamed", "bom", "capitals", "words in the name", "one line", "normals are words", "cr"],
)
def test_stl_in_words_as_programs_write_it(text: str) -> None:
    model = read(text.encode())

    assert (model.format, model.unit) == ("stl-text", None)
    assert model.triangles.tolist() == FOUND


def test_several_solids_are_one_model() -> None:
    text = f"solid a\n{FACET}endsolid a\nsolid b\n{FACET}{FACET}endsolid b\n"

    assert len(read(text.encode()).triangles) == 3


SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
FAN = [[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]]


@pytest.mark.parametrize(
    ("text", "found", "notes"),
    [
        (SQUARE + "f 1 2 3\nf 1 3 4\n", FAN, ()),
        (SQUARE + "f 1 2 3 4\n", FAN, (Note("polygons-split", {"facets": 1}),)),
        (SQUARE + "f -4/1 -3/2/3 -2//1\nf 1// 3 4", FAN, ()),
        (SQUARE + "f 1 2 \\\n 3\r\nf \\\r\n1 3 4\r\n", FAN, ()),
        ("# path C:\\models\\\n" + SQUARE + "f 1 2 3\nf 1 3 4", FAN, ()),
        (
            "mtllib /etc/passwd\no a\ng b c\ns 1\nusemtl gold\n" + SQUARE + "vt 0 0\nvn 0 0 1\nvp 1\nf 1 2 3\nf 1 3 4",
            FAN,
            (),
        ),
        ("v 0 0 0 1\nv 1 0 0 1\nv 1 1 0 0.5 0.5 0.5\nv 0 1 0 1 1 1\nf 1 2 3 # a face\nf 1 3 4", FAN, ()),
        ("f 1 2 3\n" + SQUARE + "f 1 3 4\nl 1 2\np 1\n", FAN, (Note("lines-left-out", {"lines": 2}),)),
    ],
    ids=[
        "triangles",
        "polygon",
        "indices",
        "lines go on",
        "comment ends with a backslash",
        "appearance",
        "colours",
        "lines",
    ],
)
def test_obj_as_programs_write_it(text: str, found: list[Any], notes: tuple[Note, ...]) -> None:
    model = read(text.encode())

    assert (model.format, model.unit, model.notes) == ("obj", None, notes)
    assert model.triangles.tolist() == found


def test_ply_with_everything_in_another_place() -> None:
    said = (
        "ply|format ascii 1.0|comment made here|obj_info x|element edge 1|property int vertex1|property list uchar int more|"
        "element face 1|property uchar red|property list uchar float other|property list ushort uint vertex_index|"
        "element vertex 4|property float nx|property double z|property double x|property uchar red|property float y|end_header|"
    )
    head = said.replace("|", "\r\n")
    body = "7 2 1 1\n255 2 0.5 0.5 4 0 1 2 3\n0 0 0 9 0\n0 0 1 9 0\n0 0 1 9 1\n0 0 0 9 1"

    model = read((head + body).encode())

    assert model.triangles.tolist() == FAN
    assert model.notes == (Note("polygons-split", {"facets": 1}),)


@pytest.mark.parametrize(("order", "mark"), [("little", "<"), ("big", ">")])
def test_ply_in_bytes_with_lists_and_polygons(order: str, mark: str) -> None:
    head = (
        f"ply\nformat binary_{order}_endian 1.0\nelement vertex 4\nproperty float x\nproperty short y\nproperty double z\n"
        "property list uchar uchar tags\nelement face 1\nproperty list int short vertex_indices\nproperty char flag\nend_header\n"
    ).encode()
    body = b"".join(
        struct.pack(f"{mark}fhdB", x, y, z, tags) + bytes(tags)
        for x, y, z, tags in [(0, 0, 0, 0), (1, 0, 0, 3), (1, 1, 0, 1), (0, 1, 0, 0)]
    )
    body += struct.pack(f"{mark}i4hb", 4, 0, 1, 2, 3, -1)

    assert read(head + body).triangles.tolist() == FAN


def test_ply_of_triangles_first_and_polygons_later() -> None:
    head = (
        b"ply\nformat binary_little_endian 1.0\nelement vertex 4\nproperty char x\nproperty char y\nproperty char z\n"
        b"element face 2\nproperty list uchar uchar vertex_indices\nend_header\n"
    )
    body = bytes([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 3, 0, 1, 2, 4, 0, 1, 2, 3])

    assert read(head + body).triangles.tolist() == [FAN[0], *FAN]


@pytest.mark.parametrize(
    ("said", "unit", "scale"),
    [
        ("micron", "mm", 0.001),
        ("millimeter", "mm", 1),
        (None, "mm", 1),
        ("centimeter", "cm", 1),
        ("inch", "in", 1),
        ("foot", "in", 12),
        ("meter", "m", 1),
    ],
)
def test_3mf_says_its_unit(said: str | None, unit: str, scale: float) -> None:
    model = read(writers.write_3mf(RING, unit=said))

    assert model.unit == unit
    assert np.allclose(model.triangles, RING * scale, rtol=1e-6)


def test_3mf_of_components_in_several_parts() -> None:
    lone = writers.model_xml(f'<object id="7">{writers.mesh_xml(RING)}</object>', "")
    inner = '<component objectid="7" p:path="/3D/Objects/ring.model" transform="1 0 0 0 1 0 0 0 1 0 0 5"/>'
    root = writers.model_xml(
        f'<object id="1"><components>{inner}{inner.replace("0 0 5", "0 0 9")}</components></object>'
        f'<object id="2" type="support">{writers.mesh_xml(RING)}</object>',
        '<item objectid="1" transform="2 0 0 0 2 0 0 0 2 1 0 0"/><item objectid="2"/><item objectid="1" printable="0"/>',
        more=' requiredextensions="p"',
    )
    model = read(writers.package({"3D/3dmodel.model": root, "3D/Objects/ring.model": lone}))

    expected = [RING * 2 + np.array([1, 0, 2 * z]) for z in (5, 9)]
    assert np.allclose(model.triangles, np.concatenate(expected), atol=1e-5)
    assert model.notes == (Note("parts-left-out", {"parts": 2}),)


def test_3mf_that_mirrors_is_not_inside_out() -> None:
    model = read(writers.write_3mf(RING, transform="-1 0 0 0 1 0 0 0 1 0 0 0"))

    assert math.isclose(volume_of(model.triangles), volume_of(RING), rel_tol=1e-5)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_3mf_as_programs_write_it(encoding: str) -> None:
    text = writers.model_xml(
        f"<object id='1' name='кольцо > &lt;b&gt;'>{writers.mesh_xml(RING)}</object>", "<item objectid='1'/>"
    )
    text = text.replace("<vertices>", "<!-- <vertices> --><vertices >\n<!-- five of them -->", 1)
    text = text.replace("/><vertex", " extra='1'></vertex>\n  <vertex", 1).replace('v1="0"', "pid='1' v1 = '0'", 1)
    text = re.sub(r"<(/?)(?=[a-z])", r"<\1m:", text).replace("xmlns=", "xmlns:m=")

    model = read(writers.package({"3D/3dmodel.model": text.replace('encoding="UTF-8"', "").encode(encoding)}))

    assert np.array_equal(model.triangles, RING)


def gltf(**primitive: Any) -> bytes:
    """A GLB of a square of five corners, the last of which lies in the middle; `primitive` is how they are used."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype="<f4")
    indices = np.array(primitive.pop("numbers"), dtype="<u2")
    body = points.tobytes() + indices.tobytes()
    told = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, **primitive}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": len(indices), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": 2 * len(indices)},
        ],
        "buffers": [{"byteLength": len(body)}],
    }
    return writers.glb_of(told, body)


@pytest.mark.parametrize(
    ("primitive", "found"),
    [
        ({"numbers": [0, 1, 2, 0, 2, 3]}, FAN),
        ({"numbers": [3, 0, 2, 1], "mode": 5}, [[[0, 1, 0], [0, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 0, 0], [1, 1, 0]]]),
        ({"numbers": [0, 1, 2, 3], "mode": 6}, [[FAN[0][1], FAN[0][2], FAN[0][0]], [FAN[1][1], FAN[1][2], FAN[1][0]]]),
    ],
    ids=["triangles", "strip", "fan"],
)
def test_gltf_of_every_kind_of_triangles(primitive: dict[str, Any], found: list[Any]) -> None:
    assert read(gltf(**primitive)).triangles.tolist() == found


@pytest.mark.parametrize(
    ("node", "moved"),
    [
        ({"translation": [1, 2, 3]}, lambda p: p + np.array([1, 2, 3])),
        ({"scale": [2, 1, 1], "translation": [1, 0, 0]}, lambda p: p * [2, 1, 1] + [1, 0, 0]),
        ({"rotation": [0, 0, math.sqrt(0.5), math.sqrt(0.5)]}, lambda p: p[..., [1, 0, 2]] * [-1, 1, 1]),
        (
            {"matrix": [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0, 1]},
            lambda p: p[..., [1, 0, 2]] * [-1, 1, 1] + [5, 0, 0],
        ),
    ],
    ids=["moved", "scaled", "turned", "matrix"],
)
def test_gltf_is_where_its_node_puts_it(node: dict[str, Any], moved: Callable[[Any], Any]) -> None:
    model = read(writers.write_glb(RING, node=node))

    assert model.unit == "m"
    assert np.allclose(model.triangles, moved(RING.astype(float)), atol=1e-5)


def test_gltf_node_within_node_once_each() -> None:
    told, body = writers.gltf_of(RING)
    told["nodes"] = [{"children": [1, 2], "scale": [2, 2, 2]}, {"mesh": 0}, {"mesh": 0, "translation": [50, 0, 0]}]

    model = read(writers.glb_of(told, body))

    assert np.allclose(model.triangles, np.concatenate([RING * 2, RING * 2 + [100, 0, 0]]), atol=1e-4)


def test_gltf_of_sparse_and_whole_numbers() -> None:
    points = np.array([[0, 0, 0, 0], [127, 0, 0, 0], [127, -128, 0, 0]], dtype="<i1")
    body = points.tobytes() + bytes([1, 0, 0, 0]) + bytes([0, 127, 0, 0])
    told = {
        "asset": {"version": "2.0"},
        "extensionsRequired": ["KHR_mesh_quantization", "KHR_materials_unlit"],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}, {"attributes": {"POSITION": 0}, "mode": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5120,
                "normalized": True,
                "count": 3,
                "type": "VEC3",
                "sparse": {
                    "count": 1,
                    "indices": {"bufferView": 1, "componentType": 5121},
                    "values": {"bufferView": 1, "byteOffset": 4},
                },
            }
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 12, "byteStride": 4},
            {"buffer": 0, "byteOffset": 12, "byteLength": 8},
        ],
        "buffers": [{"byteLength": 20}],
    }
    model = read(writers.glb_of(told, body))

    assert model.triangles.tolist() == [[[0, 0, 0], [0, 1, 0], [1, -1, 0]]]
    assert model.notes == (Note("lines-left-out", {"lines": 1}),)


def test_read_stl_reads_stl_only() -> None:
    assert np.array_equal(read_stl(io.BytesIO(writers.write_stl_text(RING))), RING)
    with pytest.raises(Exception, match="not-a-model"):
        read_stl(io.BytesIO(writers.write_glb(RING)))
