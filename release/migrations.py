"""Gate `migrations`: what was released stays as it was, and what is new neither breaks the previous release nor blocks its work.

Every migration is rendered to the SQL it stands for, at the previous release's commit and at the candidate's.
* A released revision must stand for the same SQL as before, whether its file was edited or something that it imports: databases that
  ran it will never see the difference. Rewriting it without changing its SQL is allowed.
* New revisions are linted by squawk; the rules left out are in RULES_EXCLUDED, each with its reason. No SQL may silence it.
* Expand, then contract: a new revision may not take away, rename, narrow or demand anything of what exists, because the previous
  release still runs on this schema and must be able to come back. Once a release in production uses a thing no more, a later
  revision may take it away; it names the commit that stopped using it: `# contract: <commit>`, which production must run already.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.answer import Answer, Run, main_of
from release.errors import NotReady
from release.repository import Repository
from release.verdict import Verdict

GATE = "migrations"
RENDERING = Path(__file__).with_name("rendering.py")
SQUAWK = Path(sys.executable).with_name("squawk")
POSTGRES_VERSION = "17.0"
RULES_EXCLUDED: Mapping[str, str] = {
    "prefer-text-field": "The limits are the domain's own and belong in the schema; changing one is caught as a change of type.",
    "prefer-bigint-over-int": "Integers here count tries, versions and pieces; whatever grows with the orders is a bigint or a uuid.",
    "prefer-bigint-over-smallint": "The one smallint is the number of a hash bucket, below 1000.",
    "prefer-identity": "Only the queue library's own schema uses serial, and it is taken as its authors publish it.",
    "ban-char-field": "A currency is exactly three letters; nothing else here is a char.",
    "require-statement-timeout": "Validating or filling may rightly take long; others wait for the lock, which lock-timeout bounds.",
    "require-lock-timeout": "It asks once per file, also for tables that are new; the rule lock-timeout below asks where it matters.",
}
# What the previous release may still use. Other rules speak of locks and lost work, and no contract lifts those.
RULES_OF_EXPANSION = frozenset(
    {
        "adding-not-nullable-field",
        "adding-required-field",
        "ban-drop-column",
        "ban-drop-constraint",
        "ban-drop-database",
        "ban-drop-default",
        "ban-drop-function",
        "ban-drop-not-null",
        "ban-drop-schema",
        "ban-drop-sequence",
        "ban-drop-table",
        "ban-drop-type",
        "ban-drop-view",
        "changing-column-type",
        "disallowed-unique-constraint",
        "renaming-column",
        "renaming-object",
        "renaming-table",
    }
)
CONTRACT = re.compile(r"^\s*# contract: *(\S*)", re.MULTILINE)
SILENCER = re.compile(r"--\s*squawk-", re.IGNORECASE)
TEXTS = re.compile(r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
NAME = r'(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"?(?:public\.)?"?(\w+)'
CREATED = re.compile(rf"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+{NAME}", re.IGNORECASE)
LOCKED = re.compile(
    rf"\b(?:ALTER\s+TABLE|DROP\s+TABLE|TRUNCATE(?:\s+TABLE)?|LOCK\s+TABLE)\s+{NAME}"
    rf"|\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)[^;]*?\sON\s+{NAME}"
    rf"|\b(?:CREATE|DROP)\s+(?:CONSTRAINT\s+)?TRIGGER\s+[^;]*?\sON\s+{NAME}",
    re.IGNORECASE,
)
LOCK_TIMEOUT = re.compile(r"\bSET\s+(?:LOCAL\s+|SESSION\s+)?lock_timeout\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration of one service, and the SQL it stands for."""

    service: str
    revision: str
    path: str
    source: str
    statements: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Service and revision: what a database remembers of it."""
        return self.service, self.revision

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.service} {self.revision} ({self.path})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one revision breaks."""

    revision: Revision
    rule: str
    text: str


Revisions = Mapping[tuple[str, str], Revision]


def revisions_at(repository: Repository, commit: str) -> dict[tuple[str, str], Revision]:
    """Every migration at a commit, oldest first. Raises NotReady when one cannot be rendered."""
    with tempfile.TemporaryDirectory(prefix="migrations-") as temporary:
        tree = Path(temporary)
        repository.extract(commit, tree, "system")
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-P", str(RENDERING), str(tree)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise NotReady(f"The migrations at {commit[:12]} cannot be rendered: {last}")
    return {
        (service, one["revision"]): Revision(
            service, one["revision"], one["path"], one["source"], tuple(one["statements"])
        )
        for service, found in json.loads(done.stdout).items()
        for one in found
    }


def edited(released: Revisions, candidate: Revisions) -> list[str]:
    """A sentence for each released revision that is gone or stands for other SQL now."""
    reasons = []
    for key, before in released.items():
        after = candidate.get(key)
        if after is None:
            reasons.append(f"{before.name} was released and is gone; databases that ran it still name it.")
        elif Counter(before.statements) != Counter(after.statements):
            cause = "its file was edited" if after.source != before.source else "something that it imports changed"
            first = next(iter((Counter(after.statements) - Counter(before.statements)) or Counter(before.statements)))
            shown = " ".join(first.split())[:120]
            reasons.append(
                f"{before.name} was released and stands for other SQL now: {cause} (at: {shown}). Add a revision instead."
            )
    return reasons


def lint(service: str, revisions: Sequence[Revision]) -> list[Finding]:
    """What squawk and the rules of this module say of one service's new revisions, read as one text.

    Together, because a table that one revision creates may be filled and indexed by the next: nobody uses it yet.
    """
    # All of them run in one transaction, which a revision may leave for a while by `autocommit_block`.
    lines, text = [revisions[0]], "BEGIN;\n"
    for revision in revisions:
        part = "".join(f"{statement}\n" for statement in revision.statements)
        lines += [revision] * part.count("\n")
        text += part
    text += "COMMIT;\n"
    findings = [
        Finding(revision, "silenced", "switches squawk off in its SQL; a rule is left out for all or for none")
        for revision in revisions
        if SILENCER.search("\n".join(revision.statements)) or SILENCER.search(revision.source)
    ]
    findings += _without_lock_timeout(revisions)
    for found in _squawk(service, text):
        revision = lines[min(int(found["line"]), len(lines) - 1)]
        shown = text.splitlines()[int(found["line"])].strip()[:100]
        findings.append(Finding(revision, str(found["rule_name"]), f"{found['message']} (at: {shown})"))
    return findings


def _without_lock_timeout(revisions: Sequence[Revision]) -> list[Finding]:
    """Waiting for a lock queues everybody behind the migration, so the wait must have an end."""
    created: set[str] = set()
    findings = []
    for revision in revisions:
        plain = TEXTS.sub("''", "\n".join(revision.statements))
        created |= {name.lower() for name in CREATED.findall(plain)}
        limit = LOCK_TIMEOUT.search(plain)
        for lock in LOCKED.finditer(plain):
            table = next(name for name in lock.groups() if name).lower()
            if table not in created and (limit is None or limit.start() > lock.start()):
                text = f"locks {table}, which is in use, without an end to the wait: begin with SET LOCAL lock_timeout = '5s'"
                findings.append(Finding(revision, "lock-timeout", text))
                break
    return findings


def _squawk(service: str, text: str) -> list[dict[str, Any]]:
    """Squawk's findings, `line` from 0. Raises NotReady when it did not run or its answer cannot be read."""
    with tempfile.TemporaryDirectory(prefix="squawk-") as temporary:
        # A directory of its own: no configuration file of a checkout has a say.
        file = Path(temporary) / f"{service}.sql"
        file.write_text(text, encoding="utf-8")
        excluded = [f"--exclude={rule}" for rule in RULES_EXCLUDED]
        command = [str(SQUAWK), "--reporter=json", f"--pg-version={POSTGRES_VERSION}"]
        try:
            done = subprocess.run(
                [*command, *excluded, file.name], cwd=temporary, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise NotReady(f"squawk cannot be run: {error}.", remedy="Run: make prepare") from None
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise NotReady(f"squawk gave no answer (exit {done.returncode}): {done.stderr.strip()[-300:]}") from None
    if bool(found) != (done.returncode != 0):
        raise NotReady(f"squawk ended with {done.returncode} and {len(found)} findings.")
    return list(found)


def contract_of(revision: Revision) -> str | None:
    """The commit that a revision names as the one that stopped using what it takes away; None without the directive."""
    found = CONTRACT.search(revision.source)
    return None if found is None else found.group(1)


def contract_holds(repository: Repository, commit: str, previous: str) -> bool:
    """Whether the commit is in the release that production runs, so that nothing running uses the thing any more."""
    if not re.fullmatch(r"[0-9a-f]{7,40}", commit) or not previous:
        return False
    return repository.is_ancestor(commit, previous)


def judged(repository: Repository, released: Revisions, candidate: Revisions, previous: str) -> Answer:
    """The verdict over all services."""
    new: dict[str, list[Revision]] = {}
    for key, revision in candidate.items():
        if key not in released:
            new.setdefault(revision.service, []).append(revision)
    findings = [finding for service, revisions in new.items() for finding in lint(service, revisions)]
    lifted = [finding for finding in findings if _lifted(repository, finding, previous)]
    standing = [finding for finding in findings if finding not in lifted]
    reasons = (
        *edited(released, candidate),
        *(_sentence(finding) for finding in standing),
        *_unfounded(repository, (revision for revisions in new.values() for revision in revisions), previous),
    )
    figures = {
        "migrations_released": float(len(released)),
        "migrations_new": float(sum(len(revisions) for revisions in new.values())),
        "contract_steps": float(len({finding.revision.key for finding in lifted})),
    }
    checked = len(released.keys() | candidate.keys())
    if not checked:
        return Answer(Verdict.ERRORED, ("There is no migration at all.",), figures)
    return Answer(Verdict.FAILED if reasons else Verdict.PASSED, reasons, figures, checked)


def _lifted(repository: Repository, finding: Finding, previous: str) -> bool:
    commit = contract_of(finding.revision)
    return finding.rule in RULES_OF_EXPANSION and commit is not None and contract_holds(repository, commit, previous)


def _sentence(finding: Finding) -> str:
    hint = ""
    if finding.rule in RULES_OF_EXPANSION:
        hint = " The previous release may still use it: expand now; contract, with `# contract: <commit>`, one release later."
    return f"{finding.revision.name}: {finding.rule}: {finding.text}.{hint}"


def _unfounded(repository: Repository, revisions: Iterable[Revision], previous: str) -> list[str]:
    """A directive that names a commit which production does not run is wrong, whatever the revision does."""
    return [
        f"{revision.name} says that {commit or 'no commit'} stopped using what it takes away, which production does not run yet."
        for revision in revisions
        if (commit := contract_of(revision)) is not None and not contract_holds(repository, commit, previous)
    ]


def answer(run: Run, repo: Path) -> Answer:
    """The gate's answer for one candidate; without a previous release every migration is new. Raises NotReady."""
    repository = Repository(repo)
    released = revisions_at(repository, run.previous_commit) if run.has_previous else {}
    return judged(repository, released, revisions_at(repository, run.commit), run.previous_commit)


def main(argv: Sequence[str]) -> int:
    """`python -m release migrations`, run as a gate's command in the candidate's checkout."""
    return main_of(GATE, argv, answer, usage=__doc__)
