"""A browser without a script: it shows pages and sends their forms, and a cookie that it was given stays with it."""

from __future__ import annotations

import html
import re

import httpx

from step_defs.drivers.address import SystemAddress, trust
from step_defs.drivers.http import RING_HEADER

SESSION = "__Host-session"
LINK = re.compile(r'href="(/shop/track/[\w-]+)"')
INPUT = re.compile(r"<input [^>]*>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


def forms_of(address: SystemAddress) -> httpx.Client:
    """A new one, in which nobody is signed in."""
    headers = {"Accept": "text/html", "Origin": address.url}
    if address.ring:
        headers[RING_HEADER] = address.ring
    return httpx.Client(base_url=address.url, verify=trust(address.ca_file), headers=headers, follow_redirects=True)


def hidden_in(page: str) -> dict[str, str]:
    """The fields that nobody sees, of all forms of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def page_of(answer: httpx.Response) -> str:
    """What is shown. Raises AssertionError unless there is a page."""
    assert answer.status_code == 200, f"{answer.request.method} {answer.url} answered {answer.status_code}"
    return answer.text


def to_fill_in(page: str, *, after: str) -> tuple[dict[str, str], list[str]]:
    """Of the fields after a place of the page: those that hold something already, and those that somebody has to fill in."""
    known: dict[str, str] = {}
    empty: list[str] = []
    for field in INPUT.findall(page.partition(after)[2].partition("</form>")[0]):
        told = dict(ATTRIBUTE.findall(field))
        if told.get("value"):
            known[told["name"]] = html.unescape(told["value"])
        elif " required" in field:
            empty.append(told["name"])
    return known, empty
