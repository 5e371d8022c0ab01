"""Charts in a real Chromium, under the pages' own policy: what is drawn, in which colours, and the table that says the same."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
{% from "chart.html" import chart, chart_head with context %}
{% block head %}{{ chart_head() }}{% endblock %}
{% block main %}<h1>A week</h1>
{% if kind == "gaps" %}
{% call chart("times", "Time", "lines", "Day", ["Mon", "Tue"], [{"name": "p50", "tone": 1, "values": [none, 0.25]},
  {"name": "p95", "tone": 2, "dashed": true, "values": [0.5, 1]}], unit="ms", fine=true) %}<p>What it is</p>{% endcall %}
{% else %}<div id="piece" hx-get="/yard/week" hx-select="#piece" hx-trigger="again" hx-swap="outerHTML">
{{ chart("week", "Made, by 'day' & \\"hour\\"", kind, "Day", ["Mon", "Tue <b>", "Wed"], [
  {"name": "made", "tone": 1, "values": [4, 0, 12]}, {"name": "shipped", "tone": 2, "values": [1, 2, 3]}]) }}</div>
{% endif %}{% endblock %}
"""
LIGHT_TONE, DARK_TONE = (0x0B, 0x6B, 0x5D), (0x7F, 0xD8, 0xC4)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = home_of(tmp_path_factory.mktemp("yard"), {"week.html": TEMPLATE})
    with served(lambda origin: yard(home, origin)) as own:
        yield own


def yard(home: Path, origin: str) -> FastAPI:
    """One page with one chart."""
    settings = ServiceSettings(service="mes", public_url=origin)
    pages = Pages("/yard", home, settings)
    router = APIRouter(prefix="/yard")

    @router.get("/week", dependencies=[public])
    async def week(request: Request, kind: str = "bars") -> Response:
        return pages.render(request, "week.html", kind=kind)

    return make_app(settings, routers=[], pages=[pages.router(), router])


@pytest.fixture
def opens(chromium: Browser, origin: str) -> Iterator[Open]:
    """Opens the page in a window of its own; no window may have complained."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(kind: str = "bars", **look: Any) -> Page:
        context = chromium.new_context(locale="en-GB", **look)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{origin}/yard/week?kind={kind}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


def drawn_in(page: Page, colour: tuple[int, int, int]) -> int:
    """How many points of the chart have this colour."""
    picture = Image.open(io.BytesIO(page.locator(".plot").screenshot())).convert("RGB")
    return sum(number for number, found in picture.getcolors(1 << 24) or () if found == colour)


@pytest.mark.parametrize("kind", ["bars", "stack", "layers", "lines"])
def test_it_is_drawn_in_the_colours_of_its_legend(opens: Open, kind: str) -> None:
    page = opens(kind)
    expect(page.locator(".plot canvas")).to_be_visible()
    # A line covers less than a bar.
    assert drawn_in(page, LIGHT_TONE) > (50 if kind == "lines" else 500)


def test_where_nothing_was_measured_there_is_a_gap_and_a_dash(opens: Open) -> None:
    page = opens("gaps")
    expect(page.locator(".plot canvas")).to_be_visible()
    expect(page.locator("h3")).to_have_text("Time, ms")
    page.locator("summary").click()
    assert page.locator("tbody tr").first.inner_text() == "Mon\t—\t0.5"
    box = page.locator(".plot .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 20)
    expect(page.locator(".readout")).to_have_text("Mon: p50 — · p95 0.5")


def test_it_is_drawn_anew_when_the_theme_changes(opens: Open) -> None:
    page = opens(color_scheme="dark")
    assert drawn_in(page, DARK_TONE) > 500
    page.locator("[data-theme-switch]").click()
    assert drawn_in(page, LIGHT_TONE) > 500 and not drawn_in(page, DARK_TONE)


def test_it_fits_a_phone_and_grows_with_the_window(opens: Open) -> None:
    page = opens(viewport={"width": 390, "height": 844})
    narrow = page.locator(".plot canvas").bounding_box()
    assert narrow is not None and narrow["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1000, "height": 844})
    # Asked again and again from here: the page's policy lets nobody evaluate text in it.
    expect(page.locator(".plot canvas")).not_to_have_css("width", f"{narrow['width']:g}px")
    wide = page.locator(".plot canvas").bounding_box()
    assert wide is not None and wide["width"] > 500


def test_the_pointer_reads_numbers_off(opens: Open) -> None:
    page = opens()
    box = page.locator(".plot .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 20)
    expect(page.locator(".readout")).to_have_text("Wed: made 12 · shipped 3")


def test_the_table_says_the_same_without_a_script(opens: Open) -> None:
    page = opens(java_script_enabled=False)
    expect(page.locator(".plot")).to_be_hidden()
    page.locator("summary").click()
    assert page.locator("table tr").all_inner_texts() == [
        "Day\tmade\tshipped",
        "Mon\t4\t1",
        "Tue <b>\t0\t2",
        "Wed\t12\t3",
    ]


def test_an_open_table_stays_open_when_the_page_is_refreshed(opens: Open) -> None:
    page = opens()
    page.locator("summary").click()
    with page.expect_response(lambda answer: "/yard/week" in answer.url):
        page.evaluate("htmx.trigger('#piece', 'again')")
    expect(page.locator(".plot canvas")).to_have_count(1)
    expect(page.locator("table")).to_be_visible()
