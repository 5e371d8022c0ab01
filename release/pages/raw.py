"""Raw results laid beside the pages, so that a link opens them from a file system as from a server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from release.blobs import Blobs
from release.errors import EvidenceInvalid
from release.pages import wording

DIRECTORY = "raw"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Kept:
    """One raw result as a page names it."""

    name: str
    sha256: str
    link: str
    """Relative to the pages; empty when it is not laid beside them."""
    note: str
    """Its size, or why there is no link."""


@dataclass
class RawFiles:
    """Lays blobs below `pages/raw`. What a name contains never leads out of there: only its last part is used."""

    pages: Path
    blobs: Blobs
    copies: bool = True
    """False: only names and hashes are shown, as for candidates long past."""

    def keep(self, name: str, sha256: str) -> Kept:
        """The raw result, copied once however many pages link to it."""
        if not self.copies:
            return Kept(name, sha256, "", "among the blobs")
        try:
            content = self.blobs.get(sha256)
        except EvidenceInvalid as failure:
            return Kept(name, sha256, "", str(failure))
        safe = _UNSAFE.sub("_", PurePosixPath(name).name).lstrip(".") or "file"
        target = self.pages / DIRECTORY / sha256[:16] / safe
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{safe}")
            temporary.write_bytes(content)
            os.replace(temporary, target)
        return Kept(name, sha256, f"{DIRECTORY}/{sha256[:16]}/{safe}", wording.size(len(content)))
