"""Google's Lighthouse on our pages: installed when it is first asked for (`package-lock.json` beside this), run by our Chromium.

It plays a phone of the middle class behind a slow line, by simulation. `is-crawlable` is left out: outside production our robots.txt
sends every search engine away, and a private link is never to be found, which is what that audit calls a fault.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.prepare import browser, state

HERE = Path(__file__).parent
PROGRAM = HERE / "node_modules" / "lighthouse" / "cli" / "index.js"
NODE = state.ROOT / ".venv" / "bin"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEFT_OUT = ("is-crawlable",)
CHROMIUM = (
    "--headless=new",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    # The development CA is not in the browser's own store; what is judged is the page.
    "--ignore-certificate-errors",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
SECONDS_MAX = 180


class NotJudged(RuntimeError):
    """Lighthouse could not be installed, or did not come to a result; the message says why."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Points of each category, 0 to 100, and what cost some: audits below their best, with what they say."""

    points: dict[str, float]
    faults: dict[str, tuple[str, ...]]


def install() -> None:
    """What the lock names, once. Raises NotJudged."""
    if PROGRAM.is_file():
        return
    command = [str(NODE / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotJudged(f"npm ci in {HERE.name}: {done.stderr[-500:]}")


def judge(address: str) -> Judgement:
    """The page behind an address. Raises NotJudged."""
    with tempfile.TemporaryDirectory(prefix="alexandrite-lighthouse-") as directory:
        found = Path(directory) / "found.json"
        command = [
            str(NODE / "node"),
            str(PROGRAM),
            address,
            "--quiet",
            "--output=json",
            f"--output-path={found}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--skip-audits={','.join(LEFT_OUT)}",
            f"--chrome-flags={' '.join(CHROMIUM)}",
        ]
        try:
            done = subprocess.run(
                command, env=_environment(), capture_output=True, text=True, timeout=SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NotJudged(f"{address}: nothing after {SECONDS_MAX} s") from error
        if done.returncode != 0 or not found.is_file():
            raise NotJudged(f"{address}: {done.stderr[-500:]}")
        return judgement_of(json.loads(found.read_text(encoding="utf-8")))


def judgement_of(told: dict[str, Any]) -> Judgement:
    """What Lighthouse's own report says. Raises NotJudged for a page that did not load, and for a category without points."""
    trouble = told.get("runtimeError", {}).get("code")
    if trouble:
        raise NotJudged(f"{told['requestedUrl']}: {trouble}")
    points, faults = {}, {}
    for name in CATEGORIES:
        category = told["categories"][name]
        if category["score"] is None:
            raise NotJudged(f"{told['requestedUrl']}: no points for {name}")
        points[name] = category["score"] * 100
        below = [
            each["id"] for each in category["auditRefs"] if each["weight"] and _is_below(told["audits"][each["id"]])
        ]
        faults[name] = tuple(f"{each} ({told['audits'][each].get('displayValue') or 'no'})" for each in below)
    return Judgement(points, faults)


def _is_below(audit: dict[str, Any]) -> bool:
    score = audit["score"]
    return score is not None and score < 0.9


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{NODE}:{os.environ['PATH']}", "CHROME_PATH": str(browser.find())}
