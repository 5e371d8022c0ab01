"""What the race reads from a row of the board."""

from __future__ import annotations

import pytest

from perf.actors import Undone
from perf.claims import Told, told_by_row

OURS = '<li class="row claimed mine" id="wo-1" data-by-name="Oleg"><span class="taken theirs">In work: Oleg, 10:15</span></li>'
THEIRS = (
    '<li class="row claimed lost-it" id="wo-1" data-by-name="D&#39;Artagnan">'
    '<span class="taken theirs" role="alert">D&#39;Artagnan took it at 10:15.</span></li>'
)
ENOUGH = (
    '<li class="row released refused" id="wo-1" data-by-name="">'
    '<span role="alert">Five in hand. <a href="/mes/mine">My work</a></span></li>'
)
SILENT = (
    '<li class="row claimed" id="wo-1" data-by-name="Olga"><span class="taken theirs">In work: Olga, 10:15</span></li>'
)
NAMELESS = (
    '<li class="row claimed lost-it" id="wo-1" data-by-name="Olga"><span role="alert">Somebody took it.</span></li>'
)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (OURS, Told(True)),
        (THEIRS, Told(False, "D'Artagnan")),
        (ENOUGH, Told(False, None, has_enough=True)),
        (SILENT, Told(False)),
        (NAMELESS, Told(False)),
    ],
)
def test_a_row_says_who_won_and_a_silent_one_is_noticed(row: str, told: Told) -> None:
    assert told_by_row(row) == told


def test_what_is_no_row_is_no_answer() -> None:
    with pytest.raises(Undone, match="no row"):
        told_by_row("<h1>Sign in</h1>")
