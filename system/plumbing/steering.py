"""What may change while a process runs: how much of the queued work its slot does, and which dark features are lit.

The pipeline writes two small files, each by a rename, and every process reads one again when it has changed:

    work.json    {"blue": 95, "green": 5}     percent of the queued work per slot; empty or absent: evenly
    flags.json   {"new_board": true}          features that are not as they were declared (system/plumbing/flags.py)

A file that cannot be read changes nothing: what was read last stays in force, for a mistake in a file must not move anybody's orders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from system.plumbing.telemetry import log, said_by

T = TypeVar("T")
WORK_FILE = "work.json"
FLAGS_FILE = "flags.json"


class Watched(Generic[T]):
    """A JSON object in a file, read when it changes. Cheap to ask: one `stat` a time."""

    def __init__(self, file: Path, of_item: Callable[[Any], T]) -> None:
        self._file = file
        self._of_item = of_item
        self._seen: tuple[int, int] | None = None
        self._known: Mapping[str, T] = {}

    def now(self) -> Mapping[str, T]:
        """What is in force."""
        try:
            found = self._file.stat()
        except OSError:
            # Not there: never steered. Gone: somebody is at work on it; what was said last holds.
            return self._known
        mark = (found.st_mtime_ns, found.st_ino)
        if mark != self._seen:
            self._seen = mark
            try:
                said = json.loads(self._file.read_text(encoding="utf-8"))
                self._known = {str(name): self._of_item(item) for name, item in said.items()}
            except (OSError, ValueError, TypeError, AttributeError) as error:
                log.warning("steering file not understood", file=os.fspath(self._file), error=said_by(error))
            else:
                log.info("steered", file=self._file.name, said=dict(self._known))
        return self._known


class Steering:
    """The two files of a process."""

    def __init__(self, directory: Path) -> None:
        self._work = Watched(directory / WORK_FILE, _percent)
        self._flags = Watched(directory / FLAGS_FILE, _switch)

    def work(self) -> Mapping[str, int]:
        """Percent of the queued work per slot; empty: evenly."""
        return self._work.now()

    def flags(self) -> Mapping[str, bool]:
        """Features that were switched, by name; a name that this release does not know is some other release's."""
        return self._flags.now()


def _percent(item: Any) -> int:
    if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item <= 100:
        raise ValueError(f"{item!r} is no percentage")
    return item


def _switch(item: Any) -> bool:
    if not isinstance(item, bool):
        raise ValueError(f"{item!r} is neither true nor false")
    return item


def fair_share(buckets: int, *, mine: str, members: Mapping[str, int], work: Mapping[str, int]) -> int:
    """How many of the buckets one process of slot `mine` should hold, rounded up; `members` counts the living ones per slot.

    A slot's percent is divided among its processes. Percents count only between slots that live: when all the work was given to a
    slot in which nobody lives any more, the others do it, for an order without anybody is worse than one with the wrong one.
    Where a member's slot is not known (a release that knew no slots, or processes without one) everybody gets the same.
    """
    even = -(-buckets // max(sum(members.values()), 1))
    if not mine or "" in members or not work:
        return even
    living = sum(work.get(slot, 0) for slot in members)
    if not living:
        return even
    return -(-buckets * work.get(mine, 0) // (living * max(members.get(mine, 1), 1)))
