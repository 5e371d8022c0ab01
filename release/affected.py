"""Which unit tests a change can turn red: those that import what changed, however far, and those that stand beside it.

For the inner loop alone. A test may also read a file or start a command that it does not import, so a gate always runs all.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import grimp

from release.repository import Repository

PACKAGES = ("system", "step_defs", "contracts", "perf", "release", "tools", "fixtures")
# What every test stands on.
EVERYTHING = ("requirements/dev.txt", "pyproject.toml", "conftest.py")
# What is checked otherwise: scenarios run, words are read by people.
NO_TESTS = (".md", ".feature")


def changed_files(root: Path, base: str) -> set[str]:
    """Paths that are not as they were at `base`: committed since, edited, new, or gone."""
    repository = Repository(root)
    differing = repository.ask("diff", "--name-only", "--no-renames", "-z", base)
    new = repository.ask("ls-files", "--others", "--exclude-standard", "-z")
    return {path for path in (differing + new).split("\0") if path}


def affected(root: Path, changed: Iterable[str], *, packages: Sequence[str] = PACKAGES) -> list[str] | None:
    """Test files, as paths from the root, that a change of these files can turn red; None when it can be any of them."""
    changed = set(changed)
    if changed & set(EVERYTHING):
        return None
    graph = grimp.build_graph(*packages, cache_dir=None)
    tests = {module for module in graph.modules if module.rpartition(".")[2].startswith("test_")}
    touched: set[str] = set()
    for path in changed:
        module = module_of(path)
        if path.endswith(NO_TESTS) or path.split("/")[0] not in packages:
            continue
        if path.endswith(".py") and module in graph.modules:
            touched |= {module, *graph.find_downstream_modules(module)}
        # A file that is read, or code that is gone: whoever lives in the same part may mind.
        part = part_of(path)
        touched |= (
            {test for test in tests if f"{test}.".startswith(f"{part}.")} if module not in graph.modules else set()
        )
        if PurePosixPath(path).name == "conftest.py":
            beside = module.rpartition(".")[0]
            touched |= {test for test in tests if test.startswith(f"{beside}.")}
    return sorted(file_of(root, test) for test in touched & tests)


def module_of(path: str) -> str:
    """The module of a Python file, by its path from the root."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def part_of(path: str) -> str:
    """A service for what is the system's, else the whole package: `system.mes`, `release`."""
    parts = PurePosixPath(path).parts
    return ".".join(parts[:2] if parts[0] == "system" and len(parts) > 2 else parts[:1])


def file_of(root: Path, module: str) -> str:
    """The path of a module, from the root. Raises FileNotFoundError when it has none."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise FileNotFoundError(module)
    return Path(found.origin).resolve().relative_to(root.resolve()).as_posix()
