"""`python -m tools.static [--junit FILE]`: the checks that read the code and run nothing of it, each with its time."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
LINT_IMPORTS = str(Path(PYTHON).parent / "lint-imports")
CODE = ("system", "step_defs", "contracts", "perf", "fixtures", "tools")

CHECKS: dict[str, list[str]] = {
    "ruff": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
    "mypy": [PYTHON, "-m", "mypy", *CODE],
    "imports": [LINT_IMPORTS, "--no-cache"],
    "scenarios": [PYTHON, "-m", "step_defs.kit", "check"],
}


def main() -> int:
    """Runs every check even after one failed; the exit status says whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--junit", type=Path)
    arguments = parser.parse_args()
    suite = ET.Element("testsuite", name="static")
    failed = 0
    for name, command in CHECKS.items():
        started = time.monotonic()
        outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        elapsed_s = time.monotonic() - started
        case = ET.SubElement(suite, "testcase", classname="static", name=name, time=f"{elapsed_s:.2f}")
        print(f"{'ok    ' if outcome.returncode == 0 else 'FAILED'} {name} ({elapsed_s:.1f} s)", flush=True)
        if outcome.returncode != 0:
            failed += 1
            said = outcome.stdout + outcome.stderr
            print(said, flush=True)
            ET.SubElement(case, "failure", message=f"{name} failed").text = said[-20_000:]
    suite.set("tests", str(len(CHECKS)))
    suite.set("failures", str(failed))
    if arguments.junit:
        arguments.junit.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(suite).write(arguments.junit, encoding="utf-8", xml_declaration=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
