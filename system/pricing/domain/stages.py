"""What happens to a model while it is priced, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """What happens to a model just now."""

    WAITING = "waiting"
    READING = "reading"
    FIRST_LOOK = "first_look"
    SURFACE = "surface"
    THICKNESS = "thickness"


@dataclass(frozen=True, slots=True)
class Step:
    """The measuring process is at this stage; how many triangles there are is known once they are read."""

    stage: Stage
    triangle_count: int | None = None
