"""Lets a process of the system die at an exact line, without a switch in the product. Mounted into the fault project only.

Python imports this before anything else because /hooks is first on PYTHONPATH. It waits until the modules of POINTS are imported and
wraps the named functions. A wrapped function looks for an order at /faults/<seat>.order.json:

    {"id": "7f3a", "point": "publish.before", "countdown": 3, "do": "die"}

The third time the point is reached, the order is renamed to <seat>.struck.json, so that it is carried out once however many
processes share the seat, and the process dies. `do` may be `die` (at once, as by SIGKILL), `term` (SIGTERM to itself, the call goes
on) or `hold` (the call waits until <seat>.go is there). A point whose function is gone is told in <seat>.missing.json: nothing can be
struck then.

/faults/<seat>.clock holds an offset such as +3600s: the process runs with its wall clock that much apart.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

SEAT = os.environ.get("ALEXANDRITE_FAULT_SEAT", "")
DESK = os.environ.get("ALEXANDRITE_FAULT_DESK", "/faults")
FAKETIME = os.environ.get("ALEXANDRITE_FAULT_FAKETIME", "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOLD_S_MAX = 20.0
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

on_whose_behalf: contextvars.ContextVar[str] = contextvars.ContextVar("on_whose_behalf", default="")

# What is wrapped: module, function, and the points before and after it. A prefix in braces is on whose behalf it runs.
WRAPPED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("system.plumbing.unit_of_work", "UnitOfWork.commit", ("{}.commit.before", "{}.commit.after")),
    ("system.plumbing.broker", "Publisher.publish", ("publish.before",)),
    ("system.plumbing.relay", "Relay._settle", ("settle.before",)),
    ("system.plumbing.consumer", "Consumer._effect", ("effect.before",)),
    ("aiormq.channel", "Channel._on_confirm_frame", ("confirm.before",)),
    ("aio_pika.message", "IncomingMessage.ack", ("ack.before", "ack.after")),
    ("httpx", "Response.aiter_bytes", ("model.read",)),
)
# Who works: everything called inside belongs to them.
ENTERED: tuple[tuple[str, str, str], ...] = (
    ("system.plumbing.consumer", "Consumer._apply", "consumer"),
    ("fastapi", "FastAPI.__call__", "api"),
)

_hits: dict[str, int] = {}


def _path(kind: str) -> str:
    return os.path.join(DESK, f"{SEAT}.{kind}")


def _order() -> dict[str, Any] | None:
    try:
        with open(_path("order.json"), encoding="utf-8") as file:
            order: dict[str, Any] = json.load(file)
            return order
    except (OSError, ValueError):
        return None


def reached(point: str) -> str:
    """Counts a visit of a point, and carries the order out when it is due. Returns what was done that the caller must go on with."""
    order = _order()
    if order is None or order["point"] != point:
        return ""
    hits = _hits[order["id"]] = _hits.get(order["id"], 0) + 1
    if hits < order["countdown"]:
        return ""
    try:
        # Another process of this seat may be at the same point: only one can take the order away.
        os.rename(_path("order.json"), _path("struck.json"))
    except OSError:
        return ""
    print(f"fault: {order['do']} at {point} of {SEAT}, visit {hits}", file=sys.stderr, flush=True)
    if order["do"] == "die":
        os._exit(137)
    if order["do"] == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    return str(order["do"])


def _may_go() -> bool:
    return os.path.exists(_path("go"))


async def visit(point: str) -> None:
    """Reaches a point, and waits there if that is the order."""
    if reached(point) == "hold":
        waited_s = 0.0
        while not _may_go() and waited_s < HOLD_S_MAX:
            await asyncio.sleep(0.02)
            waited_s += 0.02


def struck_around(function: Callable[..., Awaitable[Any]], points: tuple[str, ...]) -> Callable[..., Awaitable[Any]]:
    """The function with points before and after it."""
    named = [(point.endswith(".before"), point) for point in points]

    @functools.wraps(function)
    async def wrapped(*given: Any, **more: Any) -> Any:
        who = on_whose_behalf.get()
        for _, point in (each for each in named if each[0]):
            await visit(point.format(who))
        answer = await function(*given, **more)
        for _, point in (each for each in named if not each[0]):
            await visit(point.format(who))
        return answer

    return wrapped


def struck_inside(function: Callable[..., AsyncIterator[bytes]], point: str) -> Callable[..., AsyncIterator[bytes]]:
    """A stream of bytes with a point after its first piece. Whoever names no size of pieces reads an answer whole, not a model."""

    @functools.wraps(function)
    async def wrapped(self: Any, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        first = chunk_size is not None
        async for piece in function(self, chunk_size):
            yield piece
            if first:
                first = False
                await visit(point)

    return wrapped


def entered(function: Callable[..., Awaitable[Any]], who: str) -> Callable[..., Awaitable[Any]]:
    """The function, and all that it calls, on behalf of `who`."""

    @functools.wraps(function)
    async def wrapped(*given: Any, **more: Any) -> Any:
        token = on_whose_behalf.set(who)
        try:
            return await function(*given, **more)
        finally:
            on_whose_behalf.reset(token)

    return wrapped


def entered_by_requests(function: Callable[..., Awaitable[Any]], who: str) -> Callable[..., Awaitable[Any]]:
    """An application: what requests do that change something is on behalf of `who`."""
    inside = entered(function, who)

    # Its own four parameters: the server tries whether it may be called without any, and takes it for a factory then.
    @functools.wraps(function)
    async def wrapped(self: Any, scope: Any, receive: Any, send: Any) -> Any:
        changes = scope["type"] == "http" and scope["method"] in UNSAFE
        return await (inside if changes else function)(self, scope, receive, send)

    return wrapped


def arm(module: ModuleType) -> None:
    """Wraps what POINTS name in a module that was just imported; tells which of it is gone."""
    missing = []
    for place, name, points in WRAPPED:
        if place == module.__name__ and not _replace(module, name, functools.partial(_around, points=points)):
            missing += list(points)
    for place, name, who in ENTERED:
        around = entered_by_requests if who == "api" else entered
        if place == module.__name__ and not _replace(module, name, functools.partial(around, who=who)):
            missing.append(f"{who}.*")
    if missing:
        print(f"fault: {module.__name__} has no such points any more: {missing}", file=sys.stderr, flush=True)
        with open(_path("missing.json"), "w", encoding="utf-8") as file:
            json.dump(missing, file)


def _around(found: Callable[..., Any], points: tuple[str, ...]) -> Callable[..., Any]:
    return struck_inside(found, points[0]) if points == ("model.read",) else struck_around(found, points)


def _replace(module: ModuleType, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> bool:
    owner, _, function = name.partition(".")
    holder = getattr(module, owner, None)
    found = getattr(holder, function, None)
    if found is None:
        return False
    setattr(holder, function, wrap(found))
    return True


class Watch:
    """Sees every import, and arms the modules that are waited for once they have been executed."""

    def __init__(self) -> None:
        self._awaited = {module for module, *_ in (*WRAPPED, *ENTERED)}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """None for what is not waited for: the usual finders go on."""
        if name not in self._awaited:
            return None
        self._awaited.discard(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def executed(module: ModuleType) -> None:
            execute(module)
            arm(module)

        spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


def apart_in_time() -> None:
    """Starts this process over with its wall clock apart, when the seat's clock says so. The monotonic clock stays as it is."""
    if "FAKETIME" in os.environ or not os.path.exists(_path("clock")):
        return
    with open(_path("clock"), encoding="utf-8") as file:
        offset = file.read().strip()
    if not os.path.exists(FAKETIME):
        with open(_path("missing.json"), "w", encoding="utf-8") as file:
            json.dump([f"clock: {FAKETIME}"], file)
        return
    apart = {"LD_PRELOAD": FAKETIME, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with open(_path("struck.json"), "w", encoding="utf-8") as file:
        json.dump({"id": "clock", "offset": offset}, file)
    os.execve(sys.executable, sys.orig_argv, {**os.environ, **apart})  # noqa: S606  it is this very program


if SEAT:
    apart_in_time()
    sys.meta_path.insert(0, Watch())
