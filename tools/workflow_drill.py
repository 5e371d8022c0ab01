"""The pipeline's own drill: main.yml run for real, in a clone with a home, pins and environments of its own.

python -m tools.workflow_drill                 first release, a good commit, a bad commit; then everything is removed
python -m tools.workflow_drill --keep --only good   one part again, in what was kept (--at DIRECTORY)

first   the first commit reaches production, with a person who vouches for what cannot be compared
good    a harmless commit reaches production, untouched by anybody
bad     a commit that takes a guard away is stopped, and production runs on as it did
five    five commits pushed back to back, the first bad, the last with all ten harmless ones of release/commits in it: each is
        verified or superseded, and the last one arrives
breach  ten releases that are bad on purpose get customers in production: how soon everybody is back on the stable one

Each part asserts what the pins and the ledger say afterwards, never the log. It takes as long as shipping does, five times.
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

from release.commits import harmless
from tools.prepare.failure import Failure
from tools.prove import SWITCHES, Switch
from tools.workflows import ROOT, Ran, Runner

ENVIRONMENTS = ("dev", "release", "production")
WORKFLOW = "main.yml"
OWNER = "drill"
FIVE = 5
BUILT_WITHIN_S = 300
POLL_S = 2.0
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

    def ship_beside(self, commit: str) -> subprocess.Popen[bytes]:
        """`make ship` of a commit in a checkout of its own, as each push has one; not waited for."""
        checkout = self.directory / f"checkout-{commit[:12]}"
        _git(self.directory, "clone", "--quiet", "--no-hardlinks", str(self.clone), str(checkout))
        _git(checkout, "checkout", "--quiet", "--detach", commit)
        with (self.directory / f"{commit[:12]}.log").open("wb") as log:
            return subprocess.Popen(
                ["make", "ship"], cwd=checkout, env={**os.environ, **self.machine},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def until_built(self, commit: str) -> None:
        """Returns when the commit is a candidate. Raises Failure when it does not become one."""
        deadline = time.monotonic() + BUILT_WITHIN_S
        while not any(one["predicate"]["commit"] == commit for one in _of(self.said(), "candidate/v1")):
            _expect(time.monotonic() < deadline, f"{commit[:12]} is no candidate after {BUILT_WITHIN_S} s")
            time.sleep(POLL_S)

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


def five_commits(drill: Drill, switch: Switch = BAD) -> None:
    """Every commit of five is accounted for: stopped by a gate, superseded by a newer one, or promoted; one digest everywhere."""
    commits, pushed = [], []
    for number in range(FIVE):
        text = (drill.clone / switch.file).read_text(encoding="utf-8")
        changed = (
            text.replace(switch.present, switch.absent) if number == 0 else text.replace(switch.absent, switch.present)
        )
        (drill.clone / switch.file).write_text(changed, encoding="utf-8")
        if number == FIVE - 1:
            add_harmless(drill)
        commits.append(drill.commit(f"Commit {number + 1} of {FIVE}, back to back"))
        pushed.append(drill.ship_beside(commits[-1]))
        # The next one is pushed when this one waits or works: commits that arrive in one second have no order.
        drill.until_built(commits[-1])
    statuses = [process.wait() for process in pushed]
    _expect(statuses[0] != 0 and statuses[-1] == 0, f"the five ended with {statuses}")
    _expect_everywhere(drill, commits[-1])
    said = drill.said()
    digests = [_digest_of(said, commit) for commit in commits]
    fates = [_fate(said, digest) for digest in digests]
    print(f"five commits: {', '.join(fates)}", flush=True)
    _expect(fates[0].startswith("FAILED") and fates[-1] == "in production", f"their fates are {fates}")
    _expect(
        all(fate in ("superseded", "in production") for fate in fates[1:]), f"somebody is not accounted for: {fates}"
    )
    entered = {_subject(one) for one in _of(said, "promotion/v1")} & set(digests)
    # One of those between may have had its turn before the next was there: then it went all the way, and is no stray.
    arrived = {digest for digest, fate in zip(digests, fates, strict=True) if fate == "in production"}
    _expect(entered == arrived, f"on their way into environments were {entered}, and in production arrived {arrived}")


def add_harmless(drill: Drill) -> None:
    """Makes the changes of every harmless commit in the clone, as their authors would: with the contracts frozen again."""
    for commit in harmless.COMMITS:
        if not commit.is_in(drill.clone):
            commit.apply(drill.clone)
    subprocess.run([sys.executable, "-m", "contracts.freeze"], cwd=drill.clone, check=True, stdout=subprocess.DEVNULL)


def _fate(said: Sequence[Mapping[str, Any]], digest: str) -> str:
    mine = [one for one in said if _subject(one) == digest]
    if any(
        one["predicate"]["environment"] == "production" and _step(one) == ("settle", "done")
        for one in _of(mine, "promotion/v1")
    ):
        return "in production"
    if _of(mine, "superseded/v1"):
        return "superseded"
    failed = [str(one["predicate"]["gate"]) for one in mine if one["predicate"].get("verdict") == "FAILED"]
    return f"FAILED by {', '.join(failed)}" if failed else "nobody knows"


def breach(drill: Drill, times: int = 10) -> None:
    """All customers are back on the stable release within the bar, and no order is lost or doubled."""
    # It builds the bad ones in the clone itself, which act left as it was: workflows run in copies.
    subprocess.run(["make", "prepare"], cwd=drill.clone, env={**os.environ, **drill.machine}, check=True)
    print(drill.release("drill", "rollback", "--times", str(times)), flush=True)


PARTS = {"first": first_release, "good": good_commit, "bad": bad_commit, "five": five_commits, "breach": breach}


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
    parser.add_argument("--at", type=Path, help="its directory: a new one, or one that an earlier drill kept")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    asked = parser.parse_args(arguments)
    drill = Drill(asked.at or Path(tempfile.mkdtemp(prefix="drill-")))
    drill.directory.mkdir(parents=True, exist_ok=True)
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
