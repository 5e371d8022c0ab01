"""Eleven weeks of a pipeline, made up: releases, rollbacks, a bad candidate, a broken gate, a waiver, one on its way into production.

`write(path)` makes git repository, ledger, blobs and pins; `python -m release.tests.chronicle DIR` renders its pages, to be looked at.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from release import complaints, policy, signing, statement
from release.candidate import Candidate, Release
from release.home import Home
from release.ledger import Ledger
from release.pages.facts import Facts, Sources, gather
from release.pages.site import Site
from release.pins import Pin, Pins
from release.pipeline import DECLARATION, DEPENDS_ON
from release.policy import Gate
from release.repository import Repository
from release.results import GateResult
from release.statement import CandidateBuilt, Drift, Outcome, Predicate, Promotion, Superseded, Waiver
from release.verdict import Verdict

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
PRODUCTION = ("judge", "infrastructure", "expand", "baseline", "start", "smoke", "synthetic")
SHARES = (5, 25, 50, 100)
SECONDS = {"static": 41, "unit": 139, "integration": 214, "scenarios": 618, "contracts": 618, "performance": 702}
FIGURES: dict[str, dict[str, float]] = {
    "performance": {"p95_ratio": 1.041, "p95_spread": 0.062, "errors": 0.0, "orders_per_s": 11.4},
    "complaints": {"complaints": 14, "complaints_fully_specified": 6},
    "red-first": {"scenarios_new": 3, "scenarios_red_before": 3},
}
PACKAGES = (
    ("aio-pika", "10.2.0", "Apache-2.0"),
    ("fastapi", "0.141.0", "MIT"),
    ("numpy", "2.5.1", "BSD-3-Clause"),
    ("pydantic", "2.14.2", "MIT"),
    ("sqlalchemy", "2.1.3", "MIT"),
    ("uvicorn", "0.49.0", "BSD-3-Clause"),
)


@dataclass
class Chronicle:
    """The made-up pipeline, with what the tests ask of it."""

    path: Path
    repository: Path
    home: Home
    policy: policy.Policy
    ledger: Ledger
    pins: Pins

    def __post_init__(self) -> None:
        self.key = signing.pipeline_key(self.home)
        self.person = signing.new_person_key(self.home, "vera")
        self._facts: dict[tuple[datetime, int], Facts] = {}

    @classmethod
    def at(cls, path: Path) -> Chronicle:
        """An empty one."""
        repository = path / "repository"
        repository.mkdir(parents=True)
        home = Home(path / "release")
        home.path.mkdir()
        _git(repository, "init", "--quiet", "--initial-branch=main")
        declared = policy.load(DECLARATION, depends_on=DEPENDS_ON)
        return cls(path, repository, home, declared, Ledger(home), Pins(repository, remote=""))

    def commit(self, subject: str, at: datetime) -> str:
        """A commit on main."""
        moment = at.isoformat()
        _git(self.repository, "commit", "--quiet", "--allow-empty", "--message", subject, moment=moment)
        return _git(self.repository, "rev-parse", "HEAD")

    def say(self, said: Predicate, digest: str) -> None:
        """One entry by the pipeline, or by the person when it is a waiver."""
        self.ledger.append(said.TYPE, digest, said, self.person if isinstance(said, Waiver) else self.key)

    def build(self, subject: str, at: datetime) -> Candidate:
        """Commits and records a candidate of it."""
        commit = self.commit(subject, at)
        digest = "sha256:" + hashlib.sha256(commit.encode()).hexdigest()
        sbom = self.ledger.blobs.put(_sbom(digest))
        built_at = at + timedelta(minutes=4)
        image = f"127.0.0.1:5000/alexandrite/system@{digest}"
        said = CandidateBuilt(
            commit=commit, image=image, built_at=built_at, sbom=sbom, materials={"system": "alexandrite/system:41fd2a"}
        )
        self.say(said, digest)
        return Candidate(digest, commit, image, built_at, sbom)

    def ask(
        self,
        candidate: Candidate,
        gate: str,
        at: datetime,
        *,
        verdict: Verdict = Verdict.PASSED,
        reasons: tuple[str, ...] = (),
        previous: Candidate | None = None,
    ) -> None:
        """A gate's evidence, with raw reports that agree with it."""
        declared = self.policy.gate(gate)
        raw = {
            name: self.ledger.blobs.put(content) for name, content in _raw(declared, candidate.digest, verdict).items()
        }
        executed = declared.tests_min + 3
        result = GateResult(
            gate=gate,
            verdict=verdict,
            reasons=reasons,
            started=at - timedelta(seconds=SECONDS.get(gate, 30)),
            finished=at,
            command=self.policy.run_of(gate).command,
            exit_status={Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 3}.get(verdict, 2),
            passed=executed - 1 if verdict is Verdict.FAILED else executed,
            failed=1 if verdict is Verdict.FAILED else 0,
            checked=executed,
            figures=FIGURES.get(gate, {}),
            raw=raw,
            tools={"python": "3.11.2", "pytest": "9.1.1"},
        )
        inputs = {"sbom": candidate.sbom, "previous": previous.digest if previous else "none"}
        self.say(statement.evidence_of(result, candidate, self.policy, inputs), candidate.digest)

    def ask_all(
        self,
        candidate: Candidate,
        at: datetime,
        *,
        previous: Candidate,
        but: Sequence[str] = (),
        until: str = "production",
    ) -> datetime:
        """Every gate needed for `until`, passed, except some. Returns when the last one ended."""
        for gate in self.policy.needed_for(until):
            if gate.name not in but:
                at += timedelta(seconds=SECONDS.get(gate.name, 30))
                self.ask(candidate, gate.name, at, previous=previous)
        return at

    def step(
        self, environment: str, candidate: Candidate, origin: Candidate | None, step: str, at: datetime,
        *, share: int = 0, outcome: Outcome = Outcome.DONE, why: str = "done", seconds: float = 4.0,
    ) -> datetime:  # fmt: skip
        """One line of a promotion."""
        since = (at - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
        said = Promotion.model_validate(
            {
                "environment": environment,
                "from": origin.digest if origin else None,
                "to": candidate.digest,
                "step": step,
                "share": share,
                "outcome": outcome,
                "why": f"{why} (since {since}, {seconds:.1f} s)",
                "at": at,
            }
        )
        self.say(said, candidate.digest)
        return at

    def promote(
        self, environment: str, candidate: Candidate, origin: Candidate | None, at: datetime, *, until: str = "settle"
    ) -> datetime:
        """Steps up to and with `until`, all done."""
        shares = SHARES if environment == "production" else (100,)
        steps = [*(PRODUCTION if environment == "production" else ("judge", "start", "smoke"))]
        for name in [*steps, *(f"share {share}" for share in shares), "settle"]:
            share = int(name.split()[1]) if name.startswith("share") else 100 if name == "settle" else 0
            seconds = 61.0 if share and environment == "production" and name != "settle" else 5.0
            at = self.step(
                environment, candidate, origin, name, at + timedelta(seconds=seconds), share=share, seconds=seconds
            )
            if name == until:
                break
        return at

    def pin(self, pin: Pin, why: str) -> None:
        """Writes a pin after whatever is pinned."""
        self.pins.write(pin, after=self.pins.read(pin.environment), why=why)

    def facts(self, now: datetime = NOW) -> Facts:
        """Everything that the pages show; read again only when the ledger was changed."""
        written = self.home.ledger.stat().st_mtime_ns if self.home.ledger.exists() else 0
        if (now, written) not in self._facts:
            sources = Sources(self.policy, Ledger(self.home), self.pins, Repository(self.repository), now)
            self._facts[(now, written)] = gather(sources)
        return self._facts[(now, written)]

    def pages(self, now: datetime = NOW) -> Path:
        """Renders, and returns the directory."""
        figures = self.path / "figures"
        figures.mkdir(exist_ok=True)
        text = "1000 orders, every component killed once: 0 lost, 0 transitions doubled, reconciliation empty\n"
        (figures / "perf.losses.txt").write_text(text, encoding="utf-8")
        Site(self.path / "pages", self.facts(now)).write(figures)
        return self.path / "pages"


def write(path: Path) -> Chronicle:
    """The whole story."""
    story = Chronicle.at(path)
    running = _old_weeks(story)
    running = _current(story, running)
    _troubled(story, running)
    return story


def _old_weeks(story: Chronicle) -> Candidate:
    """Releases of the weeks before, without the evidence of their gates: that is kept as long, but makes no better story."""
    subjects = (
        "Operators see who claimed a work order", "Quotes are firm for 24 hours", "A partner repeats an order safely",
        "The board pages by cursor", "Replay shows what it would do", "Webhooks are signed", "Prices show their parts",
        "Sellers search by telephone number", "Uploads resume", "Estimates bind within 5 %",
    )  # fmt: skip
    running: Candidate | None = None
    for number, subject in enumerate(subjects):
        at = NOW - timedelta(days=78 - 8 * number + number % 3, hours=number)
        story.commit(f"{subject}: the rule alone", at - timedelta(hours=3 + number))
        candidate = story.build(subject, at)
        until = "share 25" if number == 4 else "settle"
        at = story.promote("production", candidate, running, at + timedelta(minutes=39), until=until)
        if number == 4:
            why = "At 25 % in production: FAILED: p95 of the candidate 412 ms, of the stable one 151 ms"
            story.step(
                "production",
                candidate,
                running,
                "share 50",
                at + timedelta(seconds=31),
                outcome=Outcome.ROLLED_BACK,
                why=why,
            )
            continue
        if number == 7:
            why = "anna: sellers cannot open orders from before May"
            later = at + timedelta(hours=2, minutes=11)
            story.step(
                "production", candidate, running, "rollback", later, outcome=Outcome.ROLLED_BACK, why=why, seconds=0.4
            )
            continue
        running = candidate
    assert running is not None
    return running


def _current(story: Chronicle, before: Candidate) -> Candidate:
    """What production runs: every gate passed, every environment entered, eleven hours ago."""
    at = NOW - timedelta(hours=11)
    story.commit("A rejected model names the broken wall", at - timedelta(hours=1, minutes=20))
    candidate = story.build("A model that cannot be made is refused with its reason", at)
    at = story.ask_all(candidate, candidate.built_at, previous=before, until="dev")
    at = story.promote("dev", candidate, before, at)
    at = story.ask_all(
        candidate, at, previous=before, but=[gate.name for gate in story.policy.needed_for("dev")], until="production"
    )
    at = story.promote("release", candidate, before, at)
    at = story.promote("production", candidate, before, at)
    story.step("production", candidate, before, "guard", at + timedelta(hours=1), share=100, why="the keep time passed")
    for name in ("dev", "release", "production"):
        story.pin(_first(story, name, candidate, at), "promoted")
    return candidate


def _troubled(story: Chronicle, running: Candidate) -> None:
    """The candidates of the last hours: bad, superseded, on its way with a waiver, and one whose gate broke."""
    bad = story.build("Claims are decided by the cache", NOW - timedelta(hours=8))
    story.ask_all(bad, bad.built_at, previous=running, but=["scenarios", "red-first"], until="dev")
    reason = (
        "Два оператора берут один заказ — платят только первому: both were paid (features/making/claiming.feature)."
    )
    story.ask(bad, "scenarios", bad.built_at + timedelta(minutes=20), verdict=Verdict.FAILED, reasons=(reason,))

    caught = story.build("The relay batches its confirms", NOW - timedelta(hours=6))
    at = story.ask_all(caught, caught.built_at, previous=running)
    for name in ("dev", "release"):
        at = story.promote(name, caught, running, at)
    at = story.promote("production", caught, running, at, until="start")
    why = "smoke in production: FAILED: A customer's own model becomes a ring at the customer's door: no price within 30 s."
    story.step(
        "production",
        caught,
        running,
        "smoke",
        at + timedelta(seconds=40),
        outcome=Outcome.ROLLED_BACK,
        why=why,
        seconds=40,
    )

    skipped = story.build("Spelling on the partner pages", NOW - timedelta(hours=4))
    coming = story.build("Partners read their own limits", NOW - timedelta(hours=3, minutes=30))
    superseded = Superseded(
        environment="dev", by=coming.digest, why="a newer commit came while it waited", at=coming.built_at
    )
    story.say(superseded, skipped.digest)
    at = story.ask_all(coming, coming.built_at, previous=running, but=["performance"])
    noise = (
        "p95 1.09 of the previous release's, and two equal releases differed by up to 1.12: the machine was too noisy."
    )
    story.ask(coming, "performance", at, verdict=Verdict.INCONCLUSIVE, reasons=(noise,), previous=running)
    story.say(
        Waiver(
            gate="performance", owner="vera", reason="Measured by hand on the quiet machine: 1.01.",
            at=at, expires_at=at + timedelta(days=2),
        ),
        coming.digest,
    )  # fmt: skip
    for name in ("dev", "release"):
        at = story.promote(name, coming, running, at)
        story.pin(_first(story, name, coming, at), "promoted")
    at = story.promote("production", coming, running, at, until="share 25")
    pinned = story.pins.read("production")
    assert pinned is not None
    pin = pinned.pin.with_candidate(coming, share=25, ledger=story.ledger.head(), at=at, by="ship")
    story.pin(dataclasses.replace(pin), "share 25 %")
    story.say(
        Drift(
            environment="dev",
            what="container",
            expected="12 services in blue",
            found="shop is gone",
            mended=False,
            at=at,
        ),
        coming.digest,
    )

    newest = story.build("Prices in the constructor follow the metal", NOW - timedelta(minutes=40))
    for number, gate in enumerate(("static", "unit", "integration")):
        story.ask(newest, gate, newest.built_at + timedelta(minutes=2 + 3 * number), previous=running)
    broke = "The command was killed after its budget of 180 s: squawk did not answer."
    story.ask(newest, "migrations", NOW - timedelta(minutes=3), verdict=Verdict.ERRORED, reasons=(broke,))


def _first(story: Chronicle, name: str, candidate: Candidate, at: datetime) -> Pin:
    release = Release(candidate.digest, candidate.commit, candidate.image)
    return Pin.first(name, release, ledger=story.ledger.head(), at=at, by="ship")


def _raw(gate: Gate, digest: str, verdict: Verdict) -> dict[str, bytes]:
    """Reports as the gate's command leaves them; a verdict other than PASSED is only told, because nobody reads on."""
    executed = gate.tests_min + 3
    if gate.reads == "verdict":
        said = {"gate": gate.name, "digest": digest, "verdict": verdict, "reasons": [], "checked": executed}
        return {"verdict.json": json.dumps(said).encode(), "output.txt": b"compared, and said so\n"}
    raw = {"output.txt": f"{executed} passed\n".encode()}
    for report in gate.reports:
        case = f'<testcase classname="{gate.name}" name="one"/>'
        raw[report] = (
            f'<?xml version="1.0"?><testsuites><testsuite name="{gate.name}">{case}</testsuite></testsuites>'.encode()
        )
        counts = {"collected": 1, "executed": 1, "set_up_failed": 0, "reported": 1, "deselected": 0, "mismatches": []}
        raw[report.replace(".xml", ".counts.json")] = json.dumps(counts).encode()
    if gate.name == "scenarios":
        raw["parallel/messages.ndjson"] = messages()
    return raw


def messages() -> bytes:
    """Every scenario of the board as its run leaves it: those of partners and of limits only proposed, the others passed."""
    rows, _ = complaints.read(complaints.FILE.read_text(encoding="utf-8"))
    lines: list[dict[str, object]] = []
    for number, node in enumerate(sorted({node for row in rows for node in row.scenarios})):
        file, _, name = node.partition("::")
        proposed = file.endswith(("partnering/orders.feature", "board.feature", "releases.feature"))
        pickle = {"id": f"p{number}", "uri": file, "name": name, "tags": [{"name": "@proposed"}] if proposed else []}
        status = "PENDING" if proposed else "PASSED"
        lines += [
            {"pickle": pickle},
            {"testCase": {"id": f"c{number}", "pickleId": f"p{number}"}},
            {"testCaseStarted": {"id": f"r{number}", "testCaseId": f"c{number}"}},
            {"testStepFinished": {"testCaseStartedId": f"r{number}", "testStepResult": {"status": status}}},
            {"testCaseFinished": {"testCaseStartedId": f"r{number}"}},
        ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _sbom(digest: str) -> bytes:
    components = [
        {"type": "library", "name": name, "version": version, "licenses": [{"license": {"id": licence}}]}
        for name, version, licence in PACKAGES
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"digest": digest},
        "components": components,
    }
    return json.dumps(document).encode()


def _git(repository: Path, *arguments: str, moment: str = "2030-01-01T00:00:00+00:00") -> str:
    person = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Vera"), ("EMAIL", "vera@alexandrite.example"), ("DATE", moment))
    }
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        env={**os.environ, **person, **plain},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    print(write(Path(sys.argv[1])).pages().joinpath("index.html").absolute().as_uri())
