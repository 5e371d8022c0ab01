"""Where the viewer is tried: pages of a service whose models lie with another origin, and windows on them in a real Chromium."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, FastAPI
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from system.pagekit.pages import Pages
from system.pagekit.tests.chromium import TIMEOUT_MS, home_of, served
from system.plumbing.settings import ServiceSettings
from system.plumbing.web import make_app

Open = Callable[..., Page]
Picture = npt.NDArray[np.uint8]
Routes = Callable[[APIRouter, Pages, str], None]
"""Puts the yard's routes onto a router: its pages, and the ways to models at the storage's origin."""
_DRAWN = (
    "() => new Promise((done) => { let n = 5; const go = () => (n-- ? requestAnimationFrame(go) : done()); go(); })"
)


class YardSettings(ServiceSettings):
    """A service whose models lie elsewhere."""

    service: str = "mes"
    s3_public_url: str


@contextmanager
def yard(folder: Path, template: str, storage: Callable[[str], FastAPI], routes: Routes) -> Iterator[str]:
    """The origin of pages under /yard made from `template` (as ring.html), with a storage beside them."""
    home = home_of(folder, {"ring.html": template})

    def pages_beside(storage_origin: str) -> Callable[[str], FastAPI]:
        def make(origin: str) -> FastAPI:
            settings = YardSettings(public_url=origin, s3_public_url=storage_origin)
            pages = Pages("/yard", home, settings)
            router = APIRouter(prefix="/yard")
            routes(router, pages, storage_origin)
            app = make_app(settings, routers=[], pages=[pages.router(), router])
            pages.install(app)
            return app

        return make

    with served(storage) as storage_origin, served(pages_beside(storage_origin)) as own:
        yield own


@contextmanager
def windows(chromium: Browser, origin: str) -> Iterator[Open]:
    """Opens a page in a window of its own; at the end no window may have complained of anything but what was expected."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(path: str, *, complains: bool = False, script: str = "", **window: Any) -> Page:
        context = chromium.new_context(**({"locale": "en-GB", "reduced_motion": "reduce"} | window))
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        if not complains:
            page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{origin}/yard/{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def is_in_state(page: Page, state: str, level: str | None = None) -> Locator:
    """The model, once it says that it is in this state, and shown in this level of detail."""
    model = page.locator("alexandrite-model")
    expect(model).to_have_attribute("data-state", state, timeout=TIMEOUT_MS)
    if level:
        expect(model).to_have_attribute("data-level", level, timeout=TIMEOUT_MS)
    return model


def picture(page: Page) -> Picture:
    """What the canvas shows, once what was asked of it is drawn."""
    page.evaluate(_DRAWN)
    shot = Image.open(io.BytesIO(page.locator("alexandrite-model canvas").screenshot()))
    return np.asarray(shot.convert("RGB"))
