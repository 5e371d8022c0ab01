"""A repository to try things on: commits are written as files, one call each."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from release.repository import IDENTITY, SETTINGS, Repository


class History:
    """A repository in a directory of its own, with a branch `main`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def repository(self) -> Repository:
        """As the gates see it."""
        return Repository(self.path)

    def git(self, *arguments: str) -> str:
        """One git command; its output without the last newline."""
        done = subprocess.run(
            ["git", *SETTINGS, *arguments],
            cwd=self.path,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.path), **IDENTITY},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Writes or, for None, removes files of the checkout."""
        for name, text in files.items():
            target = self.path / name
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str | None], message: str = "A change") -> str:
        """Commits these files on the present branch and returns the commit's id."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
