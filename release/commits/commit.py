"""A commit that somebody might make: what it changes in today's tree, and which gate must stop it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from release.errors import NotReady


class OutOfDate(NotReady):
    """The tree has changed since the commit was written down; the message says where."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One text replaced by another. It must be there exactly once, or it is not known what would be changed."""

    file: str
    present: str
    absent: str
    """What stands there afterwards."""

    def apply(self, root: Path) -> None:
        """Raises OutOfDate when the text is not there exactly once."""
        path = root / self.file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (count := source.count(self.present)) != 1:
            raise OutOfDate(f"{self.file} holds {self.present.strip()[:60]!r} {count} times, not once.")
        path.write_text(source.replace(self.present, self.absent), encoding="utf-8")

    def is_in(self, root: Path) -> bool:
        """Whether the tree has the change already."""
        path = root / self.file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        # What stands there afterwards may hold the present text too.
        left = source.count(self.present) - self.absent.count(self.present)
        return left == 0 and (not self.absent or source.count(self.absent) == 1)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was not there."""

    file: str
    text: str

    def apply(self, root: Path) -> None:
        """Raises OutOfDate when there is such a file by now."""
        path = root / self.file
        if path.exists():
            raise OutOfDate(f"{self.file} exists by now.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8")

    def is_in(self, root: Path) -> bool:
        """Whether the tree has exactly this file already."""
        path = root / self.file
        return path.is_file() and path.read_text(encoding="utf-8") == self.text


Change = Edit | NewFile


@dataclass(frozen=True, slots=True)
class Commit:
    """One row of the table. A harmless commit names no gate: nothing may stop it."""

    name: str
    says: str
    """The commit's message: what its author meant to do."""
    effect: str
    """What it would do to the business."""
    changes: tuple[Change, ...]
    stopped_by: str | None = None
    because: str = ""
    """Must be among what the gate says, in any case: a commit that is stopped for another reason proves nothing."""
    freezes_contracts: bool = False
    """Its author also ran `make contracts`, because a test told them to."""
    note: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether a gate must stop it."""
        return self.stopped_by is not None

    def is_in(self, root: Path) -> bool:
        """Whether a tree has all of its changes: it is the commit that is being tried, or is built upon it."""
        return all(change.is_in(root) for change in self.changes)

    def apply(self, root: Path) -> None:
        """Makes its changes in a tree. Raises OutOfDate; what was changed before that stays changed."""
        for change in self.changes:
            change.apply(root)


def touched(commits: Iterable[Commit]) -> set[str]:
    """Every file that any of the commits changes or adds."""
    return {change.file for commit in commits for change in commit.changes}


def named(commits: Iterable[Commit], names: Iterable[str]) -> tuple[Commit, ...]:
    """Those of the commits that are named, in their own order; all when no name is given. Raises NotReady for a stranger."""
    known = {commit.name: commit for commit in commits}
    wanted = set(names)
    if strangers := sorted(wanted - set(known)):
        raise NotReady(f"There is no commit {', '.join(strangers)}.", remedy=f"There are: {', '.join(known)}.")
    return tuple(commit for commit in known.values() if not wanted or commit.name in wanted)
