"""The import rules of the pages, each broken once in a tree of its own."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
CONTRACTS = ("importlinter:contract:pages-are-entrypoints", "importlinter:contract:foundations")
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with every module that the two contracts name, all of them empty."""
    declared = configparser.ConfigParser()
    declared.read(ROOT / ".importlinter")
    for section in declared.sections():
        if section.startswith("importlinter:contract:") and section not in CONTRACTS:
            declared.remove_section(section)
    declared["importlinter"]["root_packages"] = "\nsystem"
    named = " ".join(declared[contract][key] for contract in CONTRACTS for key in declared[contract])
    for module in {word for word in named.replace("|", " ").split() if word.startswith("system.")}:
        directory = tmp_path.joinpath(*module.split("."))
        directory.mkdir(parents=True, exist_ok=True)
    for directory in [tmp_path / "system", *(path for path in (tmp_path / "system").rglob("*") if path.is_dir())]:
        (directory / "__init__.py").write_text("")
    with (tmp_path / ".importlinter").open("w") as file:
        declared.write(file)
    return tmp_path


def linted(tree: Path) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(LINT_IMPORTS), "--no-cache"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_sound_tree_keeps_them(tree: Path) -> None:
    (tree / "system" / "mes" / "pages.py").write_text("import system.pagekit\n")
    status, said = linted(tree)
    assert status == 0, said


@pytest.mark.parametrize("importer", ["mes/domain", "mes/application", "mes/adapters", "identity/domain", "plumbing"])
def test_a_violation_is_noticed(tree: Path, importer: str) -> None:
    (tree / "system" / importer / "bad.py").write_text("import system.pagekit\n")
    status, said = linted(tree)
    assert status == 1 and "BROKEN" in said
