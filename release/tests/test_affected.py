"""Which unit tests a change touches, in a small tree of packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from release import affected as subject
from release import quick
from release.affected import affected, changed_files, part_of
from tools.prepare import state

FILES = {
    "affectedyard/__init__.py": "",
    "affectedyard/core.py": "VALUE = 1\n",
    "affectedyard/gate.py": "from affectedyard import core\n",
    "affectedyard/page.html": "<p>",
    "affectedyard/tests/__init__.py": "",
    "affectedyard/tests/conftest.py": "",
    "affectedyard/tests/test_core.py": "from affectedyard.core import VALUE\n",
    "affectedyard/tests/test_gate.py": "import affectedyard.gate\n",
    "affectedshop/__init__.py": "",
    "affectedshop/tests/__init__.py": "",
    "affectedshop/tests/test_far.py": "import affectedyard.gate\n",
    "affectedshop/tests/test_alone.py": "",
    "docs/readme.md": "",
}
PACKAGES = ("affectedyard", "affectedshop")
CORE, GATE = "affectedyard/tests/test_core.py", "affectedyard/tests/test_gate.py"
FAR, ALONE = "affectedshop/tests/test_far.py", "affectedshop/tests/test_alone.py"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        (["affectedyard/core.py"], [FAR, CORE, GATE]),
        (["affectedyard/gate.py"], [FAR, GATE]),
        ([CORE], [CORE]),
        (["affectedyard/page.html"], [CORE, GATE]),
        (["affectedyard/gone.py"], [CORE, GATE]),
        (["affectedyard/tests/conftest.py"], [CORE, GATE]),
        (["docs/readme.md", "affectedshop/NOTES.md", "Makefile"], []),
        ([], []),
    ],
)
def test_what_imports_it_and_what_stands_beside_it(root: Path, changed: list[str], tests: list[str]) -> None:
    assert affected(root, changed, packages=PACKAGES) == tests


@pytest.mark.parametrize("path", subject.EVERYTHING)
def test_what_all_stand_on_touches_all(root: Path, path: str) -> None:
    assert affected(root, [path, "affectedyard/core.py"], packages=PACKAGES) is None


def test_a_part_is_a_service_or_a_whole_package() -> None:
    assert part_of("system/mes/entrypoints/templates/board.html") == "system.mes"
    assert (part_of("release/gates.toml"), part_of("system/README.md")) == ("release", "system")


def test_committed_edited_new_and_removed_files_are_changed(root: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "all")
    (root / "affectedyard" / "core.py").write_text("VALUE = 2\n")
    git("commit", "--quiet", "--all", "-m", "another value")
    (root / "affectedyard" / "gate.py").write_text("")
    (root / "affectedshop" / "new.py").write_text("")
    (root / CORE).unlink()
    assert changed_files(root, "HEAD~1") == {
        "affectedyard/core.py",
        "affectedyard/gate.py",
        "affectedshop/new.py",
        CORE,
    }


def test_the_command_of_the_unit_tests_is_narrowed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["python", "-m", "pytest", "affectedyard", "affectedshop/tests", "-m", "not live", "-n", "2"]
    monkeypatch.setattr(quick, "changed_files", lambda root, base: {"affectedyard/gate.py"})
    monkeypatch.setattr(quick, "affected", lambda root, changed: [FAR, GATE, "elsewhere/tests/test_x.py"])
    monkeypatch.setattr(state, "REPORTS", root)
    narrowed = quick.narrowed(command, root, "b" * 40)
    assert narrowed == ["python", "-m", "pytest", f"@{root / 'quick-unit.txt'}", "-m", "not live", "-n", "2"]
    assert (root / "quick-unit.txt").read_text().split() == [FAR, GATE]
    monkeypatch.setattr(quick, "affected", lambda root, changed: None)
    assert quick.narrowed(command, root, "b" * 40) == command
    monkeypatch.setattr(quick, "affected", lambda root, changed: [])
    assert quick.narrowed(command, root, "b" * 40) == []


def test_the_rules_of_a_service_touch_its_tests_and_not_the_pipelines() -> None:
    found = affected(state.ROOT, ["system/mes/domain/rules.py"])
    assert found is not None and "system/mes/tests/unit/test_rules_in_memory.py" in found
    assert not [path for path in found if path.startswith(("release/", "perf/"))]
