"""`python -m perf.run --profile steady --models 1k --base none`: people as Locust users on the system that `make up` started.

`--base` names an image, which is started beside it for the length of the run, or the address of a system that runs already. Both sides
are then loaded in turn: candidate, base, base, candidate. Leaves `.alexandrite/reports/perf/`: index.html, requests.jsonl (time, name,
ms, ok and the side). It shows and does not judge: the gate does that, under a load that answers cannot change.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fixtures.models3d import model
from perf import page
from perf.beside import Wanted, project_named, systems
from perf.profiles import MODELS, PROFILES
from perf.rounds import Answer
from perf.system import NotStarted, Target
from tools.prepare import state

OUT = state.REPORTS / "perf"
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
GRACE_S = 120


@contextlib.contextmanager
def base_at(named: str) -> Iterator[str]:
    """The base's address; empty for none. An image is started and removed again."""
    if named in ("", "none"):
        yield ""
    elif named.startswith(("https://", "http://")):
        yield named.rstrip("/")
    else:
        with systems(Wanted(project_named("base"), named)) as (target,):
            yield target.url


def load(url: str, *, profile: str, models: str, seconds: float, people: int, raw: Path) -> None:
    """One run of Locust; every request is appended to `raw`. Raises SystemExit when Locust could not run at all."""
    given = {
        "PERF_PROFILE": profile,
        "PERF_MODELS": models,
        "PERF_SECONDS": str(seconds),
        "PERF_PEOPLE": str(people),
        "PERF_RAW": str(raw),
        "PYTHONPATH": str(state.ROOT),
    }
    options = ["--headless", "--only-summary", "--host", url, "--exit-code-on-error", "0", "--loglevel", "WARNING"]
    done = subprocess.run(
        [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), *options],
        env={**os.environ, **given},
        cwd=state.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_S,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"Locust ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")


def read_raw(raw: Path) -> list[Answer]:
    """What Locust wrote, with times since its first request. Raises ValueError when there is nothing."""
    entries = [json.loads(line) for line in raw.read_text(encoding="utf-8").splitlines()]
    if not entries:
        raise ValueError(f"{raw} holds no request")
    # A request is written when it ends; on the page it stands where it began.
    begun = [entry["time"] - entry["ms"] / 1000 for entry in entries]
    first = min(begun)
    return [
        Answer(entry["name"], at - first, entry["ms"], entry["ok"]) for entry, at in zip(entries, begun, strict=True)
    ]


def failures_in(raw: Path) -> Counter[str]:
    """What failed requests said, and how often."""
    entries = (json.loads(line) for line in raw.read_text(encoding="utf-8").splitlines())
    return Counter(f"{entry['name']}: {entry.get('said', '')}" for entry in entries if not entry["ok"])


def measure(arguments: argparse.Namespace, target: Target, base_url: str, directory: Path) -> dict[str, list[Answer]]:
    """All requests by side, one run laid after the other."""
    urls = {"candidate": target.url} | ({"base": base_url} if base_url else {})
    order = ["candidate", "base", "base", "candidate"] if base_url else ["candidate"]
    sides: dict[str, list[Answer]] = {side: [] for side in ("base", "candidate") if side in urls}
    for number, side in enumerate(order):
        raw = directory / f"{number}.jsonl"
        print(f"{side}: {arguments.profile}, {arguments.seconds:.0f} s on {urls[side]}", flush=True)
        load(
            urls[side],
            profile=arguments.profile,
            models=arguments.models,
            seconds=arguments.seconds,
            people=arguments.people,
            raw=raw,
        )
        for said, count in failures_in(raw).most_common(3):
            print(f"  {count} x {said}", flush=True)
        offset = (arguments.seconds + 5) * (number // 2)
        sides[side] += [answer._replace(at=answer.at + offset) for answer in read_raw(raw)]
    return sides


def leave(sides: dict[str, list[Answer]], *, title: str, remarks: list[str]) -> None:
    """Raw data and page."""
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"side": side, "time": round(a.at, 3), "name": a.name, "ms": round(a.ms, 2), "ok": a.ok})
        for side, answers in sides.items()
        for a in answers
    ]
    state.write_file(OUT / "requests.jsonl", "\n".join(lines) + "\n")
    page.write_run(sides, OUT / "index.html", title=title, remarks=remarks)


def summary(sides: dict[str, list[Answer]]) -> str:
    """The page's table as text."""
    heading, rows = page.figures_table(sides)
    return "\n".join(
        "  ".join(f"{cell:>10}" if place else f"{cell:<28}" for place, cell in enumerate(row))
        for row in [heading, *rows]
    )


def main() -> int:
    """See the module's docstring. Returns 1 when no request succeeded on a side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=PROFILES, default="steady")
    parser.add_argument("--models", type=str.lower, choices=sorted(MODELS), default="1k")
    parser.add_argument("--base", default="none", help="an image, an address, or none")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=12)
    arguments = parser.parse_args()
    # Made before the clock starts.
    model(MODELS[arguments.models])
    target = Target.find()
    try:
        with base_at(arguments.base) as base_url, tempfile.TemporaryDirectory(prefix="alexandrite-perf-") as directory:
            sides = measure(arguments, target, base_url, Path(directory))
    except (NotStarted, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 2
    remarks = [
        f"Profile {arguments.profile}, {arguments.people} people, models of {arguments.models} triangles.",
        "Partners are customers' accounts that send bursts through the shop's API: there is no partner API yet.",
        "A closed load: who waits for an answer asks for nothing meanwhile, so a slow system is asked less.",
    ]
    leave(sides, title=f"{arguments.profile}, models {arguments.models}", remarks=remarks)
    print(summary(sides))
    print(f"page: {OUT.relative_to(state.ROOT) / 'index.html'}")
    return 0 if all(any(answer.ok for answer in answers) for answers in sides.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
