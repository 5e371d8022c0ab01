"""Which commit broke a gate, and a revert of it ready to be proposed.

    python -m release culprit --good COMMIT --bad COMMIT -- COMMAND...

The first-parent line from good to bad is searched by halves. Each commit is tried in a worktree of its own by the command (build and
gate), whose exit status speaks as a gate's does: 0 good, 1 bad, anything else says nothing, and that commit is passed over. What was
tried is remembered, so that an interrupted search goes on where it stopped. Where only silent commits lie between the last good and
the first bad one, all of them are named. The checkout itself is never touched: the revert is made in a worktree, and ends as a branch.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from release.errors import NotReady, ReleaseError
from release.home import Home
from release.repository import Repository
from release.verdict import Verdict
from tools.prepare import state

VERDICT_OF_STATUS = {0: Verdict.PASSED, 1: Verdict.FAILED}
DEADLINE_S_DEFAULT = 45 * 60.0

Trial = Callable[[str], Verdict]
"""Says of a commit whether the gate passes there."""


@dataclass(frozen=True, slots=True)
class Revert:
    """A revert that was made, or why it was not."""

    branch: str = ""
    commit: str = ""
    obstacle: str = ""
    """A sentence when there is no branch: a conflict, or a branch of that name that is there already."""
    cures: Verdict | None = None
    """What the gate says of the reverted tree; None when nobody asked."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """How a search ended. `suspects` is one commit when it is known, several when silent commits hide which."""

    good: str
    bad: str
    suspects: tuple[str, ...]
    tried: dict[str, Verdict] = field(default_factory=dict)
    revert: Revert | None = None

    @property
    def commit(self) -> str | None:
        """The culprit, when it is certain."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    def predicate(self) -> dict[str, Any]:
        """The content of a `culprit/v1` statement."""
        made = self.revert
        return {
            "good": self.good,
            "bad": self.bad,
            "culprit": self.commit,
            "suspects": list(self.suspects),
            "tried": {commit: verdict.value for commit, verdict in self.tried.items()},
            "revert": None
            if made is None
            else {
                "branch": made.branch,
                "commit": made.commit,
                "obstacle": made.obstacle,
                "cures": None if made.cures is None else made.cures.value,
            },
        }


class Memory:
    """What was tried, in one file: the command is part of its name, because another question has other answers."""

    def __init__(self, directory: Path, command: Sequence[str]) -> None:
        name = hashlib.sha256("\0".join(command).encode()).hexdigest()[:16]
        self._file = directory / f"{name}.json"

    def known(self) -> dict[str, Verdict]:
        """Every verdict so far, by commit."""
        if not self._file.is_file():
            return {}
        found = json.loads(self._file.read_text(encoding="utf-8"))
        return {commit: Verdict(verdict) for commit, verdict in found.items()}

    def remember(self, commit: str, verdict: Verdict) -> None:
        """Keeps a verdict. One that says nothing is not kept: the next search may have better luck."""
        if verdict in (Verdict.PASSED, Verdict.FAILED):
            state.write_file(self._file, json.dumps({**self.known(), commit: verdict}, indent=1) + "\n")


def trial_by(repository: Repository, command: Sequence[str], memory: Memory, deadline_s: float) -> Trial:
    """A trial that runs the command in a worktree of the commit, once for each commit."""

    def tried(commit: str) -> Verdict:
        known = memory.known().get(commit)
        if known is not None:
            return known
        with repository.worktree(commit) as directory:
            verdict = _run(command, directory, commit, deadline_s)
        memory.remember(commit, verdict)
        print(f"{commit[:12]} {verdict.value}", flush=True)
        return verdict

    return tried


def _run(command: Sequence[str], directory: Path, commit: str, deadline_s: float) -> Verdict:
    environment = {**os.environ, "RELEASE_COMMIT": commit}
    try:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        return Verdict.ERRORED
    try:
        return VERDICT_OF_STATUS.get(process.wait(timeout=deadline_s), Verdict.ERRORED)
    except subprocess.TimeoutExpired:
        return Verdict.ERRORED
    finally:
        # The command's own children too: a system left running would stand in the next trial's way.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def search(commits: Sequence[str], trial: Trial) -> tuple[tuple[str, ...], dict[str, Verdict]]:
    """The suspects among `commits`, oldest first, and what was tried.

    The commit before the first is known to be good, the last one to be bad. A silent commit is passed over for its nearest neighbour.
    """
    tried: dict[str, Verdict] = {}
    last_good, first_bad = -1, len(commits) - 1
    silent: set[int] = set()
    while True:
        between = [number for number in range(last_good + 1, first_bad) if number not in silent]
        if not between:
            return tuple(commits[last_good + 1 : first_bad + 1]), tried
        middle = (last_good + first_bad) / 2
        number = min(between, key=lambda one: abs(one - middle))
        verdict = tried[commits[number]] = trial(commits[number])
        if verdict is Verdict.PASSED:
            last_good = number
        elif verdict is Verdict.FAILED:
            first_bad = number
        else:
            silent.add(number)


def find(repository: Repository, good: str, bad: str, trial: Trial) -> Culprit:
    """Searches the first-parent line. Raises NotReady when `good` does not pass or `bad` does not fail."""
    good, bad = repository.commit(good), repository.commit(bad)
    listed = repository.ask("rev-list", "--first-parent", "--reverse", f"{good}..{bad}").split()
    if not listed or not repository.is_ancestor(good, bad):
        raise NotReady(f"{good[:12]} is not before {bad[:12]}.")
    ends = {bad: trial(bad), good: trial(good)}
    if ends[bad] is not Verdict.FAILED:
        raise NotReady(f"{bad[:12]} does not fail ({ends[bad].value}), so there is no culprit to find.")
    if ends[good] is not Verdict.PASSED:
        raise NotReady(f"{good[:12]} does not pass ({ends[good].value}): what fails was there before it.")
    suspects, tried = search(listed, trial)
    return Culprit(good, bad, suspects, {**ends, **tried})


def propose_revert(repository: Repository, culprit: str, onto: str) -> Revert:
    """A commit on top of `onto` that takes the culprit back, as branch `revert/<short>`; the checkout is not touched."""
    branch = f"revert/{culprit[:12]}"
    if repository.run("show-ref", "--verify", "--quiet", f"refs/heads/{branch}").returncode == 0:
        return Revert(obstacle=f"The branch {branch} is there already.")
    merge = len(repository.ask("rev-list", "--parents", "-n", "1", culprit).split()) > 2
    with repository.worktree(onto) as directory:
        mainline = ("-m", "1") if merge else ()
        done = repository.run("revert", "--no-edit", *mainline, culprit, at=directory)
        if done.returncode != 0:
            conflicts = repository.ask("diff", "--name-only", "--diff-filter=U", at=directory).split()
            what = f"conflicts in {', '.join(conflicts)}" if conflicts else done.stderr.strip()[-300:]
            return Revert(obstacle=f"{culprit[:12]} cannot be taken back by itself: {what}.")
        commit = repository.ask("rev-parse", "HEAD", at=directory).strip()
    # Created only if it is still not there: nobody's branch is moved.
    repository.ask("update-ref", f"refs/heads/{branch}", commit, "0" * 40)
    return Revert(branch=branch, commit=commit)


def pursue(repository: Repository, good: str, bad: str, trial: Trial) -> Culprit:
    """Finds the culprit, proposes its revert, and asks the gate whether the revert cures. Raises NotReady as `find` does."""
    found = find(repository, good, bad, trial)
    if found.commit is None:
        return found
    made = propose_revert(repository, found.commit, found.bad)
    if made.commit:
        made = Revert(branch=made.branch, commit=made.commit, cures=trial(made.commit))
    return Culprit(found.good, found.bad, found.suspects, found.tried, made)


def told(found: Culprit, repository: Repository) -> list[str]:
    """The end of a search in sentences."""
    lines = [repository.ask("log", "-1", "--format=%h %an, %as: %s", commit).strip() for commit in found.suspects]
    if found.commit is None:
        return [f"One of these {len(lines)} commits, of which all but the last could not be tried:", *lines]
    told_lines = [f"culprit: {lines[0]}"]
    if found.revert is not None and found.revert.branch:
        cures = {Verdict.PASSED: "the gate passes there", Verdict.FAILED: "but the gate still fails there"}
        said = cures.get(found.revert.cures or Verdict.ERRORED, "whether it cures could not be told")
        told_lines.append(f"revert: branch {found.revert.branch}; {said}")
    elif found.revert is not None:
        told_lines.append(f"no revert: {found.revert.obstacle}")
    return told_lines


def main(argv: Sequence[str]) -> int:
    """0 when the culprit is certain, 3 when it is one of several, 2 when nothing can be said."""
    parser = argparse.ArgumentParser(
        prog="python -m release culprit", description="Finds the commit that broke a gate."
    )
    parser.add_argument("--good", required=True, help="a commit that passes: the previous release's")
    parser.add_argument("--bad", default="HEAD", help="a later one that fails")
    parser.add_argument("--deadline-s", type=float, default=DEADLINE_S_DEFAULT, help="for one commit")
    parser.add_argument("command", nargs="+", help="builds and judges; run in a worktree of each commit tried")
    asked = parser.parse_args(argv)
    repository = Repository(Path.cwd())
    try:
        memory = Memory(Home.of_checkout().path / "culprit", asked.command)
        found = pursue(repository, asked.good, asked.bad, trial_by(repository, asked.command, memory, asked.deadline_s))
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(told(found, repository)))
    return 0 if found.commit else 3
