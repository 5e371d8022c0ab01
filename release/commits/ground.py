"""Where commits are tried: a clone of this checkout with its own pins, in which production runs the untouched commit.

What is the machine's and no commit's (the virtual environment, packages, tools) is shared with this checkout by links; what
would change it is refused. Every command runs in the clone, with the clone's own code: a commit is judged by the pipeline it carries.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from release.build import candidate_of
from release.candidate import Candidate
from release.commits.commit import Commit
from release.errors import NotReady
from release.home import VARIABLE as HOME_VARIABLE
from release.home import Home
from release.ledger import Ledger, select
from release.pins import REMOTE_VARIABLE, Pin, Pins
from release.policy import ENVIRONMENTS
from release.repository import IDENTITY, Repository
from release.statement import CandidateBuilt
from tools.prepare import state, topology

BASE = "base"
# Told to every command of a trial: a commit that was made changes the very texts that the table of commits asks for, so the tests of
# the table look at the commit that the trials start from.
BASE_VARIABLE = "RELEASE_TRIAL_BASE"
LINKED = (".venv", "node_modules")
STAMPS = ("venv", "node", "site-packages")
# Files that say what the shared tools are; another content would make a trial install into what this checkout uses.
LOCKS = ("requirements/dev.txt", "package-lock.json", "requirements/system.txt")
SAID_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and the end of what it printed."""

    status: int
    end: str
    log: Path


@dataclass(frozen=True)
class Ground:
    """The clone. `base` is the commit that all trials start from."""

    directory: Path
    home: Home
    base: str
    project: str

    @property
    def repository(self) -> Repository:
        """The clone's."""
        return Repository(self.directory)

    @property
    def ledger(self) -> Ledger:
        """What was said of every commit tried with this home."""
        return Ledger(self.home)

    def run(self, name: str, *command: str) -> Said:
        """`python -m COMMAND` in the clone; its output goes to a file that is kept."""
        log = self.home.path / "trials" / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stream:
            status = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=self.directory,
                env=self._environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - SAID_BYTES))
            return Said(status, stream.read().decode(errors="replace").strip(), log)

    def check_out_base(self) -> str:
        """The untouched commit."""
        self.repository.ask("checkout", "--quiet", "--force", "--detach", self.base)
        self.repository.ask("clean", "--quiet", "--force", "-d")
        return self.base

    def check_out(self, commit: Commit) -> str:
        """The commit made on top of the base, on a branch of its own. The same change is the same commit, however often.

        Raises OutOfDate, and NotReady when it would change what is shared with this checkout.
        """
        self.check_out_base()
        commit.apply(self.directory)
        if commit.freezes_contracts:
            said = self.run(f"{commit.name}-freeze", "contracts.freeze")
            if said.status != 0:
                raise NotReady(f"The contracts of {commit.name} cannot be frozen: {said.end[-300:]}")
        _require_shared(self.directory)
        return _committed(self.repository, f"trial/{commit.name}", commit.says)

    def built(self, commit: str, name: str) -> Candidate | Said:
        """The candidate of the commit that is checked out; what was said when it cannot be built."""
        said = self.run(f"{name}-build", "release", "build")
        found = [
            candidate_of(entry.digest, built)
            for entry, built in select(self.ledger.read(), CandidateBuilt)
            if built.commit == commit
        ]
        return found[-1] if said.status == 0 and found else said

    def release_base(self) -> Candidate:
        """Builds the base and pins it as what production runs, so that gates compare with it. Raises NotReady."""
        built = self.built(self.check_out_base(), BASE)
        if isinstance(built, Said):
            raise NotReady(f"The untouched commit cannot be built: {built.end[-500:]}")
        production = ENVIRONMENTS[-1]
        pins = Pins(self.directory, remote="")
        pin = Pin.first(production, built, ledger=self.ledger.head(), at=datetime.now(UTC), by="trials")
        pins.write(pin, after=pins.read(production), why="what the trials are compared with")
        return built

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in given.items()
            if name not in (REMOTE_VARIABLE, "PYTHONPATH") and not name.startswith(("GIT_", "RELEASE_PREVIOUS_"))
        }
        return kept | {
            HOME_VARIABLE: str(self.home.path),
            topology.PROJECT_VARIABLE: self.project,
            BASE_VARIABLE: self.base,
            # A checkout within a second of another would be served the other's compiled files.
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@contextlib.contextmanager
def ground(home: Home, *, root: Path = state.ROOT, with_uncommitted: bool = False) -> Iterator[Ground]:
    """A clone of the checkout's HEAD, removed afterwards; with `with_uncommitted`, of the tree as it is now.

    Raises NotReady when the checkout's tools are not as its locks say: a trial would install into them.
    """
    home.work.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="trial-", dir=home.work)) / "checkout"
    try:
        Repository(root).ask("clone", "--quiet", "--shared", "--no-tags", "--no-checkout", str(root), str(directory))
        repository = Repository(directory)
        base = Repository(root).commit("HEAD")
        repository.ask("checkout", "--quiet", "--detach", base)
        # The patterns of .gitignore name directories, and these are links.
        exclude = directory / ".git" / "info" / "exclude"
        exclude.write_text("".join(f"/{name}\n" for name in (*LINKED, state.STATE.name)), encoding="utf-8")
        if with_uncommitted:
            _copy_tree(root, directory)
            base = _committed(repository, f"trial/{BASE}", "The tree as it is")
        _share(root, directory)
        project = os.environ.get(topology.PROJECT_VARIABLE) or f"{topology.project_name()}-trial"
        yield Ground(directory, home, base, project)
    finally:
        shutil.rmtree(directory.parent, ignore_errors=True)


def _share(root: Path, directory: Path) -> None:
    for name in LINKED:
        if (root / name).exists():
            (directory / name).symlink_to((root / name).resolve())
    theirs, ours = root / state.STATE.name, directory / state.STATE.name
    (ours / "stamps").mkdir(parents=True)
    for name in STAMPS:
        if (theirs / "stamps" / name).is_file():
            shutil.copy2(theirs / "stamps" / name, ours / "stamps" / name)
    if (theirs / "site-packages").is_dir():
        (ours / "site-packages").symlink_to((theirs / "site-packages").resolve())
    for name in LOCKS:
        if (root / name).read_bytes() != (directory / name).read_bytes():
            raise NotReady(f"{name} differs from the commit's, so the tools here are not the commit's.")
    _require_shared(directory)


def _require_shared(directory: Path) -> None:
    """Raises NotReady when preparing this tree would change the virtual environment or the packages it shares."""
    stamp = directory / state.STATE.name / "stamps"
    dev, node, _ = (directory / name for name in LOCKS)
    for name, files in {"venv": [dev], "node": [node, dev]}.items():
        known = (stamp / name).read_text(encoding="utf-8") if (stamp / name).is_file() else ""
        if known != state.digest_of_files(files, relative_to=directory):
            raise NotReady(
                f"The tools of this checkout ({name}) are not what the commit locks.", remedy="Run: make prepare"
            )


def _copy_tree(root: Path, directory: Path) -> None:
    """Makes the clone's tree that of the checkout: what git has there or would take, and nothing else."""
    listed = Repository(root).ask("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    wanted = {name for name in listed.split("\0") if name and (root / name).is_file()}
    for name in Repository(directory).ask("ls-files", "-z").split("\0"):
        if name and name not in wanted:
            (directory / name).unlink()
    for name in wanted:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, directory / name, follow_symlinks=False)


def _committed(repository: Repository, branch: str, message: str) -> str:
    """Everything as one commit on a branch, dated like the commit below it, so that the same content is the same commit."""
    parent = repository.commit("HEAD")
    repository.ask("add", "--all")
    tree = repository.ask("write-tree").strip()
    moment = repository.ask("log", "-1", "--format=%ct").strip()
    who = f"{IDENTITY['GIT_AUTHOR_NAME']} <{IDENTITY['GIT_AUTHOR_EMAIL']}> {moment} +0000"
    text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{message}\n"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".commit") as file:
        file.write(text)
        file.flush()
        made = repository.ask("hash-object", "-t", "commit", "-w", file.name).strip()
    repository.ask("checkout", "--quiet", "-B", branch, made)
    return made
