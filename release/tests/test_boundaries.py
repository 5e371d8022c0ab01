"""The import rules of the pipeline, each broken once in a tree of their own."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ("importlinter:contract:pipeline-outside", "importlinter:contract:pipeline-unknown")
PACKAGES = ("system", "step_defs", "contracts", "perf", "release")
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def linted(tree: Path) -> tuple[int, str]:
    """Exit status and output of the linter, with this checkout's contracts, over a small tree."""
    declared = configparser.ConfigParser()
    declared.read(ROOT / ".importlinter")
    for section in declared.sections():
        if section.startswith("importlinter:contract:") and section not in CONTRACTS:
            declared.remove_section(section)
    assert set(PACKAGES) <= set(declared["importlinter"]["root_packages"].split())
    assert set(CONTRACTS) <= set(declared.sections())
    with (tree / ".importlinter").open("w") as file:
        declared.write(file)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(LINT_IMPORTS), "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "counting.py").write_text("")
    return tmp_path


def test_a_sound_tree_keeps_them(tree: Path) -> None:
    status, said = linted(tree)
    assert status == 0, said


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        *(("release", judged) for judged in ("system", "step_defs", "contracts", "perf")),
        *((judged, "release") for judged in ("system", "step_defs", "contracts", "perf")),
        ("step_defs", "release.counting"),
    ],
)
def test_a_violation_is_noticed(tree: Path, importer: str, imported: str) -> None:
    (tree / importer / "bad.py").write_text(f"import {imported}\n")
    status, said = linted(tree)
    assert status == 1
    assert "BROKEN" in said
