"""The pipeline's own drill: main.yml run for real, in a clone with a home, pins and environments of its own.

python -m tools.workflow_drill                 first release, a good commit, a bad commit; then everything is removed
python -m tools.workflow_drill --keep --only good   one part again, in what was kept (--at DIRECTORY)

first   the first commit reaches production, with a person who vouches for what cannot be compared
good    a harmless commit reaches production, untouched by anybody
bad     a commit that takes a guard away is stopped, and production runs on as it did

Each part asserts what the pins and the ledger say afterwards, never the log. It takes as long as shipping does, three times.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.prepare.failure import Failure
from tools.prove import SWITCHES, Switch
from tools.workflows import ROOT, Ran, Runner

ENVIRONMENTS = ("dev", "release", "production")
WORKFLOW = "main.yml"
OWNER = "drill"
# Unit tests notice it, so the drill is short; what only customers would notice is the business of `release drill`.
BAD = next(switch for switch in SWITCHES if switch.guard == "role check")
IDENTITY = ("-c", "user.name=Drill", "-c", "user.email=drill@alexandrite.example", "-c", "commit.gpgSign=false")


@dataclass(frozen=True)
class Drill:
    """One clone with everything that a machine of ours holds, below one directory."""

    directory: Path
    source: Path = ROOT

    @property
    def clone(self) -> Path:
        """Where commits are made; also the remote of the pins."""
        return self.directory / "clone"

    @property
    def home(self) -> Path:
        """RELEASE_HOME."""
        return self.directory / "home"

    @property
    def machine(self) -> dict[str, str]:
        """What main.yml reads from the repository's `vars`: the machine's home, pins and project."""
        return {
            "RELEASE_HOME": str(self.home),
            "RELEASE_PINS_REMOTE": str(self.clone),
            "ALEXANDRITE_PROJECT": f"drill-{self.directory.name[-8:].lower()}",
        }

    def prepare(self) -> None:
        """Clones the committed state of the source."""
        _git(self.directory, "clone", "--quiet", "--no-hardlinks", str(self.source), str(self.clone))
        _git(self.clone, "checkout", "--quiet", "-B", "main")
        self.home.mkdir(exist_ok=True)

    def commit(self, subject: str) -> str:
        """Commits whatever was changed, or nothing; returns the commit."""
        _git(self.clone, "add", "--all")
        _git(self.clone, "commit", "--quiet", "--allow-empty", "--message", subject)
        return self.head()

    def head(self) -> str:
        """The clone's commit."""
        return _git(self.clone, "rev-parse", "HEAD")

    def push(self, *, first: bool = False) -> Ran:
        """What a push to main starts. The guard of the hour after is another machine's job, and is not waited for."""
        environment = {"FIRST": OWNER} if first else {}
        runner = Runner(self.clone, self.directory / "artifacts", self.machine, environment)
        return runner.run(WORKFLOW, job="ship")

    def pinned(self) -> dict[str, str | None]:
        """The commit that each environment should run."""
        return {name: self._pin(name) for name in ENVIRONMENTS}

    def _pin(self, name: str) -> str | None:
        found = subprocess.run(
            ["git", "-C", str(self.clone), "show", f"environments:{name}.json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return str(json.loads(found.stdout)["commit"]) if found.returncode == 0 else None

    def said(self) -> list[dict[str, Any]]:
        """Every statement of the ledger; whether they are true is `release ledger verify`'s business, which is asked too."""
        self.release("ledger", "verify")
        lines = (self.home / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
        return [_statement(line) for line in lines]

    def release(self, *words: str) -> str:
        """A command of the pipeline, in the clone. Raises Failure when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "release", *words],
            cwd=self.clone, env={**os.environ, **self.machine}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"`release {' '.join(words)}` failed: {done.stderr.strip()[-500:]}", remedy="See above.")
        return done.stdout

    def remove(self) -> None:
        """Every environment with its data, then the directory."""
        for name in ENVIRONMENTS:
            if (self.home / "environments" / name).is_dir():
                self.release("remove", name)
        shutil.rmtree(self.directory)


def first_release(drill: Drill) -> None:
    """The first commit reaches production with a person's waivers, and the ledger names that person."""
    if not (drill.home / "keys" / "people" / f"{OWNER}.pem").exists():
        drill.release("keys", OWNER)
    ran = drill.push(first=True)
    _expect(ran.status == 0, f"the first release ended with status {ran.status}")
    _expect_everywhere(drill, drill.head())
    owners = {one["predicate"]["owner"] for one in _of(drill.said(), "waiver/v1")}
    _expect(owners == {OWNER}, f"the waivers are signed by {sorted(owners)}")


def good_commit(drill: Drill) -> None:
    """A harmless commit reaches production, and nobody waived anything for it."""
    commit = drill.commit("A harmless change, to see it arrive")
    ran = drill.push()
    _expect(ran.status == 0, f"shipping a good commit ended with status {ran.status}")
    _expect_everywhere(drill, commit)
    said = drill.said()
    digest = _digest_of(said, commit)
    _expect(not [one for one in _of(said, "waiver/v1") if _subject(one) == digest], "somebody waived for it")
    settled = [
        one
        for one in _of(said, "promotion/v1")
        if _subject(one) == digest
        and one["predicate"]["environment"] == "production"
        and _step(one) == ("settle", "done")
    ]
    _expect(len(settled) == 1, f"it settled in production {len(settled)} times")


def bad_commit(drill: Drill, switch: Switch = BAD) -> None:
    """A commit without a guard is stopped with FAILED, and no environment changes."""
    before = drill.pinned()
    path = drill.clone / switch.file
    text = path.read_text(encoding="utf-8")
    _expect(text.count(switch.present) == 1, f"the patch of {switch.file} is out of date")
    path.write_text(text.replace(switch.present, switch.absent), encoding="utf-8")
    commit = drill.commit(f"Without the {switch.guard}")
    ran = drill.push()
    _expect(ran.status != 0, "a bad commit was shipped")
    _expect(drill.pinned() == before, f"environments changed: {before} became {drill.pinned()}")
    said = drill.said()
    digest = _digest_of(said, commit)
    failed = [
        one["predicate"]["gate"]
        for one in said
        if one["predicate"].get("verdict") == "FAILED" and _subject(one) == digest and "gate" in one["predicate"]
    ]
    _expect(bool(failed), "no gate says FAILED of it: it was stopped by something else")
    moved = [one for one in _of(said, "promotion/v1") if _subject(one) == digest]
    _expect(not moved, f"it was on its way into {[one['predicate']['environment'] for one in moved]}")
    print(f"stopped by {', '.join(failed)}")
    # The next commit is good again.
    path.write_text(text, encoding="utf-8")
    drill.commit(f"Revert: without the {switch.guard}")


PARTS = {"first": first_release, "good": good_commit, "bad": bad_commit}


def _expect_everywhere(drill: Drill, commit: str) -> None:
    pinned = drill.pinned()
    _expect(set(pinned.values()) == {commit}, f"{commit[:12]} should run everywhere, and pinned is {pinned}")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failure(f"The drill failed: {otherwise}.", remedy="Its directory was kept: look at the log above.")


def _statement(line: str) -> dict[str, Any]:
    envelope = json.loads(line)
    statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return statement


def _of(said: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [one for one in said if str(one["predicateType"]).endswith(kind)]


def _subject(statement: Mapping[str, Any]) -> str:
    return str(statement["subject"][0]["digest"]["sha256"])


def _step(statement: Mapping[str, Any]) -> tuple[str, str]:
    return statement["predicate"]["step"], statement["predicate"]["outcome"]


def _digest_of(said: Sequence[Mapping[str, Any]], commit: str) -> str:
    found = [_subject(one) for one in _of(said, "candidate/v1") if one["predicate"]["commit"] == commit]
    _expect(bool(found), f"no candidate of {commit[:12]} was built")
    return found[-1]


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"git {arguments[0]} failed: {done.stderr.strip()}", remedy="See above.")
    return done.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every part held."""
    parser = argparse.ArgumentParser(prog="python -m tools.workflow_drill", description=__doc__)
    parser.add_argument("--at", type=Path, help="a directory that an earlier drill kept")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    asked = parser.parse_args(arguments)
    drill = Drill(asked.at or Path(tempfile.mkdtemp(prefix="drill-")))
    print(f"drill in {drill.directory}", flush=True)
    try:
        if not drill.clone.exists():
            drill.prepare()
        for name in asked.only or PARTS:
            begun = time.monotonic()
            PARTS[name](drill)
            print(f"{name}: held, {(time.monotonic() - begun) / 60:.1f} min", flush=True)
        if not asked.keep:
            drill.remove()
    except Failure as failure:
        print(f"drill: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
