"""Lists of the board that are kept aside: asked once, shown to all, each to whoever looks as theirs; a claim is never decided here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from system.kernel.ids import new_id
from system.mes.adapters.board_lists import BoardLists, ListedRow, listed
from system.mes.adapters.queries import BoardFilter, MesQueries
from system.mes.entrypoints.board import Rows, Wishes
from system.mes.entrypoints.pages import pages_of
from system.mes.settings import MesSettings
from system.mes.tests.harness import OLEG, OLGA
from system.plumbing.aside import Aside, Seen

NOW = datetime.now(UTC)


def work_order(**other: Any) -> dict[str, Any]:
    """A line of the board as the queries give it."""
    moment = NOW.isoformat()
    return {
        "work_order_id": str(new_id()),
        "order_number": "A-26000123",
        "title": "<b>Pave</b> ring",
        "kind": "custom",
        "file_id": str(new_id()),
        "sku": None,
        "channel": "shop",
        "material": "silver_925",
        "quantity": 1,
        "ring_size": "17.5",
        "weight_g": "2.00",
        "approved_at": moment,
        "promise_at": (NOW + timedelta(days=9)).isoformat(),
        "escalated": False,
        "escalates_at": moment,
        "state": "RELEASED",
        "state_since": moment,
        "claimed_by": None,
        "claimed_by_id": None,
        "claimed_at": None,
        "pay": {"amount": "450.00", "currency": "RUB"},
    } | other


class Database:
    """The queries, counted."""

    def __init__(self) -> None:
        self.items = [work_order()]
        self.asked: list[str] = []

    async def board(
        self, wanted: BoardFilter, *, cursor: str | None, limit: int, with_materials: bool
    ) -> dict[str, Any]:
        self.asked.append(f"board {cursor or ''}".strip())
        return {"items": self.items, "next": "more"} | ({"materials": ["silver_925"]} if with_materials else {})

    async def counts(self) -> dict[str, int]:
        self.asked.append("counts")
        return {"RELEASED": len(self.items)}


class Shelf:
    """What is kept aside, in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def look(self, key: str) -> Seen:
        return Seen(key, b"0", self.held.get(key))

    async def keep(self, seen: Seen, value: bytes) -> None:
        self.held[seen.key] = value


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def lists(database: Database) -> BoardLists:
    return BoardLists(cast(MesQueries, database), cast(Aside, Shelf()))


async def test_a_list_is_asked_for_once_and_then_comes_from_aside(lists: BoardLists, database: Database) -> None:
    before = datetime.now(UTC)
    first = await lists.page(BoardFilter(), name="/mes/", cursor=None, limit=40)
    again = await lists.page(BoardFilter(), name="/mes/", cursor=None, limit=40)
    assert again == first
    assert database.asked == ["board"]
    # The page's stream goes on from here: whatever changed while the list was kept, it tells.
    assert before <= first.since <= datetime.now(UTC)
    assert (first.next, first.materials) == ("more", ("silver_925",))


@pytest.mark.parametrize(
    ("other", "asks"),
    [
        ({"name": "/mes/?material=gold_585"}, True),
        ({"limit": 20}, True),
        ({"cursor": "more"}, True),
        ({"name": None}, True),
        ({}, False),
    ],
)
async def test_another_list_is_another_question(
    lists: BoardLists, database: Database, other: dict[str, Any], asks: bool
) -> None:
    usual: dict[str, Any] = {"name": "/mes/", "cursor": None, "limit": 40}
    await lists.page(BoardFilter(), **usual)
    database.asked.clear()
    await lists.page(BoardFilter(), **(usual | other))
    assert bool(database.asked) is asks


async def test_counts_are_kept_too(lists: BoardLists, database: Database) -> None:
    assert await lists.counts() == await lists.counts() == {"RELEASED": 1}
    assert database.asked == ["counts"]


def test_only_lists_that_many_look_at_have_a_name() -> None:
    assert Wishes().name == "/mes/"
    assert Wishes(material="gold_585").name != Wishes(material="gold_750").name
    assert Wishes(number="A-26").name is None


def test_a_line_is_late_once_its_promise_is_over() -> None:
    past = work_order(promise_at=(NOW - timedelta(seconds=1)).isoformat())
    assert [row.is_late for row in listed([work_order(), past], now=NOW)] == [False, True]


@pytest.fixture
def rows() -> Rows:
    return Rows(pages_of(MesSettings()))


def written(rows: Rows, row: ListedRow, *, viewer: str) -> str:
    [line] = rows.written([row], language="en", viewer=viewer)
    return str(line)


def test_a_line_is_written_once_and_its_holder_sees_it_as_theirs(rows: Rows) -> None:
    by = {"claimed_by": OLEG.name, "claimed_by_id": str(OLEG.id), "claimed_at": NOW.isoformat()}
    [row] = listed([work_order(state="CLAIMED", **by)], now=NOW)
    [again] = rows.written([row], language="en", viewer=str(OLGA.id))
    [once_more] = rows.written([row], language="en", viewer=str(OLGA.id))
    assert again is once_more
    assert 'class="row claimed"' in written(rows, row, viewer=str(OLGA.id))
    assert 'class="row claimed mine"' in written(rows, row, viewer=str(OLEG.id))


def test_what_changed_is_written_anew(rows: Rows) -> None:
    before = work_order()
    after = before | {"pay": {"amount": "500.00", "currency": "RUB"}}
    lines = {written(rows, row, viewer="") for row in listed([before, after], now=NOW)}
    assert len(lines) == 2


def test_a_line_shows_what_a_customer_wrote_as_it_was_written(rows: Rows) -> None:
    [row] = listed([work_order()], now=NOW)
    assert "&lt;b&gt;Pave&lt;/b&gt; ring" in written(rows, row, viewer="")
