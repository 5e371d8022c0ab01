"""What is in a file is told by its content, whatever its first word."""

from __future__ import annotations

import hashlib
import time
import zipfile

import pytest

from fixtures.models3d import shapes, writers
from system.files.domain.probe import HEAD_BYTES_MAX, ModelProbe
from system.files.domain.upload import Findings, Format, Status
from system.files.tests.models import FACET, binary_stl, text_stl


def looked_at(content: bytes, *, chunk_bytes: int = 1 << 16, declared_bytes: int | None = None) -> Findings:
    """The findings when the content comes in chunks of this size."""
    probe = ModelProbe()
    for start in range(0, len(content), chunk_bytes):
        probe.feed(content[start : start + chunk_bytes])
    return probe.findings(declared_bytes=len(content) if declared_bytes is None else declared_bytes)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 83, 84, 100_000])
def test_binary_stl_by_its_count(chunk_bytes: int) -> None:
    content = binary_stl(7)

    found = looked_at(content, chunk_bytes=chunk_bytes)

    assert found == Findings(
        size_bytes=434, sha256=hashlib.sha256(content).hexdigest(), format=Format.STL_BINARY, triangle_count=7
    )
    assert found.status is Status.VERIFIED


def test_binary_stl_that_begins_with_solid() -> None:
    found = looked_at(binary_stl(3, header=b"solid exported by something"))

    assert (found.format, found.triangle_count) == (Format.STL_BINARY, 3)


def test_binary_stl_whose_header_reads_like_text_stl() -> None:
    found = looked_at(binary_stl(3, header=b"solid a\nfacet normal 0 0 1 outer loop vertex 0 0 0"))

    assert found.format is Format.STL_BINARY


@pytest.mark.parametrize("chunk_bytes", [1, 5, 8, 9, 64, 100_000])
def test_text_stl_by_its_grammar(chunk_bytes: int) -> None:
    found = looked_at(text_stl(11), chunk_bytes=chunk_bytes)

    assert (found.format, found.triangle_count, found.problem) == (Format.STL_ASCII, 11, None)


@pytest.mark.parametrize(
    "content",
    [
        text_stl(2).upper(),
        text_stl(2).replace(b"\n", b"\r\n"),
        text_stl(2).replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + text_stl(2),
        b"\n  " + text_stl(2),
        text_stl(2, name=""),
        text_stl(2, name="кольцо с александритом"),
        text_stl(2).replace(b"0 0 1", b"nan -inf +1.E-7"),
        text_stl(2).replace(b"endloop", b"vertex 1 1 1\n endloop"),
        " ".join(text_stl(2).decode().split()).encode(),
    ],
    ids=["capitals", "crlf", "cr", "bom", "blank", "unnamed", "russian", "odd numbers", "quads", "one line"],
)
def test_text_stl_as_exporters_really_write_it(content: bytes) -> None:
    found = looked_at(content)

    assert (found.format, found.triangle_count) == (Format.STL_ASCII, 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "mesh-empty"),
        (binary_stl(0), "mesh-empty"),
        (b"solid nothing\nendsolid nothing\n", "mesh-empty"),
        (binary_stl(5)[:-1], "mesh-truncated"),
        (binary_stl(5)[:90], "mesh-truncated"),
        (binary_stl(5, header=b"solid")[:200], "mesh-truncated"),
        (binary_stl(5) + b"x", "not-a-model"),
        (b"solid\n", "not-a-model"),
        (b"solid ring\n facet normal 0 0\n", "not-a-model"),
        (b"solid ring\n" + FACET.replace("outer loop", "loop").encode(), "not-a-model"),
        (b"solidity is a virtue " * 50, "not-a-model"),
        (b"I am a poem about a ring.\n" * 40, "not-a-model"),
        (bytes(1000), "not-a-model"),
        (b"x" * 50, "not-a-model"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_whole_stl_is_refused(content: bytes, code: str) -> None:
    found = looked_at(content)

    assert found.problem is not None
    assert found.problem.code == code
    assert found.status is Status.REFUSED
    assert (found.format, found.triangle_count) == (None, None)
    assert (found.size_bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04" + bytes(200), "ZIP"),
        (b"%PDF-1.7\n" + bytes(100), "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"mtllib ring.mtl\n", "that we know"),
        (text_stl(1).decode().encode("utf-16"), "UTF-16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_says_what_was_sent_and_what_to_send(content: bytes, kind: str) -> None:
    found = looked_at(content)

    assert found.problem is not None
    assert found.problem.code == "not-a-model"
    assert kind in found.problem.detail
    assert "as STL" in found.problem.detail


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"ISO-10303-21;\nHEADER;\n", "STEP"),
        (b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(100), "FBX"),
        (b"  0\nSECTION\n  2\nHEADER\n", "DXF"),
        (b"3D Geometry File Format        7" + bytes(100), "Rhino 3DM"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_format_of_models_that_we_do_not_read_is_named(content: bytes, name: str) -> None:
    found = looked_at(content)

    assert found.problem is not None
    assert found.problem.code == "format-known-not-read"
    assert name in found.problem.detail and "as STL" in found.problem.detail


RING = shapes.torus(inner_diameter=17.35, wire=2.0, segments=8, sides=4)


@pytest.mark.parametrize("chunk_bytes", [11, 100_000])
@pytest.mark.parametrize(
    ("content", "format"),
    [
        (writers.write_obj(RING), Format.OBJ),
        (writers.write_ply(RING, order="ascii"), Format.PLY),
        (writers.write_ply(RING, order="be"), Format.PLY),
        (writers.write_3mf(RING), Format.THREE_MF),
        (writers.write_glb(RING), Format.GLB),
        (writers.write_glb(RING, draco=True), Format.GLB),
        (writers.write_gltf(RING), Format.GLTF),
    ],
    ids=["obj", "ply ascii", "ply be", "3mf", "glb", "glb draco", "gltf"],
)
def test_other_formats_are_taken_too(content: bytes, format: Format, chunk_bytes: int) -> None:
    found = looked_at(content, chunk_bytes=chunk_bytes)

    assert (found.format, found.triangle_count, found.problem) == (format, None, None)
    assert not format.is_stl


def test_a_glb_says_how_long_it_is() -> None:
    found = looked_at(writers.write_glb(RING)[:-8])

    assert found.problem is not None
    assert found.problem.code == "mesh-truncated"


def test_a_large_archive_is_known_by_its_end() -> None:
    model = writers.model_xml("<object id='1'/>", "", more=' name="' + "é" * 70_000 + '"')
    parts: dict[str, str | bytes] = {
        "Metadata/first.png": bytes(range(256)) * 400,
        "Thumbnails/second.png": bytes(80_000),
        "3D/ring.model": model,
    }
    found = looked_at(writers.package(parts, packed=zipfile.ZIP_STORED))

    assert found.format is Format.THREE_MF


def test_a_cut_off_model_says_how_much_is_missing() -> None:
    found = looked_at(binary_stl(1000)[:10_000])

    assert found.problem is not None
    assert "1000 triangles need 50084 bytes, and the file has 10000" in found.problem.detail


def test_another_size_than_announced_is_refused() -> None:
    content = binary_stl(5)

    found = looked_at(content, declared_bytes=len(content) + 50)

    assert found.problem is not None
    assert found.problem.code == "size-mismatch"
    assert found.format is None


def test_a_name_too_long_for_the_head_is_refused_quickly() -> None:
    started = time.perf_counter()

    found = looked_at(b"solid " + b"facet normal " * HEAD_BYTES_MAX)

    assert found.problem is not None
    assert time.perf_counter() - started < 2
