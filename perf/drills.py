"""`python -m perf.drills [--runs 5] [DRILL ...]`: the gate against candidates that are bad on purpose, live. For `make nightly`.

same      the very same image: FAILED at most 1 % (with five runs: never)
slower    every request answered a fifth later
tail      two of a hundred requests answered twenty times as late

The bad images are this checkout's own plus one layer with a changed copy of system/plumbing/web.py; the tree is not touched. Each
run is the gate as it is, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tools.prepare import engine, images, state

WEB = Path("system/plumbing/web.py")
WHERE = "    app.add_middleware(LimitedBody)\n"
REPORTS = state.REPORTS / "perf-drills"
_DELAYED = '''

class Delayed:
    """A drill: answers late on purpose."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        taken_s = time.perf_counter() - started
        await asyncio.sleep(DELAY)
        for message in held:
            await send(message)
'''


@dataclass(frozen=True, slots=True)
class Drill:
    """A candidate and what the gate must say of it. `delay` is Python, in seconds, with `taken_s` at hand; empty: unchanged."""

    name: str
    delay: str
    bad: bool


# OUTSIDE_S is what gateway, network and client add to a service's own time; the drill is a fifth of what a customer waits in all.
OUTSIDE_S = 0.004
DRILLS = {
    drill.name: drill
    for drill in (
        Drill("same", "", bad=False),
        Drill("slower", f"(taken_s + {OUTSIDE_S}) * 0.2", bad=True),
        Drill("tail", f"(taken_s + {OUTSIDE_S}) * 19 if random.random() < 0.02 else 0", bad=True),
    )
}


def patched(source: str, delay: str) -> str:
    """web.py with the delay in its place. Raises ValueError when the place is gone: a drill that changes nothing proves nothing."""
    if source.count(WHERE) != 1:
        raise ValueError(f"{WEB} no longer has its one line {WHERE.strip()!r}; teach this drill where middleware goes")
    wired = source.replace(WHERE, f"{WHERE}    app.add_middleware(Delayed)\n")
    imported = wired.replace("\nimport base64\n", "\nimport asyncio\nimport base64\nimport random\n", 1)
    if imported == wired:
        raise ValueError(f"{WEB} no longer imports base64 first; teach this drill where imports go")
    return imported + _DELAYED.replace("DELAY", delay)


def image_of(drill: Drill) -> str:
    """The drill's image, built when needed: one layer over this checkout's."""
    base = images.references()["system"]
    if not drill.delay:
        return base
    text = patched((state.ROOT / WEB).read_text(encoding="utf-8"), drill.delay)
    tag = f"{base}-{drill.name}-{state.digest_of_text(text)[:8]}"
    with tempfile.TemporaryDirectory(prefix="alexandrite-drill-") as directory:
        Path(directory, "web.py").write_text(text, encoding="utf-8")
        Path(directory, "web.py").chmod(0o644)
        # The image trusts its compiled files without looking at their sources: they are compiled again.
        compiled = f"RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app/{WEB.parent}"
        lines = [f"FROM {base}", f"COPY web.py /app/{WEB}", "USER root", compiled, "USER 10001:10001", ""]
        Path(directory, "Dockerfile").write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([*engine.docker(), "build", "--quiet", "--tag", tag, directory], check=True, capture_output=True)
    return tag


def run(drill: Drill, number: int) -> str:
    """One run of the gate against the drill's image. Returns its verdict, or ERRORED when it left none."""
    out = REPORTS / f"{drill.name}-{number}"
    given = {
        "RELEASE_IMAGE": image_of(drill),
        "RELEASE_PREVIOUS_IMAGE": images.references()["system"],
        "RELEASE_PREVIOUS_COMMIT": "",
        "RELEASE_DIGEST": "",
        "RELEASE_OUT": str(out),
    }
    subprocess.run([sys.executable, "-m", "perf.gate"], env={**os.environ, **given}, cwd=state.ROOT, check=False)
    try:
        return str(json.loads((out / "verdict.json").read_text(encoding="utf-8"))["verdict"])
    except (OSError, ValueError, KeyError):
        return "ERRORED"


def kept(drill: Drill, counts: Counter[str]) -> bool:
    """Whether the verdicts are as they must be: a bad candidate is always caught, a good one never accused and mostly passed."""
    if drill.bad:
        return set(counts) == {"FAILED"}
    return not counts["FAILED"] and not counts["ERRORED"] and counts["PASSED"] > counts.total() / 2


def main() -> int:
    """Prints the verdicts of each drill; 1 when one is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.drills if name not in DRILLS]
    if unknown:
        parser.error(f"no drill is named {unknown[0]!r}; there are {', '.join(DRILLS)}")
    missed = False
    for name in arguments.drills or list(DRILLS):
        counts = Counter(run(DRILLS[name], number) for number in range(arguments.runs))
        good = kept(DRILLS[name], counts)
        missed |= not good
        print(f"drill {name}: {dict(counts)} {'met' if good else 'MISSED'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
