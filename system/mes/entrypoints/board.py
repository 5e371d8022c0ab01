"""The board's page: work that can be done, live; its filters, the numbers on its tabs, and the stream that keeps it fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup

from system.mes.adapters.board_lists import BoardLists, ListedRow
from system.mes.adapters.queries import BoardFilter, MesQueries
from system.mes.entrypoints import schemas
from system.mes.entrypoints.api import Reader, meet
from system.mes.entrypoints.pages import BASE, Shown
from system.pagekit import live
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.pages import Pages, is_piece
from system.pagekit.reader import Language
from system.plumbing.sparing import Kept

PAGE_ROWS = 40
COUNTED_EVERY_S = 1.0
# More than this at once is no news to be slid in: the list is loaded again.
CAUGHT_UP_MAX = 500
ROWS_KEPT = 4096

# How much work waits in each state, however many boards ask.
Tally = Kept[dict[str, int]]

router = APIRouter(prefix=BASE)


def watch_of(queries: MesQueries, pages: Pages) -> live.Watch:
    """What every open board of this process is told from."""

    async def write(ids: Sequence[UUID]) -> Sequence[live.Change]:
        return [_change(pages, work_order) for work_order in await queries.work_orders(ids)]

    return live.watch_rows(queries.changed_since, write, at_once=CAUGHT_UP_MAX)


def _change(pages: Pages, work_order: dict[str, Any]) -> live.Change:
    at = datetime.fromisoformat(work_order["state_since"])
    about = {
        name: work_order[name] for name in ("work_order_id", "state", "claimed_by", "claimed_by_id", "approved_at")
    }
    words = {
        language: orjson.dumps(
            about | {"row": pages.fragment(language, "board_row.html", w=work_order, viewer=None, said=None)}
        ).decode()
        for language in LANGUAGES
    }
    return live.Change((UUID(work_order["work_order_id"]), at), at, "work-order", words)


class Rows:
    """Lines of the board as HTML. A line is written once for as long as its work order stays as it is, whoever looks."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._kept = lru_cache(ROWS_KEPT)(self._write)

    def written(self, rows: Sequence[ListedRow], *, language: Language, viewer: str) -> list[Markup]:
        """The lines in a language; the viewer's own are marked."""
        return [self._kept(language, row, row.claimed_by_id == viewer) for row in rows]

    def _write(self, language: Language, row: ListedRow, is_own: bool) -> Markup:
        viewer = row.claimed_by_id if is_own else None
        text = self._pages.fragment(language, "board_row.html", w=orjson.loads(row.words), viewer=viewer, said=None)
        # Escaped already: a template of ours wrote it.
        return Markup(text)  # noqa: S704


@dataclass(frozen=True, slots=True)
class Wishes:
    """The filters as the address has them; empty means all."""

    status: schemas.WorkableState = "RELEASED"
    material: Annotated[str, Query(max_length=60)] = ""
    channel: Annotated[str, Query(max_length=20)] = ""
    due: Literal["", "late", "3", "7", "14"] = ""
    number: Annotated[str, Query(max_length=40)] = ""
    escalated: bool = False

    def filter(self, now: datetime) -> BoardFilter:
        """As the queries want it."""
        return BoardFilter(
            state=self.status,
            material=self.material or None,
            channel=self.channel or None,
            escalated=True if self.escalated else None,
            number=self.number.strip().upper() or None,
            due_before=now + timedelta(days=0 if self.due == "late" else int(self.due)) if self.due else None,
        )

    @property
    def name(self) -> str | None:
        """What tells this list from other lists that many look at; None for one that hardly anybody else asks for."""
        return None if self.number else self.address()

    def address(self, **other: Any) -> str:
        """The board's address with these filters, some of them changed."""
        given = {
            "status": self.status,
            "material": self.material,
            "channel": self.channel,
            "due": self.due,
            "number": self.number,
            "escalated": "true" if self.escalated else "",
        } | other
        kept = {name: value for name, value in given.items() if value and (name, value) != ("status", "RELEASED")}
        return f"{BASE}/?{urlencode(kept)}" if kept else f"{BASE}/"


@router.get("/")
async def board_page(
    request: Request,
    who: Reader,
    pages: Shown,
    wishes: Annotated[Wishes, Depends()],
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Work that can be done, the newest approved first; asked by htmx with a cursor: the next rows only."""
    await meet(request, who)
    lists: BoardLists = request.app.state.lists
    tally: Tally = request.app.state.tally
    asked = lists.page(wishes.filter(datetime.now(UTC)), name=wishes.name, cursor=cursor, limit=PAGE_ROWS)
    is_more = is_piece(request) and cursor is not None
    found, counts = (await asked, None) if is_more else await asyncio.gather(asked, tally.get())
    rows: Rows = request.app.state.rows
    shown: dict[str, Any] = {
        "rows": rows.written(found.rows, language=language_of(request), viewer=str(who.subject)),
        "more": wishes.address(cursor=found.next) if found.next else None,
        "wishes": wishes,
        "who": who,
    }
    if is_more:
        return pages.render(request, "board_rows.html", **shown)
    return pages.render(
        request,
        "board.html",
        counts=counts,
        materials=found.materials,
        since=found.since.isoformat(),
        **shown,
    )


@router.get("/counts")
async def counts_piece(request: Request, who: Reader, pages: Shown) -> Response:
    """The numbers on the tabs, for a board that saw something change."""
    return pages.render(request, "board_counts.html", who=who, counts=await request.app.state.tally.get())


@router.get("/events")
async def board_events(request: Request, who: Reader) -> Response:
    """Every change of a work order as it happens (server-sent events)."""
    now = datetime.now(UTC)
    watch: live.Watch = request.app.state.watch
    return live.stream(request, watch, since=live.moment_of(request, now), language=language_of(request))
