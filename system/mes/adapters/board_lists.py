"""The board's lists and counts as many ask for them: kept aside in Redis until a work order changes. A claim never looks here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from system.mes.adapters.queries import BoardFilter, MesQueries
from system.plumbing.aside import Aside

KEPT_S = 1.0


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A work order as a line of a list. `words` is its view as JSON text: the same text, the same line.

    What of the line depends on the moment is beside it: whether the promise is over.
    """

    words: str
    claimed_by_id: str | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class BoardList:
    """One page of the board as it was at `since`, and the materials that its filter offers. `next` is the cursor of what follows."""

    since: datetime
    rows: tuple[ListedRow, ...]
    next: str | None
    materials: tuple[str, ...]


def listed(items: Sequence[dict[str, Any]], *, now: datetime) -> tuple[ListedRow, ...]:
    """Views of work orders as lines of a list."""
    return tuple(
        ListedRow(orjson.dumps(item).decode(), item["claimed_by_id"], datetime.fromisoformat(item["promise_at"]) < now)
        for item in items
    )


class BoardLists:
    """First pages and counts: from Redis while nothing changed, else from the database."""

    def __init__(self, queries: MesQueries, aside: Aside) -> None:
        self._queries, self._aside = queries, aside

    async def page(self, wanted: BoardFilter, *, name: str | None, cursor: str | None, limit: int) -> BoardList:
        """One page of a list. First pages with a `name` are kept aside: the same name and limit, the same list."""
        if name is None or cursor is not None:
            return await self._asked(wanted, cursor=cursor, limit=limit)
        seen = await self._aside.look(f"list:{limit}:{name}")
        if seen.value is not None:
            return _list_from(seen.value)
        made = await self._asked(wanted, cursor=None, limit=limit)
        await self._aside.keep(seen, orjson.dumps(made))
        return made

    async def _asked(self, wanted: BoardFilter, *, cursor: str | None, limit: int) -> BoardList:
        # Before the question: what changes meanwhile, the page's stream tells it.
        since = datetime.now(UTC)
        found = await self._queries.board(wanted, cursor=cursor, limit=limit, with_materials=cursor is None)
        return BoardList(since, listed(found["items"], now=since), found["next"], tuple(found.get("materials", ())))

    async def counts(self) -> dict[str, int]:
        """As `MesQueries.counts`."""
        seen = await self._aside.look("counts")
        if seen.value is not None:
            kept: dict[str, int] = orjson.loads(seen.value)
            return kept
        counted = await self._queries.counts()
        await self._aside.keep(seen, orjson.dumps(counted))
        return counted


def _list_from(kept: bytes) -> BoardList:
    found = orjson.loads(kept)
    rows = tuple(ListedRow(**row) for row in found["rows"])
    return BoardList(datetime.fromisoformat(found["since"]), rows, found["next"], tuple(found["materials"]))
