"""Where a checkout keeps its state, and how it is written so that a kill at any moment leaves either the old or the new."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".alexandrite"
SECRETS = STATE / "secrets"
TLS = STATE / "tls"
STAMPS = STATE / "stamps"
LOGS = STATE / "logs"
REPORTS = STATE / "reports"
SITE_PACKAGES = STATE / "site-packages"
PORTS_FILE = STATE / "ports.env"
# What a killed step leaves: their names go on with a hyphen and something random.
WORKING_DIRECTORIES = ("base", "build", "lock", "plugins")
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one running system has its secrets, certificates and ports: `.alexandrite` for `make up` and the tests, a directory
    of its own for each environment that this checkout deploys to."""

    directory: Path

    @property
    def secrets(self) -> Path:
        """One directory per holder."""
        return self.directory / "secrets"

    @property
    def tls(self) -> Path:
        """The development authority, and the gateway's certificate below it."""
        return self.directory / "tls"

    @property
    def ports_file(self) -> Path:
        """The host ports of the last start."""
        return self.directory / "ports.env"

    def make(self) -> None:
        """Creates the directories; those with secrets can be entered by their owner only."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for directory in (self.secrets, self.tls):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)


def own_place() -> Place:
    """The place of the checkout itself."""
    return Place(STATE)


def make_directories() -> None:
    """Creates the state directories of the checkout."""
    for directory in (STATE, STAMPS, LOGS, REPORTS):
        directory.mkdir(parents=True, exist_ok=True)
    own_place().make()


def remove_leftovers() -> None:
    """Removes the working directories of runs that were killed. Only for the holder of the checkout's lock."""
    for prefix in WORKING_DIRECTORIES:
        for leftover in STATE.glob(f"{prefix}-*"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)


def write_file(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Writes `text` under a temporary name and renames it, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(temporary, mode)
    os.replace(temporary, path)


def replace_directory(new: Path, final: Path) -> None:
    """Puts the finished directory `new` in the place of `final`; what was there before is removed afterwards."""
    old = final.with_name(f"{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    new.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def digest_of_text(*parts: str) -> str:
    """Hex SHA-256 of the parts, each closed by a zero byte so that moving a border changes it."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() + b"\0")
    return sha.hexdigest()


def digest_of_files(paths: Iterable[Path], *, relative_to: Path = ROOT) -> str:
    """Hex SHA-256 over the names and contents of files, in the order of their names. Times and modes do not count."""
    sha = hashlib.sha256()
    for path in sorted(set(paths)):
        name = path.relative_to(relative_to) if path.is_relative_to(relative_to) else Path(path.name)
        sha.update(str(name).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def stamp_is(name: str, digest: str) -> bool:
    """True when step `name` finished with exactly these inputs."""
    path = STAMPS / name
    return path.is_file() and path.read_text(encoding="utf-8") == digest


def set_stamp(name: str, digest: str) -> None:
    """Remembers that step `name` finished with these inputs; called last, because a killed step must be repeated."""
    write_file(STAMPS / name, digest)


def clear_stamp(name: str) -> None:
    """Forgets that step `name` was done."""
    (STAMPS / name).unlink(missing_ok=True)
