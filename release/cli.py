"""`python -m release COMMAND`: everything that people and workflows ask of the pipeline. Decisions are made here, never in YAML.

Exit status: 0 done or PASSED, 1 FAILED or refused, 2 a mistake in the command or a broken gate, 3 INCONCLUSIVE.
"""

from __future__ import annotations

import argparse
import getpass
import importlib
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from release import build, signing, waivers
from release.answer import EXIT_STATUS
from release.errors import PolicyInvalid, PromotionRefused, ReleaseError
from release.pipeline import Pipeline
from release.policy import ENVIRONMENTS
from release.verdict import Verdict, worst
from release.why import why as story
from tools.prepare.failure import Failure

# Commands that a gate runs, or that read their own arguments: name to module.
OWN = {
    "red-first": "release.red_first",
    "old-on-new": "release.old_on_new",
    "migrations": "release.migrations",
    "compatibility": "release.compatibility",
    "complaints": "release.complaints",
    "culprit": "release.culprit",
    "quick": "release.quick",
    "pages": "release.pages.main",
    "drill": "release.drills",
    "flag": "release.flags",
}


def _build(_: argparse.Namespace) -> int:
    """build the checked-out commit: one image, one digest, its bill of materials"""
    pipeline = Pipeline.of_checkout()
    candidate = build.build(pipeline.home, pipeline.root)
    print(candidate.digest)
    return 0


def _gate(asked: argparse.Namespace) -> int:
    """run gates of the checked-out commit's candidate and record what they find"""
    pipeline = Pipeline.of_checkout()
    candidate = build.build(pipeline.home, pipeline.root)
    found: list[Verdict] = []
    for run_name in pipeline.runs_of(pipeline.policy.gate(name) for name in asked.names):
        for result in pipeline.run(run_name, candidate):
            print(f"{result.gate}: {result.verdict} ({result.elapsed_s:.1f} s) {'; '.join(result.reasons)}", flush=True)
            if result.gate in asked.names:
                found.append(result.verdict)
    return EXIT_STATUS[worst(found)]


def _judge(asked: argparse.Namespace) -> int:
    """whether a candidate may enter an environment, gate by gate"""
    pipeline = Pipeline.of_checkout()
    judgement = pipeline.judge(pipeline.candidate(asked.digest), asked.environment)
    for finding in judgement.findings:
        waived = f" (waived by {finding.waiver.owner}: {finding.waiver.reason})" if finding.waiver else ""
        print(f"{finding.gate:<14} {finding.verdict:<12} {'; '.join(finding.reasons)}{waived}")
    print(f"{asked.environment}: {judgement.verdict} {' '.join(judgement.reasons)}")
    return EXIT_STATUS[judgement.verdict]


def _promote(asked: argparse.Namespace) -> int:
    """bring a candidate into an environment, if its gates say so"""
    from release import deployed

    pipeline = Pipeline.of_checkout()
    promoted = deployed.promote(pipeline, asked.environment, pipeline.candidate(asked.digest), by=asked.by)
    for step, seconds in promoted.seconds.items():
        print(f"{step:<16} {seconds:6.1f} s")
    return 0


def _ship(asked: argparse.Namespace) -> int:
    """take the checked-out commit through every gate to production"""
    from release import ship

    pipeline = Pipeline.of_checkout()
    shipped = ship.ship(pipeline, to=asked.to, by=asked.by, first_release_by=asked.first_release_by)
    print(f"\n{_story(pipeline, shipped.candidate.digest)}\n")
    return 0 if shipped.environment == asked.to or shipped.superseded_by else 1


def _why(asked: argparse.Namespace) -> int:
    """where a candidate is, what stopped it, and what to do next"""
    pipeline = Pipeline.of_checkout()
    print(_story(pipeline, pipeline.candidate(asked.digest).digest))
    return 0


def _story(pipeline: Pipeline, digest: str) -> str:
    pins = {name: release.digest if release else None for name, release in pipeline.pinned().items()}
    return story(pipeline.policy, pipeline.ledger, digest, pins, datetime.now(UTC), anchors=pipeline.anchors())


def _status(_: argparse.Namespace) -> int:
    """what each environment runs"""
    pipeline = Pipeline.of_checkout()
    for name in ENVIRONMENTS:
        pinned = pipeline.pins.read(name)
        if pinned is None:
            print(f"{name:<11} nothing yet")
            continue
        pin = pinned.pin
        share = f", {pin.share} % to {pin.candidate.short}" if pin.candidate else ""
        print(f"{name:<11} {pin.release.digest} of {pin.release.commit[:12]} since {pin.at:%Y-%m-%d %H:%M} UTC{share}")
    return 0


def _rollback(asked: argparse.Namespace) -> int:
    """bring the release before back, now"""
    from release import deployed

    deployed.rollback(Pipeline.of_checkout(), asked.environment, by=asked.by, why=asked.why)
    return 0


def _guard(asked: argparse.Namespace) -> int:
    """watch a fresh release for its keep time and roll it back on a breach"""
    from release import deployed

    return 1 if deployed.guard(Pipeline.of_checkout(), asked.environment) else 0


def _smoke(asked: argparse.Namespace) -> int:
    """ask the candidate that runs in an environment what customers do first, as a gate's command"""
    from release import deployed

    result = deployed.smoke(Pipeline.of_checkout(), asked.environment, Path(asked.out))
    print(f"{result.gate}: {result.verdict} {'; '.join(result.reasons)}")
    return EXIT_STATUS[result.verdict]


def _agent(asked: argparse.Namespace) -> int:
    """make an environment what is pinned for it; report and mend drift"""
    from release import deployed

    deployed.agent(Pipeline.of_checkout(), asked.environment, once=asked.once)
    return 0


def _remove(asked: argparse.Namespace) -> int:
    """remove an environment with its data; its pin and the ledger stay"""
    from release import deployed

    deployed.remove(Pipeline.of_checkout(), asked.environment)
    return 0


def _waive(asked: argparse.Namespace) -> int:
    """sign a waiver: this gate, this candidate, this owner, this reason, so long; `first-release` for all that compare"""
    pipeline = Pipeline.of_checkout()
    key = signing.person_key(pipeline.home, asked.owner)
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=asked.days)
    digest = pipeline.candidate(asked.digest).digest
    if asked.gate == "first-release":
        entries = waivers.waive_first_release(
            pipeline.ledger, pipeline.policy, key, pipeline.previous(),
            digest=digest, reason=asked.reason, expires_at=expires_at, now=now,
        )  # fmt: skip
    else:
        entries = (
            waivers.sign_waiver(
                pipeline.ledger, pipeline.policy, key,
                gate=asked.gate, digest=digest, reason=asked.reason, expires_at=expires_at, now=now,
            ),
        )  # fmt: skip
    print(f"{len(entries)} waivers signed by {asked.owner}, until {expires_at:%Y-%m-%d %H:%M} UTC")
    return 0


def _keys(asked: argparse.Namespace) -> int:
    """make a signing key for a person who may waive"""
    pipeline = Pipeline.of_checkout()
    key = signing.new_person_key(pipeline.home, asked.owner)
    print(f"{asked.owner}: {key.keyid}")
    return 0


def _ledger(asked: argparse.Namespace) -> int:
    """verify the ledger, or repair one whose last append was interrupted"""
    pipeline = Pipeline.of_checkout()
    if asked.what == "repair":
        pipeline.ledger.repair(signing.pipeline_key(pipeline.home), datetime.now(UTC))
    entries = pipeline.ledger.read()
    for anchor in pipeline.anchors():
        pipeline.ledger.verify_anchor(anchor)
    print(f"{len(entries)} entries, each signed and in its place; head {pipeline.ledger.head()}")
    return 0


Command = Callable[[argparse.Namespace], int]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m release", description=__doc__, epilog=f"also: {', '.join(OWN)} (each with --help)"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, command: Command) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=command.__doc__)
        sub.set_defaults(run=command)
        return sub

    add("build", _build)
    add("gate", _gate).add_argument("names", nargs="+")
    add("status", _status)
    add("why", _why).add_argument("digest")
    ship = add("ship", _ship)
    ship.add_argument("--to", choices=ENVIRONMENTS, default=ENVIRONMENTS[-1])
    ship.add_argument("--first-release-by", metavar="OWNER", help="who vouches for a release without a previous one")
    promote = add("promote", _promote)
    rollback = add("rollback", _rollback)
    agent = add("agent", _agent)
    judge = add("judge", _judge)
    smoke = add("smoke", _smoke)
    for sub in (judge, promote, rollback, agent, smoke, add("guard", _guard), add("remove", _remove)):
        sub.add_argument("environment", choices=ENVIRONMENTS)
    for sub in (judge, promote):
        sub.add_argument("digest")
    smoke.add_argument("out", help="where its report goes")
    for sub in (ship, promote, rollback):
        sub.add_argument("--by", default=getpass.getuser(), help="who asks; kept in the ledger")
    rollback.add_argument("--why", required=True, help="kept in the ledger")
    agent.add_argument("--once", action="store_true", help="apply and end, instead of watching")
    waive = add("waive", _waive)
    waive.add_argument("gate", help="a gate's name, or first-release")
    waive.add_argument("digest")
    waive.add_argument("--owner", required=True)
    waive.add_argument("--reason", required=True)
    waive.add_argument("--days", type=float, default=7)
    add("keys", _keys).add_argument("owner")
    add("ledger", _ledger).add_argument("what", choices=("verify", "repair"))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """One sentence and its remedy instead of a traceback, for whatever a person can mend."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in OWN:
            own = importlib.import_module(OWN[given[0]])
            return int(own.main(given[1:]))
        asked = _parser().parse_args(given)
        run: Command = asked.run
        return run(asked)
    except PromotionRefused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return EXIT_STATUS[Verdict.FAILED]
    except (ReleaseError, PolicyInvalid, Failure) as failure:
        print(f"release: {failure}", file=sys.stderr)
        return EXIT_STATUS[Verdict.ERRORED]
    except KeyboardInterrupt:
        return 130
