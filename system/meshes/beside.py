"""Loops over one model side by side: they hold no lock, so that two of them take two processors, and half the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Found = TypeVar("Found")


class Inline(Executor):
    """Does what is asked for when it is asked for."""

    def submit(self, fn: Callable[..., Found], /, *args: Any, **kwargs: Any) -> Future[Found]:
        """Done already when this returns."""
        done: Future[Found] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


@contextmanager
def side_by_side(threads: int) -> Iterator[Executor]:
    """So many threads beside the caller's; with none, or where there is no room for any, all is done where it is asked for.

    What was begun is at its end when this is left; what was not is not begun any more.
    """
    if not threads:
        yield Inline()
        return
    with ThreadPoolExecutor(threads) as beside:
        try:
            yield beside if _starts(beside) else Inline()
        finally:
            beside.shutdown(cancel_futures=True)


def _starts(beside: Executor) -> bool:
    """Whether there is room for a thread: a process near the end of its memory gets none."""
    try:
        beside.submit(int).result()
    except (RuntimeError, MemoryError):
        return False
    return True
