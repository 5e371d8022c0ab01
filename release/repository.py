"""What the gates ask of git: files as they were at a commit, ancestry, trees to run, and worktrees that leave the checkout alone."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from release.errors import NotReady

# Commits made here are the pipeline's own, whoever's machine it runs on, and no hook of the checkout takes part in them.
IDENTITY = {
    "GIT_AUTHOR_NAME": "Alexandrite release",
    "GIT_AUTHOR_EMAIL": "release@alexandrite.example",
    "GIT_COMMITTER_NAME": "Alexandrite release",
    "GIT_COMMITTER_EMAIL": "release@alexandrite.example",
}
SETTINGS = ("-c", "core.quotePath=false", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository, read by commands; only `branch` and the worktrees write to it."""

    path: Path

    def run(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """One git command and what it said, whatever its exit status."""
        return subprocess.run(
            ["git", *SETTINGS, *arguments],
            cwd=at or self.path,
            env={**_without_git(os.environ), **IDENTITY},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def ask(self, *arguments: str, at: Path | None = None) -> str:
        """What a git command printed. Raises NotReady with its complaint when it failed."""
        done = self.run(*arguments, at=at)
        if done.returncode != 0:
            raise NotReady(f"git {' '.join(arguments[:3])} failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    def commit(self, name: str) -> str:
        """The full id of a commit. Raises NotReady when there is none of that name."""
        return self.ask("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()

    def files(self, commit: str, under: str) -> list[str]:
        """Paths of all files below a directory at a commit; none when it was not there yet."""
        listed = self.ask("ls-tree", "-r", "-z", "--name-only", commit, "--", f"{under}/")
        return [path for path in listed.split("\0") if path]

    def text(self, commit: str, path: str) -> str:
        """A file's content at a commit."""
        return self.ask("show", f"{commit}:{path}")

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether everything in `older` is in `newer` too; a commit is its own ancestor."""
        return self.run("merge-base", "--is-ancestor", older, newer).returncode == 0

    def extract(self, commit: str, directory: Path, *paths: str) -> None:
        """Writes the tree of a commit, or only some paths of it, into a directory: files alone, nothing of git."""
        directory.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["git", "archive", "--format=tar", commit, "--", *paths],
            cwd=self.path,
            env=_without_git(os.environ),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if packed.returncode != 0:
            raise NotReady(f"the tree of {commit[:12]} cannot be read: {packed.stderr.decode(errors='replace')[-500:]}")
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(directory, filter="data")

    @contextlib.contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A detached checkout of a commit in a directory of its own, removed afterwards."""
        parent = Path(tempfile.mkdtemp(prefix="worktree-"))
        directory = parent / commit[:12]
        try:
            self.ask("worktree", "add", "--detach", "--quiet", str(directory), commit)
            yield directory
        finally:
            self.run("worktree", "remove", "--force", str(directory))
            shutil.rmtree(parent, ignore_errors=True)
            self.run("worktree", "prune")


def _without_git(environment: Mapping[str, str]) -> dict[str, str]:
    """A hook's GIT_DIR would make every command speak of another repository."""
    return {name: value for name, value in environment.items() if not name.startswith("GIT_")}
