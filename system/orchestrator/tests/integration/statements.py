"""What is sent to the database, seen at the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def watched(engine: AsyncEngine, look: Callable[[str], None] = lambda _: None) -> Iterator[list[str]]:
    """The statements sent meanwhile; one that is sent for many rows counts once for each. `look` sees each before it is sent."""
    sent: list[str] = []

    def begins(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        sent.extend([statement] * (len(values) if many else 1))
        look(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", begins)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", begins)
