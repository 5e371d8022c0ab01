"""Raw results by what they contain.

Blobs(home).put(bytes | Path) -> hex     kept under its SHA-256; the same content twice is one file
Blobs(home).get(hex) -> bytes            hashed again on the way out; EvidenceInvalid when gone or changed
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from release.errors import EvidenceInvalid
from release.home import Home

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


class Blobs:
    """The content-addressed store of one pipeline."""

    def __init__(self, home: Home) -> None:
        self._directory = home.blobs

    def put(self, content: bytes | Path) -> str:
        """Keeps the content (of the file, when a path is given) and returns its SHA-256 in hex.

        It is on disk when this returns. Content that is there already is written again: a damaged copy is mended so.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        running = hashlib.sha256()
        descriptor, temporary = tempfile.mkstemp(dir=self._directory, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for chunk in _chunks(content):
                    running.update(chunk)
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o444)
            name = running.hexdigest()
            os.replace(temporary, self._directory / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync_directory(self._directory)
        return name

    def get(self, name: str) -> bytes:
        """The content whose SHA-256 is `name`. Raises EvidenceInvalid when it is absent or no longer has that hash."""
        if not SHA256_HEX.fullmatch(name):
            raise EvidenceInvalid(f"{name!r} is not the SHA-256 of a blob.")
        try:
            content = (self._directory / name).read_bytes()
        except OSError as failure:
            raise EvidenceInvalid(f"The raw result {name[:12]} is missing ({failure.strerror}).") from failure
        if hashlib.sha256(content).hexdigest() != name:
            raise EvidenceInvalid(f"The raw result {name[:12]} was changed after it was recorded.")
        return content


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def fsync_directory(directory: Path) -> None:
    """Makes a rename or a creation in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
