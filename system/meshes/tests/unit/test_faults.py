"""Every way in which a file is refused, each with its own code and before it takes memory or time."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from fixtures.models3d import shapes, writers
from system.meshes.faults import MeshFault
from system.meshes.model import ReadLimits, read_model

RING = shapes.torus(inner_diameter=17.35, wire=2.0, segments=8, sides=4).astype(np.float32)
ONE = RING[:1]
MESH = writers.mesh_xml(ONE)
OBJECT = f'<object id="1">{MESH}</object>'
ITEM = '<item objectid="1"/>'
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
)
PLY_BYTES = PLY.replace("ascii", "binary_little_endian")


ELSEWHERE = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship TargetMode="External"'
    ' Target="http://example.com/ring.model" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
THERE = '<component objectid="1" p:path="http://example.com/a.model"/>'
POINTS = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}
INDICES = {"bufferView": 1, "componentType": 5125, "count": 3, "type": "SCALAR"}


def model_3mf(resources: str = OBJECT, build: str = ITEM, **more: Any) -> bytes:
    """A 3MF of one part."""
    return writers.package({"3D/3dmodel.model": writers.model_xml(resources, build, **more)})


def glb(change: dict[str, Any] | None = None, **body: Any) -> bytes:
    """A GLB of one triangle, something of which is changed."""
    told, content = writers.gltf_of(ONE)
    return writers.glb_of(told | (change or {}), body.get("body", content))


def ring_of_components(count: int, *, last: int) -> str:
    """Objects of two components each, of the next one; the last is of object `last`."""
    return OBJECT + "".join(
        f'<object id="{number}"><components>'
        + f'<component objectid="{number + 1 if number < count + 1 else last}"/>' * 2
        + "</components></object>"
        for number in range(2, count + 2)
    )


FAULTS: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "not-a-model"),
    "a letter": (b"Dear jeweller, v is for vertex\n" * 20, "not-a-model"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "not-a-model"),
    "an archive": (
        writers.package({"a.txt": "x"}).replace(b"3dmodel", b"3dnodel").replace(b"rels", b"relz"),
        "not-a-model",
    ),
    "step": (b"ISO-10303-21;\nHEADER;", "format-known-not-read"),
    "fbx": (b"Kaydara FBX Binary  \0\x1a\0", "format-known-not-read"),
    "collada": (b'<?xml version="1.0"?>\n<COLLADA xmlns="x">', "format-known-not-read"),
    "dxf": (b"  0\r\nSECTION\r\n  2\r\nENTITIES\r\n", "format-known-not-read"),
    "3ds": (b"MM\x10\x00\x00\x00\x02\x00\x0a\x00\x00\x00" + bytes(50), "format-known-not-read"),
    "stl, cut off": (writers.write_stl_binary(RING)[:-1], "mesh-truncated"),
    "stl, too large": (bytes(80) + struct.pack("<I", 6_000_001) + bytes(300), "mesh-too-large"),
    "stl, nowhere": (writers.write_stl_binary(RING * np.float32(np.nan)), "mesh-not-finite"),
    "stl, empty": (bytes(84), "mesh-empty"),
    "text, cut off": (writers.write_stl_text(RING)[:-40], "mesh-truncated"),
    "text, commas": (writers.write_stl_text(RING).replace(b".", b","), "mesh-decimal-comma"),
    "text, four corners": (
        writers.write_stl_text(ONE).replace(b"    endloop", b"vertex 1 1 1\nendloop"),
        "mesh-malformed",
    ),
    "text, other words": (writers.write_stl_text(ONE).replace(b"outer", b"inner"), "mesh-malformed"),
    "text, beyond float32": (
        re.sub(rb"vertex \S+", b"vertex 1e99", writers.write_stl_text(ONE), count=1),
        "mesh-not-finite",
    ),
    "text, a facet too long": (
        b"solid x\nfacet normal 0 0 1" + b" " * 5_000_000 + b"\nendsolid",
        "model-beyond-limits",
    ),
    "text, a name too long": (b"solid " + b"x" * 5_000_000 + b"\nendsolid", "model-beyond-limits"),
    "obj, commas": (b"v 0,5 0 0\nf 1 1 1", "mesh-decimal-comma"),
    "obj, no number": (b"v 0 0 zero\nf 1 1 1", "mesh-malformed"),
    "obj, corner of no number": (b"v 0 0 0\nf 1 2 3", "mesh-malformed"),
    "obj, corner zero": (b"v 0 0 0\nf 0 1 1", "mesh-malformed"),
    "obj, corner before the first": (b"v 0 0 0\nf -2 -1 -1", "mesh-malformed"),
    "obj, corner beyond all": (b"v 0 0 0\nf 1 1 99999999999", "mesh-malformed"),
    "obj, two corners": (b"v 0 0 0\nf 1 1", "mesh-malformed"),
    "obj, no face": (b"v 0 0 0\nv 1 0 0", "mesh-empty"),
    "obj, nowhere": (b"v nan 0 0\nf 1 1 1", "mesh-not-finite"),
    "obj, another file": (b"v 0 0 0\ncall /etc/passwd 1\nf 1 1 1", "external-reference"),
    "obj, free form": (b"v 0 0 0\ncstype bspline\nsurf 0 1 0 1 1 2 3\n", "format-known-not-read"),
    "obj, a line too long": (b"v 0 0 0\ng " + b"x" * 5_000_000, "model-beyond-limits"),
    "obj, lines that go on": (b"v 0 0 0\ng " + b"\\\n" * 3_000_000, "model-beyond-limits"),
    "ply, no end of its header": (b"ply\nformat ascii 1.0\nelement vertex 3\n", "mesh-truncated"),
    "ply, a header too long": (b"ply\nformat ascii 1.0\ncomment " + b"x" * 100_000, "model-beyond-limits"),
    "ply, an unknown type": (PLY.replace("float x", "complex x").encode(), "mesh-malformed"),
    "ply, no z": (PLY.replace("float z", "float w").encode(), "mesh-malformed"),
    "ply, cut off": ((PLY + "0 0 0\n1 0 0\n0 1 0\n3 0 1").encode(), "mesh-truncated"),
    "ply, a milliard of faces": ((PLY.replace("face 1", "face 1000000000") + "0 0 0\n" * 3).encode(), "mesh-truncated"),
    "ply, a milliard of corners": (
        PLY_BYTES.replace("vertex 3", "vertex 1000000000").encode() + bytes(60),
        "mesh-truncated",
    ),
    "ply, a word": ((PLY + "0 0 zero\n1 0 0\n0 1 0\n3 0 1 2\n").encode(), "mesh-malformed"),
    "ply, commas": ((PLY + "0 0 0,5\n1 0 0\n0 1 0\n3 0 1 2\n").encode(), "mesh-decimal-comma"),
    "ply, corner of no number": ((PLY + "0 0 0\n1 0 0\n0 1 0\n3 0 1 3\n").encode(), "mesh-malformed"),
    "ply, half a corner": ((PLY + "0 0 0\n1 0 0\n0 1 0\n3 0 1 1.5\n").encode(), "mesh-malformed"),
    "ply, two corners": ((PLY + "0 0 0\n1 0 0\n0 1 0\n2 0 1\n     ").encode(), "mesh-malformed"),
    "ply, bytes cut off": (PLY_BYTES.encode() + bytes(36) + b"\3" + bytes(9), "mesh-truncated"),
    "ply, a list beyond the end": (
        PLY_BYTES.replace("list uchar", "list uint").encode() + bytes(36) + b"\xff\xff\xff\x7f" + bytes(20),
        "mesh-truncated",
    ),
    "ply, corner minus one": (PLY_BYTES.encode() + bytes(36) + b"\3" + b"\xff" * 12, "mesh-malformed"),
    "ply, strips": (PLY.replace("face 1", "tristrips 1").encode() + b"0 0 0\n" * 5, "format-known-not-read"),
    "ply, points": (PLY.replace("face 1", "face 0").encode() + b"0 0 0\n" * 3, "mesh-empty"),
    "3mf, cut off": (model_3mf()[:-30], "mesh-truncated"),
    "3mf, not xml": (writers.package({"3D/3dmodel.model": "<model"}), "mesh-malformed"),
    "3mf, tags that cross": (model_3mf(build="<item></build>"), "mesh-malformed"),
    "3mf, a document type": (writers.package({"3D/3dmodel.model": "<!DOCTYPE model><model/>"}), "package-unsafe"),
    "3mf, a thousand laughs": (
        writers.package(
            {"3D/3dmodel.model": '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><model unit="&b;"/>'}
        ),
        "package-unsafe",
    ),
    "3mf, an entity from elsewhere": (
        writers.package(
            {"_rels/.rels": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', "3D/3dmodel.model": ""}
        ),
        "package-unsafe",
    ),
    "3mf, packed too well": (model_3mf(OBJECT + " " * 20_000_000), "package-unsafe"),
    "3mf, out of the archive": (writers.package({"3D/3dmodel.model": "", "../../etc/cron": "x"}), "package-unsafe"),
    "3mf, two of one name": (writers.package({"3D/3dmodel.model": "", "3d/3DMODEL.model": ""}), "package-unsafe"),
    "3mf, a model elsewhere": (
        writers.package({"_rels/.rels": ELSEWHERE, "3D/3dmodel.model": ""}),
        "external-reference",
    ),
    "3mf, a component elsewhere": (
        model_3mf(f'{OBJECT}<object id="2"><components>{THERE}</components></object>', '<item objectid="2"/>'),
        "external-reference",
    ),
    "3mf, part of itself": (model_3mf(ring_of_components(3, last=2), '<item objectid="2"/>'), "mesh-malformed"),
    "3mf, 2^31 of them": (model_3mf(ring_of_components(30, last=1), '<item objectid="2"/>'), "model-beyond-limits"),
    "3mf, too deep": (model_3mf(ring_of_components(60, last=1), '<item objectid="2"/>'), "model-beyond-limits"),
    "3mf, elements too deep": (model_3mf("<a>" * 50 + "</a>" * 50 + OBJECT), "model-beyond-limits"),
    "3mf, a tag too long": (
        writers.package({"3D/3dmodel.model": "<model a='" + "x" * 3_000_000 + "'/>"}, packed=zipfile.ZIP_STORED),
        "model-beyond-limits",
    ),
    "3mf, no such object": (model_3mf(build='<item objectid="9"/>'), "mesh-malformed"),
    "3mf, nothing to build": (model_3mf(build=""), "mesh-empty"),
    "3mf, no such unit": (model_3mf(unit="cubit"), "mesh-malformed"),
    "3mf, a transform of words": (model_3mf(build='<item objectid="1" transform="1 0 0"/>'), "mesh-malformed"),
    "3mf, commas": (model_3mf(OBJECT.replace('x="', 'x="1,')), "mesh-decimal-comma"),
    "3mf, no y": (model_3mf(OBJECT.replace("y=", "w=")), "mesh-malformed"),
    "3mf, words between vertices": (model_3mf(OBJECT.replace("<vertex", "ring<vertex", 1)), "mesh-malformed"),
    "3mf, corner of no number": (model_3mf(OBJECT.replace('v1="0"', 'v1="7"')), "mesh-malformed"),
    "3mf, corner minus one": (model_3mf(OBJECT.replace('v1="0"', 'v1="-1"')), "mesh-malformed"),
    "3mf, beams": (
        model_3mf(OBJECT.replace("</mesh>", '<b:beamlattice xmlns:b="b"/></mesh>')),
        "format-known-not-read",
    ),
    "3mf, another extension": (
        model_3mf(more=' xmlns:v="http://example.com/volumetric" requiredextensions="v"'),
        "format-known-not-read",
    ),
    "glb, cut off": (glb()[:-4], "mesh-truncated"),
    "glb, version 1": (b"glTF" + struct.pack("<II", 1, 20) + bytes(20), "format-known-not-read"),
    "glb, its json cut": (glb().replace(b'"asset"', b'"asset '), "mesh-malformed"),
    "glb, json of brackets": (
        writers.glb_of({"asset": {"version": "2.0"}, "x": 0}, b"").replace(b'"x":0', b'"x":['),
        "mesh-malformed",
    ),
    "glb, another file": (
        glb({"buffers": [{"byteLength": 48, "uri": "http://example.com/a.bin"}]}),
        "external-reference",
    ),
    "glb, a file above": (glb({"buffers": [{"byteLength": 48, "uri": "../../etc/passwd"}]}), "external-reference"),
    "glb, a buffer too short": (glb({"buffers": [{"byteLength": 4800}]}), "mesh-truncated"),
    "glb, an accessor beyond its view": (
        glb({"accessors": [POINTS | {"count": 3_000_000}, INDICES]}),
        "mesh-truncated",
    ),
    "glb, too many": (glb({"accessors": [POINTS, INDICES | {"count": 18_000_003}]}), "mesh-too-large"),
    "glb, corners of nothing": (
        glb({"accessors": [{"componentType": 5126, "count": 2_000_000_000, "type": "VEC3"}, INDICES]}),
        "model-beyond-limits",
    ),
    "glb, corner of no number": (
        glb(body=np.zeros(9, "<f4").tobytes() + struct.pack("<III", 0, 1, 3)),
        "mesh-malformed",
    ),
    "glb, a count that is none": (glb({"accessors": [POINTS | {"count": True}, INDICES]}), "mesh-malformed"),
    "glb, part of itself": (glb({"nodes": [{"mesh": 0, "children": [0]}]}), "mesh-malformed"),
    "glb, twice in the tree": (glb({"nodes": [{"children": [1, 1]}, {"mesh": 0}]}), "mesh-malformed"),
    "glb, no such mesh": (glb({"nodes": [{"mesh": 7}]}), "mesh-malformed"),
    "glb, packed by something else": (
        glb({"extensionsRequired": ["EXT_meshopt_compression"]}),
        "format-known-not-read",
    ),
    "glb, nowhere": (glb({"nodes": [{"mesh": 0, "scale": [1e300, 1, 1]}]}), "mesh-not-finite"),
    "glb, no scene": (glb({"nodes": [{}]}), "mesh-empty"),
    "glb, draco of noise": (writers.write_glb(RING, draco=True).replace(b"DRACO", b"DRAGO"), "mesh-malformed"),
    "gltf, a file beside it": (
        json.dumps(writers.gltf_of(ONE)[0] | {"buffers": [{"byteLength": 48, "uri": "ring.bin"}]}).encode(),
        "external-reference",
    ),
    "gltf, no base64": (
        json.dumps(
            writers.gltf_of(ONE)[0] | {"buffers": [{"byteLength": 48, "uri": "data:application/octet-stream;base64,A"}]}
        ).encode(),
        "mesh-malformed",
    ),
    "gltf, too much said": (
        json.dumps({"asset": {"version": "2.0"}, "x": "y" * 5_000_000}).encode(),
        "model-beyond-limits",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_refused_with_its_own_code(name: str) -> None:
    content, code = FAULTS[name]

    assert refused(content).code == code


def refused(content: bytes, limits: ReadLimits | None = None) -> MeshFault:
    """Why these bytes are refused. What the reader takes meanwhile is a fraction of what is allowed."""
    file = io.BytesIO(content)
    tracemalloc.start()
    try:
        with pytest.raises(MeshFault) as raised:
            read_model(file, limits=limits or ReadLimits())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 60_000_000
    return raised.value


def test_a_fault_names_what_is_meant() -> None:
    assert refused(FAULTS["step"][0]).facts == {"format": "STEP"}
    assert refused(FAULTS["glb, another file"][0]).facts == {"reference": "http://example.com/a.bin"}
    assert refused(FAULTS["obj, another file"][0]).facts == {"reference": "/etc/passwd"}
    assert refused(FAULTS["3mf, packed too well"][0]).facts == {"reason": "packed suspiciously well"}
    assert refused(FAULTS["3mf, 2^31 of them"][0]).facts == {"what": "parts", "most": 20_000}


SMALL = ReadLimits(
    triangles_max=20, corners_max=20, unpacked_bytes_max=3_000, entries_max=3, instances_max=2, elements_max=20
)


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        (writers.write_stl_binary(RING), "mesh-too-large", None),
        (writers.write_stl_text(RING), "mesh-too-large", None),
        (writers.write_obj(RING), "model-beyond-limits", "vertices"),
        (writers.write_obj(ONE) + b"f 1 2 3\n" * 20, "mesh-too-large", None),
        (writers.write_ply(RING), "model-beyond-limits", "vertices"),
        (model_3mf(OBJECT + " " * 4_000), "model-beyond-limits", "bytes unpacked"),
        (writers.write_3mf(ONE, components=2), "model-beyond-limits", "parts"),
        (model_3mf(OBJECT + "<a/>" * 20), "model-beyond-limits", "elements"),
        (writers.package({"3D/3dmodel.model": "", "a": "", "b": ""}), "model-beyond-limits", "entries of the archive"),
        (writers.write_glb(RING), "mesh-too-large", None),
        (writers.write_glb(RING, draco=True), "mesh-too-large", None),
        (glb({"scenes": [{"nodes": [0, 1, 2]}], "nodes": [{}, {}, {}]}), "model-beyond-limits", "parts"),
    ],
    ids=[
        "stl",
        "text",
        "obj corners",
        "obj faces",
        "ply",
        "3mf bytes",
        "3mf parts",
        "3mf elements",
        "3mf entries",
        "glb",
        "draco",
        "nodes",
    ],
)
def test_every_limit_holds(content: bytes, code: str, what: str | None) -> None:
    fault = refused(content, SMALL)

    assert (fault.code, fault.facts.get("what")) == (code, what)


def test_a_draco_that_announces_more_than_it_has_is_not_unpacked() -> None:
    told, body = writers.gltf_of(RING, draco=True)
    assert body[:5] == b"DRACO" and body[8] == 1
    # Edgebreaker: the traversal's kind, then corners and faces, seven bits a byte.
    forged = body[:12] + b"\xff\xff\xff\xff\x07" + b"\xff\xff\xff\xff\x07" + body[14:]
    told["bufferViews"][0]["byteLength"] = told["buffers"][0]["byteLength"] = len(forged)

    assert refused(writers.glb_of(told, forged)).code == "mesh-too-large"


def test_an_embedded_buffer_is_no_long_description() -> None:
    told, body = writers.gltf_of(RING)
    padded = body + bytes(5_000_000)
    told["buffers"] = [{"byteLength": len(padded), "uri": "data:;base64," + base64.b64encode(padded).decode()}]

    assert len(read_model(io.BytesIO(json.dumps(told).encode())).triangles) == len(RING)
