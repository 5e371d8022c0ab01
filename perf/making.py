"""A model of a million triangles at the page where one makes one's own, in a real browser: what its customer sees, and when.

The clock starts when the file is chosen and runs in the page itself, so that nothing of ours stands between. Each round sends a model
that nobody sent before (other bytes in its title), so that nothing is known of it.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from fixtures.models3d import variant
from perf.bars import Bar, Findings
from perf.system import Target, percentile
from perf.weighing import weigh
from perf.window import window

MODEL = "pave-ring-1m"
PATH = "/shop/make"
PICTURE_S, ESTIMATE_S, FIRM_P95_S = 3.0, 5.0, 15.0
SENT_SHARE = 0.1
FRAMES_PER_S = 30.0
SHOWN_MS_MAX = 60_000
FINE_S = 3
TURNING_S = 5
CHOOSER = "#make input[data-choose]"

_WATCH = """() => {
  const seen = (window.seen = {});
  const note = (name) => { seen[name] ??= performance.now(); };
  document.querySelector("[data-choose]").addEventListener("change", () => note("chosen"), { capture: true });
  const look = () => {
    const state = document.getElementById("prices")?.dataset.priceState;
    if (document.querySelector("alexandrite-model")?.dataset.state === "shown") note("shown");
    if (state === "estimated" || state === "firm") note("estimated");
    if (state === "firm") note("firm");
    if (state === "failed" || state === "refused") note("failed");
  };
  new MutationObserver(look).observe(document.documentElement, { subtree: true, childList: true, attributes: true });
}"""
_DONE = "() => window.seen.failed || (window.seen.firm && window.seen.shown)"
_FRAMES = """(seconds) => new Promise((resolve) => {
  let frames = 0;
  const begun = performance.now();
  const count = (now) => {
    frames += 1;
    if (now - begun < seconds * 1000) requestAnimationFrame(count);
    else resolve(frames / ((now - begun) / 1000));
  };
  requestAnimationFrame(count);
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds from the choice of a file until each thing was on the screen."""

    picture_s: float
    estimate_s: float
    firm_s: float


def uploaded_on_screen(target: Target, arguments: argparse.Namespace) -> Findings:
    """One model after the other, each by a browser of its own."""
    print(f"upload: {arguments.uploads} models of a million triangles, one after the other", flush=True)
    seen = []
    for number in range(arguments.uploads):
        with fresh_model() as file, window(target) as page:
            seen.append(_uploaded(page, file))
        told = seen[-1]
        print(
            f"  {number + 1}: picture {told.picture_s:.1f} s, estimate {told.estimate_s:.1f} s, firm {told.firm_s:.1f} s",
            flush=True,
        )
    return judged(seen)


def judged(seen: list[Seen]) -> Findings:
    """What the rounds mean: the 95th percentile of each."""
    picture, estimate, firm = (
        percentile([getattr(one, name) for one in seen], 0.95) for name in ("picture_s", "estimate_s", "firm_s")
    )
    bars = [
        Bar("1 M triangles: seen in 3D after, p95", picture, "<=", PICTURE_S, "s", f"{len(seen)} models"),
        Bar("1 M triangles: estimate on the screen after, p95", estimate, "<=", ESTIMATE_S, "s"),
        Bar("1 M triangles: firm price on the screen after, p95", firm, "<=", FIRM_P95_S, "s"),
    ]
    return Findings({"picture_s": picture, "estimate_s": estimate, "firm_p95_s": firm}, bars)


@contextlib.contextmanager
def fresh_model() -> Iterator[Path]:
    """A file with the model under a title of its own; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="alexandrite-model-") as directory:
        file = Path(directory) / "my-ring.stl"
        file.write_bytes(variant(MODEL, secrets.token_hex(16)))
        yield file


def _uploaded(page: Page, file: Path) -> Seen:
    page.goto(PATH, wait_until="networkidle")
    page.evaluate(_WATCH)
    page.set_input_files(CHOOSER, file)
    page.wait_for_function(_DONE, timeout=SHOWN_MS_MAX)
    seen = page.evaluate("() => window.seen")
    if "failed" in seen:
        raise TimeoutError(f"no price: {page.locator('#prices').inner_text()[:200]}")
    return Seen(*((seen[name] - seen["chosen"]) / 1000 for name in ("shown", "estimated", "firm")))


def viewed(target: Target, arguments: argparse.Namespace) -> Findings:
    """The model's own page in a browser that does not have the file: bytes that crossed the line for it, and frames a second."""
    print("viewer: a model of a million triangles from what is kept of it", flush=True)
    with fresh_model() as file, window(target) as page:
        size = file.stat().st_size
        _uploaded(page, file)
        # Levels are made after the price: shown again, the page has them and no longer the file.
        page.wait_for_function(_LEVELS_ARE_MADE, timeout=SHOWN_MS_MAX, polling=1000)
        weight = weigh(page.context.new_cdp_session(page))
        page.reload(wait_until="load")
        page.wait_for_selector('alexandrite-model[data-state="shown"]', timeout=SHOWN_MS_MAX)
        page.wait_for_timeout(FINE_S * 1000)
        sent = sum(bytes_ for address, bytes_ in weight.by_address.items() if _is_of_the_model(address))
        frames = page.evaluate(_FRAMES, TURNING_S)
    told = f"{sent / 1e6:.2f} of {size / 1e6:.1f} MB"
    bars = [
        Bar("bytes of the model on the line to those of its file", sent / size, "<", SENT_SHARE, note=told),
        Bar("frames a second while it turns, drawn by software", frames, ">=", FRAMES_PER_S),
    ]
    return Findings({"sent_share": sent / size, "frames_per_s": frames}, bars)


def _is_of_the_model(address: str) -> bool:
    """Whether an address leads into the storage: its own origin, where models and their levels lie."""
    return any(part in address for part in ("/levels/", "/verified/"))


_LEVELS_ARE_MADE = """async () => {
  const file = document.getElementById("make").dataset.file;
  const answer = await fetch(`/api/files/v1/uploads/${file}/model?level=fine`, { redirect: "manual" });
  return answer.type === "opaqueredirect";
}"""
