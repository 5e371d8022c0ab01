"""The browser driver notices what every page promises not to have. A real Chromium, and pages that are bad on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.browser import NETWORK_CHANGED, Chromium, Window, violations

PAGE = '<!doctype html><html lang="en"><head><title>A page</title></head><body><main><h1>A page</h1>{}</main></body></html>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    started = Chromium(SystemAddress(url="https://127.0.0.1:1", ca_file="", demo_password="", carrier_secret=""))
    yield started
    started.close()


@pytest.fixture
def window(chromium: Chromium) -> Iterator[Window]:
    opened = chromium.window(language="en")
    yield opened
    opened.faults.clear()
    opened.close()


def test_a_sound_page_has_no_faults(window: Window) -> None:
    window.page.set_content(PAGE.format("<p>All is well.</p>"))
    assert list(violations(window.page)) == []
    window.check()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("<img src='data:,'>", "image-alt"),
        ("<input>", "label"),
        ("<button></button>", "button-name"),
        ("<p style='color:#999;background:#aaa'>faint</p>", "color-contrast"),
    ],
)
def test_a_page_that_some_cannot_use_is_noticed(window: Window, content: str, rule: str) -> None:
    window.page.set_content(PAGE.format(content))
    assert any(f"axe {rule}:" in found for found in violations(window.page))


@pytest.mark.parametrize(
    ("script", "fault"),
    [("console.error('oh no')", "console: oh no"), ("setTimeout(() => nothing.there, 0)", "a script failed")],
)
def test_a_script_that_fails_is_a_fault_of_the_page(window: Window, script: str, fault: str) -> None:
    window.page.set_content(PAGE.format(f"<script>{script}; setTimeout(() => document.title = 'done', 20)</script>"))
    window.page.wait_for_function("document.title === 'done'")
    with pytest.raises(AssertionError, match=fault):
        window.check()


def test_what_the_machine_cut_off_is_none_of_the_page_and_nothing_else_is_forgiven(window: Window) -> None:
    window.page.set_content(PAGE.format(""))
    window.check()
    window.faults += [f"console: Failed to load resource: {NETWORK_CHANGED}", "console: htmx:sendError, a row"]
    window.check()
    window.faults += ["console: htmx:sendError, a row"]
    with pytest.raises(AssertionError, match="sendError"):
        window.check()
    window.faults += [f"console: {NETWORK_CHANGED}", "console: a mistake of ours"]
    with pytest.raises(AssertionError, match="a mistake of ours"):
        window.check()
