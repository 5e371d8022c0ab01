"""One browser for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from system.pagekit.tests.chromium import ARGUMENTS
from tools.prepare import browser as programs


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=programs.find(), args=ARGUMENTS)
        yield started
        started.close()
