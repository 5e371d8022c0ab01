"""`python -m tools.static [--junit FILE]`: the checks that read the code and run nothing of it, each with its time."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent
CODE = ("system", "step_defs", "contracts", "perf", "fixtures", "tools", "release")
# What was looked at by a person and is no secret; `detect-secrets audit` shows each entry.
BASELINE = ".secrets.baseline"
ACCEPT = f"When it is none, let a person accept it: git add the file, then detect-secrets scan --no-verify --baseline {BASELINE}"
# Exit status of the scanner when it found nothing new, only known findings on other lines.
ONLY_LINES_MOVED = 3


class Said(NamedTuple):
    """What a check found: the text of its findings, or a note when it had nothing to look at."""

    passed: bool
    text: str = ""
    note: str = ""


def by(*command: str) -> Callable[[], Said]:
    """A check that is one command: its exit status decides."""
    return lambda: _said(command, ROOT)


def secrets(root: Path = ROOT) -> Said:
    """Nothing that looks like a secret beyond the baseline, in any file that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    files = [name for name in listed.stdout.split("\0") if name and name != BASELINE and (root / name).is_file()]
    if listed.returncode != 0 or not files:
        return Said(False, f"git does not say which files are ours: {listed.stderr}")
    if not (root / BASELINE).is_file():
        return Said(False, f"{BASELINE} is missing; make it with: detect-secrets scan --no-verify > {BASELINE}")
    with tempfile.TemporaryDirectory() as temporary:
        # A copy: the scanner writes moved lines into its baseline, and a check must not edit the tree.
        copy = shutil.copy(root / BASELINE, Path(temporary) / BASELINE)
        command = [str(BIN / "detect-secrets-hook"), "--no-verify", "--baseline", str(copy), *files]
        said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Said(said.returncode in (0, ONLY_LINES_MOVED), f"{said.stdout}{said.stderr}\n{ACCEPT}\n")


def workflows(root: Path = ROOT) -> Said:
    """Every workflow is one by GitHub's schema, and offers none of the known ways in."""
    directory = root / ".github" / "workflows"
    files = [str(path) for pattern in ("*.yml", "*.yaml") for path in sorted(directory.glob(pattern))]
    if not files:
        return Said(True, note="there are no workflows")
    commands = (
        [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files],
        # Without the network: the same tree must get the same answer tomorrow.
        [str(BIN / "zizmor"), "--offline", "--no-progress", "--strict-collection", *files],
    )
    said = [_said(command, root) for command in commands]
    return Said(all(one.passed for one in said), "".join(one.text for one in said if not one.passed))


CHECKS: Mapping[str, Callable[[], Said]] = {
    "ruff": by(PYTHON, "-m", "ruff", "check", "."),
    "format": by(PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."),
    "mypy": by(PYTHON, "-m", "mypy", *CODE),
    "imports": by(str(BIN / "lint-imports"), "--no-cache"),
    "scenarios": by(PYTHON, "-m", "step_defs.kit", "check"),
    "words": by(PYTHON, "-m", "tools.words", "--check"),
    "secrets": secrets,
    "workflows": workflows,
}


def _said(command: Sequence[str], root: Path) -> Said:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return Said(done.returncode == 0, done.stdout + done.stderr)


def outcomes() -> Iterator[tuple[str, Said, float]]:
    """Each check's name, what it found and its seconds, in the order of CHECKS; two run at a time, the slow beside the quick."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, (said, elapsed_s) in zip(CHECKS, pool.map(_timed, CHECKS.values()), strict=True):
            yield name, said, elapsed_s


def _timed(check: Callable[[], Said]) -> tuple[Said, float]:
    started = time.monotonic()
    return check(), time.monotonic() - started


def main() -> int:
    """Runs every check even after one failed; the exit status says whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--junit", type=Path)
    arguments = parser.parse_args()
    suite = ET.Element("testsuite", name="static")
    failed = 0
    for name, said, elapsed_s in outcomes():
        case = ET.SubElement(suite, "testcase", classname="static", name=name, time=f"{elapsed_s:.2f}")
        note = f": {said.note}" if said.note else ""
        print(f"{'ok    ' if said.passed else 'FAILED'} {name} ({elapsed_s:.1f} s){note}", flush=True)
        if said.note:
            ET.SubElement(case, "system-out").text = said.note
        if not said.passed:
            failed += 1
            print(said.text, flush=True)
            ET.SubElement(case, "failure", message=f"{name} failed").text = said.text[-20_000:]
    suite.set("tests", str(len(CHECKS)))
    suite.set("failures", str(failed))
    if arguments.junit:
        arguments.junit.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(suite).write(arguments.junit, encoding="utf-8", xml_declaration=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
