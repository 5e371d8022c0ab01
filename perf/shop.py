"""`python -m perf.shop`: the shop's pages as a customer meets them. Starts a system of its own, or takes a running one (--target).

catalogue   the first page of the catalogue: its weight on the line without pictures, the service's own time, one client
lighthouse  front, good, upload and private link, judged by Lighthouse
upload      a model of a million triangles in a browser: when it is seen, estimated, and firmly priced
viewer      the same model shown from what we keep of it: what crosses the line, and pictures a second at phone size

Prints each figure with its bar. Exit status 0: all bars of what was measured hold; 1: one does not; 2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import re
import secrets
import sys
import time
from collections.abc import Callable, Sequence

import httpx
from playwright.sync_api import Error as PlaywrightError

from perf import lighthouse
from perf.actors import Undone, client, customer, submit_ready_made
from perf.bars import Bar, Findings, last_line
from perf.beside import Wanted, project_named, systems
from perf.first_page import NotMeasured, logged_ms
from perf.making import uploaded_on_screen, viewed
from perf.system import NotStarted, Target, percentile
from perf.weighing import weigh
from perf.window import window

CATALOGUE = "/shop/"
GOOD = "/shop/goods/ring-signet-585"
MAKE = "/shop/make"
WEIGHT_KB = 100.0
P95_MS = 30.0
POINTS = {"performance": 90.0, "accessibility": 100.0, "best-practices": 95.0, "seo": 95.0}
WARM = 40
UNMEASURED = (NotStarted, NotMeasured, Undone, lighthouse.NotJudged, httpx.HTTPError, TimeoutError, PlaywrightError)
_LINK = re.compile(r'href="[^"]*(/shop/track/[\w.-]+)"')


def catalogue(target: Target, arguments: argparse.Namespace) -> Findings:
    """The catalogue's first page, for one visitor."""
    print(f"catalogue: {arguments.requests} pages, one client", flush=True)
    began = time.time() - 1
    traces = asyncio.run(_pages(target, arguments.requests))
    server = list(logged_ms(target, "shop", traces, since=began).values())
    with window(target) as page:
        weight = weigh(page.context.new_cdp_session(page))
        page.goto(CATALOGUE, wait_until="networkidle")
        kilobytes = weight.without("Image") / 1024
    told = ", ".join(f"{kind} {size / 1024:.0f}" for kind, size in sorted(weight.by_kind.items()))
    p95 = percentile(server, 0.95)
    bars = [
        Bar("the catalogue's weight without pictures", kilobytes, "<", WEIGHT_KB, "KB", told),
        Bar("the catalogue, the server's p95", p95, "<=", P95_MS, "ms", f"p50 {percentile(server, 0.5):.1f} ms"),
    ]
    return Findings({"catalogue_kb": kilobytes, "catalogue_p95_ms": p95}, bars)


async def _pages(target: Target, count: int) -> list[str]:
    """So many pages, after some that do not count; their traces."""
    traces = []
    async with client(target, connections=1) as http:
        for number in range(WARM + count):
            trace = secrets.token_hex(16)
            headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", "accept": "text/html"}
            response = await http.get(CATALOGUE, headers=headers)
            if response.status_code != 200:
                raise NotMeasured(f"the catalogue answered {response.status_code}")
            if number >= WARM:
                traces.append(trace)
    return traces


def judged_pages(target: Target, arguments: argparse.Namespace) -> Findings:
    """Each page by Lighthouse, the middle one of --judgements."""
    lighthouse.install()
    link = asyncio.run(_private_link(target))
    findings = Findings()
    for name, path in (("front", "/"), ("good", GOOD), ("upload", MAKE), ("link", link)):
        print(f"lighthouse: {name}", flush=True)
        seen = [lighthouse.judge(target.url + path) for _ in range(arguments.judgements)]
        for category, least in POINTS.items():
            ranked = sorted(seen, key=lambda one: one.points[category])
            middle = ranked[len(ranked) // 2]
            points = middle.points[category]
            findings.figures[f"{name}_{category}"] = points
            note = "; ".join(middle.faults[category])[:160]
            findings.bars.append(Bar(f"{name}, {category}", points, ">=", least, note=note))
    return findings


async def _private_link(target: Target) -> str:
    """The link to follow an order that was just made."""
    async with client(target, connections=2) as http:
        buyer = await customer(http)
        order_id = await submit_ready_made(buyer)
        page = await http.get(f"/shop/orders/{order_id}", headers=buyer.headers | {"accept": "text/html"})
    found = _LINK.search(page.text)
    if found is None:
        raise NotMeasured(f"the order's page shows no private link ({page.status_code})")
    return found[1]


PARTS: dict[str, Callable[[Target, argparse.Namespace], Findings]] = {
    "catalogue": catalogue,
    "lighthouse": judged_pages,
    "upload": uploaded_on_screen,
    "viewer": viewed,
}
KNOWN_BY = ("catalogue_kb", "catalogue_p95_ms", "picture_s", "estimate_s", "firm_p95_s", "frames_per_s")


def measure(arguments: argparse.Namespace) -> Findings:
    """Every part that was asked for; one that fails is a bar missed. Raises NotStarted."""
    findings = Findings()
    with contextlib.ExitStack() as stack:
        if arguments.target:
            target = Target.of(arguments.target)
        else:
            (target,) = stack.enter_context(systems(Wanted(project_named("shop"))))
        for part in arguments.part:
            try:
                findings.take(PARTS[part](target, arguments))
            except UNMEASURED as error:
                print(f"  {part} was not measured: {error!r}", file=sys.stderr, flush=True)
                findings.bars.append(Bar(f"{part}, measured", math.nan, ">=", 1, note=repr(error)[:200]))
    return findings


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this; may be given more than once")
    parser.add_argument("--target", metavar="PROJECT", help="a running compose project instead of an own system")
    parser.add_argument("--requests", type=int, default=200, help="pages of the catalogue")
    parser.add_argument("--judgements", type=int, default=3, help="how often Lighthouse looks at each page")
    parser.add_argument("--uploads", type=int, default=20, help="models that are uploaded, one after the other")
    arguments = parser.parse_args(argv)
    if min(arguments.requests, arguments.judgements, arguments.uploads) < 1:
        parser.error("--requests, --judgements and --uploads are at least 1")
    arguments.part = [part for part in PARTS if part in (arguments.part or PARTS)]
    return arguments


def main() -> int:
    """See the module's docstring."""
    try:
        findings = measure(parsed())
    except NotStarted as error:
        print(f"shop: not measured: {error!r}", file=sys.stderr)
        return 2
    for line in (*findings.remarks, *(bar.line() for bar in findings.bars)):
        print(line)
    print(last_line("shop", findings.figures, KNOWN_BY), flush=True)
    return 0 if findings.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
