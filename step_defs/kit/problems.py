"""What a check found: a place, a kind, and a sentence that says what to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    path: Path
    line: int
    kind: str
    text: str

    def shown(self, root: Path) -> str:
        """`file:line: kind: text`, the file below `root` where it is there."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{path.as_posix()}:{self.line}: {self.kind}: {self.text}"


def listing(problems: Iterable[Problem], root: Path) -> str:
    """All problems, one paragraph each, by file and line, each once."""
    return "\n".join(problem.shown(root) for problem in sorted(set(problems)))
