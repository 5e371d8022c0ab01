"""A service of one page, served to a real Chromium: for what only a browser can tell."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

# Drawn by the processor: a machine that tests has no graphics card.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
TIMEOUT_MS = 30_000


def home_of(folder: Path, templates: Mapping[str, str]) -> Path:
    """A folder made a home of pages: with these templates, no assets, no words of its own."""
    for name in ("templates", "assets", "locales"):
        (folder / name).mkdir()
    for name, text in templates.items():
        (folder / "templates" / name).write_text(text)
    (folder / "locales" / "ru.po").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n')
    return folder


@contextmanager
def served(make: Callable[[str], FastAPI]) -> Iterator[str]:
    """The origin at which an application answers; connections wait in the socket until it does."""
    listening = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(make(origin), lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield origin
    server.should_exit = True
    thread.join()
