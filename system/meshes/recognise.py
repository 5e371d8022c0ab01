"""Tells what a file is by its content and never by its name: by its beginning, its end and its size.

Binary STL is 80 bytes of anything, a little-endian count n, and n records of 50 bytes: size = 84 + 50 n. That formula decides before
the first word does, because exporters write "solid" into binary headers too. Everything else begins with something of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STL_BINARY, STL_TEXT, OBJ, PLY, THREE_MF, GLB, GLTF = "stl-binary", "stl-text", "obj", "ply", "3mf", "glb", "gltf"
FORMATS = (STL_BINARY, STL_TEXT, OBJ, PLY, THREE_MF, GLB, GLTF)
HEAD_BYTES_MAX = TAIL_BYTES_MAX = 1 << 16
"""How much of a file's beginning and end is looked at: an archive lists what is in it at its end."""
STL_HEADER_BYTES, STL_FACET_BYTES = 84, 50

_SOLID = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,1000}solid\b", re.IGNORECASE)
_PLY = re.compile(rb"ply[ \t]*[\r\n]")
_BRACE = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,1000}\{")
_ASSET = re.compile(rb'"asset"\s{0,100}:')
_OBJ_WORDS = frozenset(
    b"v vt vn vp f fo l p o g s mg usemtl mtllib usemap maplib bevel c_interp d_interp lod call csh cstype deg curv curv2 surf"
    b" bmat step parm trim hole scrv sp end con shadow_obj trace_obj".split()
)

_MODELS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s{0,100}ISO-10303-21"), "STEP"),
    (re.compile(rb"Kaydara FBX Binary|; FBX"), "FBX"),
    (re.compile(rb"AutoCAD Binary DXF|\s{0,100}(?:999[^\S\n]*\r?\n[^\n]{0,200}\n\s{0,100})?0\s{1,10}SECTION\b"), "DXF"),
    (re.compile(rb"AC10\d\d|AC1\.\d"), "DWG"),
    (re.compile(rb"[^\n]{72}S {0,6}\d{1,7}[ \t]*[\r\n]"), "IGES"),
    (re.compile(rb"3D Geometry File Format"), "Rhino 3DM"),
    (re.compile(rb"BLENDER[-_][vV]|BLENDER\d"), "Blender"),
    (re.compile(rb"\xff\xfe\xff\x0eS\x00k\x00e\x00"), "SketchUp"),
    (re.compile(rb"#VRML|#X3D"), "VRML"),
    (re.compile(rb"(?:ST|C|N|4|n)*OFF\b(?: BINARY)?\s"), "OFF"),
    (re.compile(rb"MM.{4}\x02\x00\x0a\x00\x00\x00|MM.{4}=="), "3DS"),
    (re.compile(rb"\*\*ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "Parasolid"),
    (re.compile(rb"\d{3,5} \d+ \d+ \d+\s+\d+ "), "ACIS"),
    (re.compile(rb"PXR-USDC|#usda"), "USD"),
    (
        re.compile(
            rb"(?:\xef\xbb\xbf)?\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,1000}?-->\s{0,100})?<COLLADA\b",
            re.S,
        ),
        "COLLADA",
    ),
    (
        re.compile(
            rb"(?:\xef\xbb\xbf)?\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,1000}?-->\s{0,100})?<amf\b", re.S
        ),
        "AMF",
    ),
)
"""Formats of models that we know of and do not read."""

_STRANGERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"%PDF-"), "a PDF document"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP|II\*\x00|MM\x00\*", re.S), "a picture"),
    (re.compile(rb"Rar!|7z\xbc\xaf\x27\x1c|\x1f\x8b"), "an archive"),
    (re.compile(rb"\s{0,1000}<(?:!doctype|html|\?xml|svg)", re.I), "a web page or XML"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "text in UTF-16"),
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: one of FORMATS; or the name of a format of models that is not read; or, in words, something else; or nothing."""

    format: str | None = None
    unread: str | None = None
    stranger: str | None = None


def recognise(head: bytes, tail: bytes, size_bytes: int) -> Recognised:
    """What the file with this beginning and this end is; each is at most 64 KiB of it, and all of a smaller one."""
    count = stl_count(head)
    if count is not None and size_bytes == STL_HEADER_BYTES + STL_FACET_BYTES * count:
        return Recognised(STL_BINARY)
    if head.startswith(b"glTF"):
        return Recognised(GLB)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(head, tail)
    if _PLY.match(head):
        return Recognised(PLY)
    if _SOLID.match(head) and b"\0" not in head:
        return Recognised(STL_TEXT)
    for pattern, name in _MODELS:
        if pattern.match(head):
            return Recognised(unread=name)
    for pattern, words in _STRANGERS:
        if pattern.match(head):
            return Recognised(stranger=words)
    if _BRACE.match(head) and (_ASSET.search(head) or _ASSET.search(tail)):
        return Recognised(GLTF)
    if _is_obj(head):
        return Recognised(OBJ)
    if count and head[83] == 0:
        # A count below 16 millions has a zero byte; text has none. The file is cut off, or has bytes after its last facet.
        return Recognised(STL_BINARY)
    return Recognised()


def stl_count(head: bytes) -> int | None:
    """The facets that a binary STL with this beginning announces; None for what is shorter than its header."""
    return int.from_bytes(head[80:84], "little") if len(head) >= STL_HEADER_BYTES else None


def _archive(head: bytes, tail: bytes) -> Recognised:
    listed = (head + tail).lower()
    if b"3dmodel.model" in listed or (b".model" in listed and b"_rels/.rels" in listed):
        return Recognised(THREE_MF)
    if b".usda" in listed or b".usdc" in listed:
        return Recognised(unread="USDZ")
    if b".amf" in listed:
        return Recognised(unread="AMF")
    return Recognised(stranger="a ZIP archive")


def _is_obj(head: bytes) -> bool:
    """Lines of words that OBJ knows, among them a vertex."""
    if b"\0" in head:
        return False
    head = head.removeprefix(b"\xef\xbb\xbf")
    whole = len(head) < HEAD_BYTES_MAX - 3
    lines = re.split(rb"[\r\n]+", head)
    goes_on = False
    has_vertex = False
    for line in lines if whole else lines[:-1]:
        words = line.split(None, 4)
        if not goes_on and words and not words[0].startswith(b"#"):
            if words[0].lower() not in _OBJ_WORDS:
                return False
            has_vertex = has_vertex or words[0] == b"v"
        goes_on = line.rstrip(b" \t").endswith(b"\\")
    return has_vertex
