"""The rules of uploads, each with one name."""

from __future__ import annotations

import re

from system.files.domain.upload import Findings, Problem
from system.kernel.errors import Invalid

FILENAME_LENGTH_MAX = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def shown_filename(filename: str) -> str:
    """A name that is safe to show: without folders and control characters, at most 120 characters."""
    name = _UNPRINTABLE.sub("", re.split(r"[/\\]", filename)[-1]).strip()
    return name[-FILENAME_LENGTH_MAX:] or "model.stl"


def declared_size_is_possible(size_bytes: int, *, bytes_max: int) -> None:
    """Raises Invalid for a file that need not be sent, because it would be refused."""
    if size_bytes < 1:
        raise Invalid("mesh-empty", "The file is empty: export the model again and check that it has a size.")
    if size_bytes > bytes_max:
        raise Invalid(
            "file-too-large",
            f"The file has {size_bytes} bytes, and we take at most {bytes_max}: export it as binary STL, or reduce it.",
            max_bytes=bytes_max,
        )


def refused_as_too_large(size_bytes: int, *, bytes_max: int) -> Findings | None:
    """Findings for a file above the cap, which is not even read; None when it is within."""
    if size_bytes <= bytes_max:
        return None
    return Findings(
        size_bytes=size_bytes,
        sha256=None,
        problem=Problem(
            "file-too-large",
            "The file is too large",
            f"It has {size_bytes} bytes, and we take at most {bytes_max}: export it as binary STL, or reduce it.",
        ),
    )


def refused_as_unlike_announced(size_bytes: int, *, declared_bytes: int) -> Findings | None:
    """Findings for parts that together have another size than the file was announced with, which are not even read."""
    problem = arrived_whole(declared_bytes=declared_bytes, arrived_bytes=size_bytes)
    return Findings(size_bytes=size_bytes, sha256=None, problem=problem) if problem else None


def arrived_whole(*, declared_bytes: int, arrived_bytes: int) -> Problem | None:
    """A problem when another number of bytes arrived than was announced."""
    if arrived_bytes == declared_bytes:
        return None
    return Problem(
        "size-mismatch",
        "The file did not arrive whole",
        f"You announced {declared_bytes} bytes and {arrived_bytes} arrived: upload the file again.",
    )
