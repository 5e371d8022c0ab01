"""Findings of one model side by side: its loops hold no lock, so that two of them take two processors, and half the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Found = TypeVar("Found")

THREADS = 2
BESIDE_FROM = 200_000
"""Triangles of a model from which this is worth the threads: a tenth of a second, and more memory at a time."""


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
def side_by_side(triangle_count: int) -> Iterator[Executor]:
    """Where findings of a model of this size are made. What was begun is at its end when this is left."""
    if triangle_count < BESIDE_FROM:
        yield Inline()
        return
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            yield threads
        finally:
            threads.shutdown(cancel_futures=True)


def if_affordable(measured: Callable[[], Found | None]) -> Found | None:
    """What is measured, or nothing where memory is short: the price does not hang on it."""
    try:
        return measured()
    except MemoryError:
        return None
