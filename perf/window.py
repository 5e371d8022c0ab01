"""A phone's window on the pages of the system under measurement, drawn by software: no graphics card is needed, and none helps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page, ViewportSize, sync_playwright

from perf.system import Target
from tools.prepare import browser

PHONE: ViewportSize = {"width": 390, "height": 844}
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@contextlib.contextmanager
def window(target: Target, *, language: str = "en") -> Iterator[Page]:
    """One window of a browser of its own, in which nothing is kept from before."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=list(ARGUMENTS))
        try:
            context = chromium.new_context(
                base_url=target.url,
                viewport=PHONE,
                locale=language,
                # The development CA is not in the browser's own store; the figures are of the pages.
                ignore_https_errors=True,
            )
            yield context.new_page()
        finally:
            chromium.close()
