"""Tables of what goes wrong, and of who has to be told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from step_defs.dsl.breaking import BREAKS
from step_defs.dsl.on_call import Alarm
from step_defs.dsl.words import PLACES

if TYPE_CHECKING:
    from step_defs.dsl.world import World

COLUMNS = ("what goes wrong", "the alert", "the place", "seconds")


def alarms_of(table: list[list[str]]) -> list[tuple[str, Alarm]]:
    """What breaks and what it is told as, row by row. Raises AssertionError for words that nobody knows."""
    rows = table[1:]
    assert rows and all(len(row) == len(COLUMNS) for row in table), f"a table of {', '.join(COLUMNS)} is needed"
    unknown = [row[0] for row in rows if row[0] not in BREAKS]
    assert not unknown, f"nobody breaks {unknown}; there are: {', '.join(BREAKS)}"
    alarms = [(what, Alarm(alert, PLACES.get(naming, naming), float(within))) for what, alert, naming, within in rows]
    assert len({alarm for _, alarm in alarms}) == len(alarms), "two rows wait for the same alert"
    return alarms


def breaks(world: World, table: list[list[str]]) -> None:
    """Breaks everything that the table names, in its order."""
    alarms = alarms_of(table)
    world.on_call.listens_for([alarm for _, alarm in alarms])
    for what, alarm in alarms:
        world.on_call.breaks(alarm, BREAKS[what])
