"""Rows of a list in a real Chromium: a picture that is drawn later takes its place, and is asked for a few times only."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from system.pagekit.pages import Pages
from system.pagekit.tests.chromium import TIMEOUT_MS, home_of, served
from system.plumbing.auth import public
from system.plumbing.settings import ServiceSettings
from system.plumbing.web import make_app

TEMPLATE = """{% extends "base.html" %}
{% from "thumbnail.html" import thumbnail with context %}
{% block head %}<script src="{{ asset('rows.js') }}" defer></script>{% endblock %}
{% block main %}<h1>Rows</h1>{% for name in names %}<p id="{{ name }}">{{ thumbnail(name, "custom") }}</p>{% endfor %}{% endblock %}
"""
PLACEHOLDER = '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"/>'
DRAWN_AT_TRY = {"there": 1, "later": 2}


@dataclass
class Yard:
    """A page with pictures, and how often each was asked for."""

    home: Path
    asked: Counter[str] = field(default_factory=Counter)

    def app(self, origin: str) -> FastAPI:
        settings = ServiceSettings(service="mes", public_url=origin)
        pages = Pages("/yard", self.home, settings)
        router = APIRouter()

        @router.get("/yard/rows", dependencies=[public])
        async def rows(request: Request) -> Response:
            return pages.render(request, "rows.html", names=["there", "later", "never"])

        @router.get("/api/files/v1/uploads/{name}/preview", dependencies=[public])
        async def preview(name: str) -> Response:
            self.asked[name] += 1
            if self.asked[name] < DRAWN_AT_TRY.get(name, 1000):
                return Response(
                    PLACEHOLDER, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=10"}
                )
            drawn = io.BytesIO()
            Image.new("L", (96, 96)).save(drawn, "PNG")
            return Response(drawn.getvalue(), media_type="image/png")

        return make_app(settings, routers=[], pages=[pages.router(), router])


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(home_of(tmp_path, {"rows.html": TEMPLATE}))


@pytest.fixture
def page(chromium: Browser, yard: Yard) -> Iterator[Page]:
    with served(yard.app) as origin:
        context = chromium.new_context(locale="en-GB")
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        # Its clock is ours: nothing waits.
        page.clock.install()
        page.goto(f"{origin}/yard/rows")
        yield page
        context.close()


def test_what_is_drawn_later_takes_its_place_and_what_never_is_is_asked_for_a_few_times(page: Page, yard: Yard) -> None:
    there, later, never = (page.locator(f"#{name} img") for name in ("there", "later", "never"))
    for picture, side_px in ((there, 96), (later, 48), (never, 48)):
        expect(picture).to_have_js_property("naturalWidth", side_px)
    for tries, waited_ms in enumerate((12_000, 31_000, 61_000), start=1):
        expect(never).to_have_attribute("data-tries", str(tries))
        page.clock.fast_forward(waited_ms)
        expect(never).to_have_attribute("src", re.compile(f"again={tries}"))
        expect(never).to_have_js_property("complete", True)
    expect(later).to_have_js_property("naturalWidth", 96)
    page.clock.fast_forward(600_000)
    assert yard.asked == {"there": 1, "later": 2, "never": 4}
