"""Styles, scripts and pictures, each under an address that holds its content's hash: kept by browsers for ever, never stale.

Ours are in `assets/` here and beside a service's templates; those of others come from npm, as `assets/vendor.json` names them.
Files of one directory, `viewer/scene.js` and the like, share the hash of them all: so modules import each other by name.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

from system.kernel.errors import NotFound

HERE = Path(__file__).parent / "assets"
VENDOR_LIST = HERE / "vendor.json"
# Where an image has them, and where a checkout has them.
VENDOR_DIRECTORIES = (HERE / "vendor", Path(__file__).parents[2] / "node_modules")
FOR_EVER = "public, max-age=31536000, immutable"
# A release beside this one may be asked for by name with its own hash: it gets what we have, and asks again soon.
SOON = "public, max-age=60"
HASH_CHARACTERS = 12
OURS = frozenset({".css", ".js", ".svg", ".webp", ".woff2", ".webmanifest"})
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/webp", ".webp")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in memory."""

    name: str
    content: bytes
    digest: str
    media_type: str


class Assets:
    """The files of one service's pages, read once at start. Raises FileNotFoundError when npm's are missing."""

    def __init__(self, base: str, directories: Iterable[Path]) -> None:
        self._base = base
        files = {name: _vendored(path) for name, path in json.loads(VENDOR_LIST.read_text(encoding="utf-8")).items()}
        for directory in (HERE, *directories):
            found = [*directory.glob("*"), *directory.glob("*/*")]
            files |= {
                str(path.relative_to(directory)): path for path in found if path.suffix in OURS and path.is_file()
            }
        contents = {name: path.read_bytes() for name, path in files.items()}
        digests = _digests(contents)
        self._assets = {name: _asset(name, content, digests[name]) for name, content in contents.items()}

    def has(self, name: str) -> bool:
        """Whether there is such a file: a picture may come later than the page that shows it."""
        return name in self._assets

    def address(self, name: str) -> str:
        """Where a page finds the file. Raises KeyError for one that is not there."""
        return f"{self._base}/assets/{self._assets[name].digest}/{name}"

    def answer(self, digest: str, name: str) -> Response:
        """The file. Raises NotFound."""
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound("asset-unknown", f"There is no file {name}; load the page again.")
        caching = FOR_EVER if digest == asset.digest else SOON
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": caching})


def _vendored(path: str) -> Path:
    for directory in VENDOR_DIRECTORIES:
        if (directory / path).is_file():
            return directory / path
    raise FileNotFoundError(f"{path} is in none of {[str(each) for each in VENDOR_DIRECTORIES]}; run: make prepare")


def _digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    """The hash in each file's address: of its own content, in a directory of the contents of all its files."""
    together: dict[str, list[str]] = defaultdict(list)
    for name in sorted(contents):
        directory, _, _ = name.rpartition("/")
        together[directory or name].append(name)
    digests: dict[str, str] = {}
    for names in together.values():
        digest = hashlib.sha256(b"".join(contents[name] for name in names)).hexdigest()[:HASH_CHARACTERS]
        digests |= dict.fromkeys(names, digest)
    return digests


def _asset(name: str, content: bytes, digest: str) -> Asset:
    return Asset(name, content, digest, mimetypes.guess_type(name)[0] or "application/octet-stream")
