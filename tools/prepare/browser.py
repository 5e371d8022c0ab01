"""A Chromium for the scenarios that look at pages: this machine's, Playwright's, or Debian's package."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools.prepare import packages

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> Path | None:
    """The browser's program, or None. Playwright's own download is preferred by Playwright itself, so it is not sought."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    downloaded = sorted((Path.home() / ".cache" / "ms-playwright").glob("chromium-*/chrome-linux*/chrome"))
    return downloaded[-1] if downloaded else None


def ensure() -> str:
    """Installs Debian's chromium when there is none. Raises Failure where that is not possible from here."""
    found = find()
    if found:
        return str(found)
    packages.require("chromium", why="No Chromium was found")
    return str(find())
