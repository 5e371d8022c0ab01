"""The virtual environment of the judges and tools, and the packages that go into our image. Both from hashed locks."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from tools.prepare import packages, shell, state
from tools.prepare.failure import Failure

REQUIREMENTS = state.ROOT / "requirements"
DEVELOPMENT_LOCK = REQUIREMENTS / "dev.txt"
SYSTEM_LOCK = REQUIREMENTS / "system.txt"
VERSION = "3.11"
# The C library of the image's Debian release; wheels that need a newer one would not load there.
IMAGE_PLATFORM = "manylinux_2_36"


def _interpreter() -> str:
    """A Python 3.11 on this machine. Raises Failure when there is none: the locks are made for it."""
    candidates = [sys.executable, shutil.which(f"python{VERSION}"), "/usr/bin/python3"]
    for candidate in candidates:
        question = "import sys; print('%d.%d' % sys.version_info[:2])"
        if candidate and shell.answer([candidate, "-c", question]) == VERSION:
            return candidate
    raise Failure(f"Python {VERSION} is missing.", remedy=f"Install python{VERSION} (Debian 12 has it as python3).")


def _venv_is_whole() -> bool:
    """True when the environment's Python and pip answer; false for none and for one that a kill left half made."""
    return state.PYTHON.exists() and shell.answer([str(state.PYTHON), "-m", "pip", "--version"]) is not None


def _create_venv() -> None:
    interpreter = _interpreter()
    if shell.answer([interpreter, "-c", "import ensurepip, venv"]) is None:
        packages.require(f"python{VERSION}-venv", why="Python's venv module is incomplete")
    shutil.rmtree(state.VENV, ignore_errors=True)
    shell.run([interpreter, "-m", "venv", str(state.VENV)], log="venv-create")


def _locked(name: str, lock: Path) -> str:
    """The lines of one package in a hashed lock."""
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.startswith(f"{name}==")), None)
    if start is None:
        raise Failure(f"{lock.name} does not lock {name}.", remedy="Run: make lock")
    end = start + 1
    while end < len(lines) and lines[end][:1].isspace():
        end += 1
    return "".join(lines[start:end])


def ensure_venv() -> str:
    """`.venv` with everything of requirements/dev.txt. Returns what was done."""
    wanted = state.digest_of_files([DEVELOPMENT_LOCK])
    if state.PYTHON.exists() and state.stamp_is("venv", wanted):
        return "as locked"
    if not _venv_is_whole():
        _create_venv()
    with tempfile.TemporaryDirectory(dir=state.STATE, prefix="lock-") as temporary:
        first = Path(temporary) / "uv.txt"
        first.write_text(_locked("uv", DEVELOPMENT_LOCK), encoding="utf-8")
        _pip(["-r", str(first)], log="venv-uv")
    _install(["-r", str(DEVELOPMENT_LOCK)], log="venv")
    _remove_strangers()
    state.set_stamp("venv", wanted)
    return "installed"


def ensure_node_packages() -> str:
    """`node_modules` as package-lock.json has it; the Node that fetches them comes with the virtual environment."""
    lock = state.ROOT / "package-lock.json"
    wanted = state.digest_of_files([lock, DEVELOPMENT_LOCK])
    if (state.ROOT / "node_modules").is_dir() and state.stamp_is("node", wanted):
        return "as locked"
    npm = state.VENV / "bin" / "npm"
    # No package's own script runs: what we use is read, never executed at install.
    shell.run([str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(state.ROOT)], log="node")
    state.set_stamp("node", wanted)
    return "installed"


def _remove_strangers() -> None:
    """Removes what the lock does not name: a package installed by hand would hide that the lock lacks it."""
    uv = state.VENV / "bin" / "uv"
    with contextlib.suppress(Failure):
        # With everything installed by now, this only removes; a machine whose index uv cannot read merely keeps strangers.
        command = [str(uv), "pip", "sync", "--offline", "--python", str(state.PYTHON), "--require-hashes"]
        shell.run([*command, str(DEVELOPMENT_LOCK)], log="venv-sync")


def ensure_site_packages() -> str:
    """`.alexandrite/site-packages`: the packages of our image, for its Python and C library. Returns what was done."""
    wanted = state.digest_of_text(state.digest_of_files([SYSTEM_LOCK]), VERSION, IMAGE_PLATFORM, platform.machine())
    if state.SITE_PACKAGES.is_dir() and state.stamp_is("site-packages", wanted):
        return "as locked"
    state.clear_stamp("site-packages")
    new = state.SITE_PACKAGES.with_name("site-packages.new")
    shutil.rmtree(new, ignore_errors=True)
    _install(
        ["--target", str(new), "--python-version", VERSION, "--only-binary", ":all:", "-r", str(SYSTEM_LOCK)],
        log="site-packages",
        uv_only=["--python-platform", f"{platform.machine()}-{IMAGE_PLATFORM}"],
        # pip knows no platform without the exact tags; without one it takes this machine's wheels.
    )
    # The packages' own tests: a tenth of the image, run by nobody.
    for tests in [path for package in ("numpy", "scipy") for path in (new / package).rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)
    state.replace_directory(new, state.SITE_PACKAGES)
    state.set_stamp("site-packages", wanted)
    return "installed"


def _pip(arguments: list[str], *, log: str) -> None:
    shell.run(
        [str(state.PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", *arguments],
        log=log,
        environment={"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        remedy=f"Check that this machine reaches a Python package index; see .alexandrite/logs/{log}.log.",
    )


def _install(arguments: list[str], *, log: str, uv_only: list[str] | None = None) -> None:
    """Installs with uv, ten times faster; with pip where uv fails, because only pip reads pip's configuration."""
    uv = state.VENV / "bin" / "uv"
    try:
        shell.run(
            [
                str(uv),
                "pip",
                "install",
                "--python",
                str(state.PYTHON),
                "--require-hashes",
                *arguments,
                *(uv_only or []),
            ],
            log=log,
            # Copies, not links into a cache: the tree is hard-linked into build contexts and must belong to us alone.
            environment={"UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy"), "UV_NO_PROGRESS": "1"},
        )
    except Failure:
        _pip(arguments, log=f"{log}-pip")
