"""Gate `compatibility`: whoever was written against the previous release's contracts is still understood, and understands.

The unit tests and the gate `contracts` hold the code to the contracts that are frozen in its own tree. This gate holds the frozen
contracts to those that production published: otherwise a breaking change needs only `make contracts` to look well. It reads both
from git, and asks in the direction in which each document travels (release/contract_changes.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from release.answer import NO_PREVIOUS, Answer, Run, main_of
from release.contract_changes import Break, api_breaks, message_breaks
from release.errors import NotReady
from release.repository import Repository
from release.verdict import Verdict

GATE = "compatibility"
APIS = "contracts/openapi"
MESSAGES = "contracts/messages"
REASONS_MAX = 40


@dataclass(frozen=True, slots=True)
class Published:
    """The contracts of one commit, by the name of the service or message."""

    apis: Mapping[str, Any]
    messages: Mapping[str, Any]
    consumers: Mapping[str, Sequence[str]]

    @property
    def names(self) -> set[str]:
        """Everything that is promised."""
        return {*self.apis, *self.messages}


def published_at(repository: Repository, commit: str) -> Published:
    """Raises NotReady when a contract cannot be read."""
    apis, messages, consumers = {}, {}, {}
    try:
        for path in repository.files(commit, APIS):
            apis[Path(path).name.removesuffix(".json")] = json.loads(repository.text(commit, path))
        for path in repository.files(commit, MESSAGES):
            name = Path(path).parts[2]
            if path.endswith("/schema.json"):
                messages[name] = json.loads(repository.text(commit, path))
            if path.endswith("/contract.yaml"):
                consumers[name] = list(yaml.safe_load(repository.text(commit, path)).get("consumers", []))
    except (ValueError, yaml.YAMLError, AttributeError) as error:
        raise NotReady(f"A contract at {commit[:12]} cannot be read: {error}") from error
    return Published(apis, messages, consumers)


def breaks(before: Published, after: Published, today: date) -> list[Break]:
    """Every promise of `before` that `after` does not keep."""
    found: list[Break] = []
    for name, document in before.apis.items():
        if name not in after.apis:
            found.append(Break(name, "the whole contract is gone"))
            continue
        found += api_breaks(name, document, after.apis[name], today)
    for name, schema in before.messages.items():
        found += message_breaks(name, schema, after.messages.get(name), before.consumers.get(name, ()), today)
    return found


def judged(before: Published, after: Published, today: date) -> Answer:
    """The verdict over all contracts."""
    if not before.names:
        return Answer(Verdict.ERRORED, ("The previous release published no contract at all.",))
    found = breaks(before, after, today)
    figures = {
        "contracts_compared": float(len(before.names)),
        "contracts_new": float(len(after.names - before.names)),
        "promises_broken": float(len(found)),
    }
    reasons = [str(one) for one in found[:REASONS_MAX]]
    if len(found) > REASONS_MAX:
        reasons.append(f"And {len(found) - REASONS_MAX} more.")
    if found:
        reasons.append("Add beside what there is, or publish a new version and keep this one until nobody uses it.")
    return Answer(Verdict.FAILED if found else Verdict.PASSED, tuple(reasons), figures, len(before.names))


def answer(run: Run, repo: Path) -> Answer:
    """The gate's answer for one candidate. Raises NotReady."""
    if not run.has_previous:
        return NO_PREVIOUS
    repository = Repository(repo)
    today = datetime.now(UTC).date()
    return judged(published_at(repository, run.previous_commit), published_at(repository, run.commit), today)


def main(argv: Sequence[str]) -> int:
    """`python -m release compatibility`, run as a gate's command in the candidate's checkout."""
    return main_of(GATE, argv, answer, usage=__doc__)
