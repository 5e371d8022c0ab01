"""What runs in an environment: the infrastructure once, the services in two slots of one compose project each.

    infrastructure_up(environment)                  databases, broker, storage, gateway, monitoring
    run_jobs(environment, release)                  its migrations and declarations, expanding only
    start_slot(environment, "green", release)       returns when every service is healthy
    stop_slot(environment, "blue")                  waits for what is being answered, then SIGTERM

Each returns the seconds it took and raises DeploymentFailed when it cannot. When to call them is the agent's business.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from release import registry, routes, targets
from release.candidate import DIGEST, Release
from release.environments import DEPLOY, SLOTS, Environment
from release.errors import DeploymentFailed, NotReady
from release.targets import PROCESSES
from tools.prepare import engine, shell, topology

INFRASTRUCTURE = (
    "postgres",
    "backup",
    "rabbitmq",
    "redis",
    "s3",
    "mailbox",
    "traefik",
    "prometheus",
    "alertmanager",
    "postgres-exporter",
    "redis-exporter",
    "node-exporter",
)
ENVIRONMENT_FILE = DEPLOY / "compose.environment.yaml"
SLOT_FILE = DEPLOY / "compose.slot.yaml"
JOBS = ("migrate", "declare")
SEED = "seed"
# Where the jobs' work lies. Each volume says itself for which releases it was prepared: one that is lost, or put back from a
# backup, then says the truth about itself.
PREPARED = {"postgres": "/var/lib/postgresql", "rabbitmq": "/var/lib/rabbitmq", "s3": "/data"}
PREPARED_FILE = ".prepared-for"
ASK_TIMEOUT_S = 60
START_TIMEOUT_S = 180
JOB_TIMEOUT_S = 300
STOP_TIMEOUT_S = 15
# With the data gone there is nothing to finish in peace.
REMOVE_TIMEOUT_S = 2
COMPOSE_TIMEOUT_S = 400
LOG_LINES_KEPT = 5000
LOGS_KEPT = 20


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One container as the engine describes it."""

    state: str
    """running, exited, created, restarting ..."""
    health: str
    """healthy, unhealthy, starting; empty where nobody checks."""
    image: str
    """As it was started: repository@digest for a release."""

    @property
    def runs(self) -> bool:
        """True when the process is there, well or not."""
        return self.state == "running"

    @property
    def is_well(self) -> bool:
        """True when it runs and its health check succeeds."""
        return self.runs and self.health in ("healthy", "")

    @property
    def is_sick(self) -> bool:
        """True when it runs and its health check fails; nobody asks a process that is gone."""
        return self.runs and self.health == "unhealthy"

    @property
    def digest(self) -> str:
        """The digest it was started by; empty when it was started by a name."""
        return self.image.partition("@")[2]


@dataclass(frozen=True, slots=True)
class SlotState:
    """The services of one slot, by name; those that have no container are not there."""

    slot: str
    services: Mapping[str, ServiceState] = field(default_factory=dict)

    def missing(self, release: Release) -> list[str]:
        """What does not run, is still starting, or runs something else than `release`."""
        return [
            name
            for name in PROCESSES
            if name not in self.services
            or not self.services[name].runs
            or self.services[name].health == "starting"
            or self.services[name].image != release.image
        ]

    def is_up(self, release: Release) -> bool:
        """True when every service of `release` runs and has been healthy."""
        return not self.missing(release)

    @property
    def is_absent(self) -> bool:
        """True when no container is left of it."""
        return not self.services

    @property
    def digest(self) -> str | None:
        """The one digest that all its services were started by; None when there is none, or more than one."""
        digests = {service.digest for service in self.services.values()}
        return digests.pop() or None if len(digests) == 1 else None

    @property
    def unwell(self) -> dict[str, str]:
        """Services that are not well, each with the engine's words."""
        return {
            name: f"{service.state} {service.health}".strip()
            for name, service in self.services.items()
            if not service.is_well
        }


# -- looking --------------------------------------------------------------------------------------------------------


def containers(environment: Environment) -> dict[str, dict[str, ServiceState]]:
    """Every container of the environment by compose project and service, stopped ones too. Raises DeploymentFailed."""
    projects = [environment.project, *(environment.slot_project(slot) for slot in SLOTS)]
    found: dict[str, dict[str, ServiceState]] = {project: {} for project in projects}
    listed = _docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project")
    if not listed:
        return found
    # One that is removed between the two questions fails the second, which is then simply asked again.
    for _ in range(3):
        answer = shell.answer([*engine.docker(), "inspect", "--type", "container", *listed.split()], timeout_s=60)
        if answer is not None:
            break
        listed = _docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project")
        if not listed:
            return found
    else:
        raise DeploymentFailed("The engine does not describe its containers.", remedy="Run: make doctor")
    return _sorted_in(found, json.loads(answer))


def _sorted_in(
    found: dict[str, dict[str, ServiceState]], described: list[dict[str, Any]]
) -> dict[str, dict[str, ServiceState]]:
    for container in described:
        labels = container["Config"]["Labels"] or {}
        project = labels.get("com.docker.compose.project", "")
        if project in found and labels.get("com.docker.compose.oneoff") != "True":
            state_now = container["State"]
            found[project][labels["com.docker.compose.service"]] = ServiceState(
                state=state_now["Status"],
                health=state_now.get("Health", {}).get("Status", ""),
                image=container["Config"]["Image"],
            )
    return found


def infrastructure_state(environment: Environment) -> dict[str, ServiceState]:
    """The infrastructure's containers by name."""
    return containers(environment)[environment.project]


def slot_state(environment: Environment, slot: str) -> SlotState:
    """The slot as it is now."""
    return SlotState(slot, containers(environment)[environment.slot_project(slot)])


# -- changing -------------------------------------------------------------------------------------------------------


def infrastructure_up(environment: Environment, *, replace: bool = False) -> float:
    """Starts what is missing and returns when all of it is healthy. `replace` also renews what this checkout has in a new version.

    Without `replace` a running part is left as it is: mending must not restart a database.
    """
    started = time.monotonic()
    environment.prepare()
    wait = ["--wait", "--wait-timeout", str(START_TIMEOUT_S)]
    keep = [] if replace else ["--no-recreate"]
    _compose(environment, ["up", "--detach", *keep, *wait, *INFRASTRUCTURE], doing="The infrastructure did not start")
    return time.monotonic() - started


def run_jobs(environment: Environment, release: Release) -> float:
    """The release's migrations, then its queues, bindings and buckets, then the staff of a demonstration.

    Done once per release and data, else 0.0 s: going back to a release never runs its older migrations again.
    """
    started = time.monotonic()
    if release.digest in prepared_for(environment):
        return 0.0
    fetch(release)
    for job in (*JOBS, *((SEED,) if environment.seed else ())):
        run = ["run", "--rm", "--no-deps", "--no-TTY", job]
        _compose(environment, run, release=release, timeout_s=JOB_TIMEOUT_S, doing=f"The job {job} failed")
    for part, directory in PREPARED.items():
        append = [
            "exec",
            f"{environment.project}-{part}-1",
            "sh",
            "-c",
            f'echo "$1" >> {directory}/{PREPARED_FILE}',
            "sh",
        ]
        _docker(*append, release.digest)
    return time.monotonic() - started


def prepared_for(environment: Environment) -> frozenset[str]:
    """Digests of the releases whose jobs have run on the data that is there now, by the word of the data itself."""
    found = []
    for part, directory in PREPARED.items():
        ask = ["exec", f"{environment.project}-{part}-1", "cat", f"{directory}/{PREPARED_FILE}"]
        answer = shell.answer([*engine.docker(), *ask], timeout_s=ASK_TIMEOUT_S) or ""
        found.append({line for line in answer.splitlines() if DIGEST.fullmatch(line)})
    return frozenset(set.intersection(*found))


def fetch(release: Release) -> None:
    """The release's image on this engine. Raises DeploymentFailed when the registry has it not."""
    try:
        registry.pull(release.image)
    except NotReady as missing:
        raise DeploymentFailed(
            f"The image of {release.short} is not to be had: {missing}",
            remedy="Is the registry up? Build the candidate again, or take another.",
        ) from missing


def start_slot(environment: Environment, slot: str, release: Release) -> float:
    """Starts the release in the slot and returns when every service is healthy; what runs it already is not touched.

    Raises DeploymentFailed with the services that are not well and their last words. A slot that had nothing before is then
    removed again, its log lines kept.
    """
    started = time.monotonic()
    fetch(release)
    was_absent = slot_state(environment, slot).is_absent
    wait = ["--wait", "--wait-timeout", str(START_TIMEOUT_S)]
    try:
        _compose(
            environment,
            ["up", "--detach", "--no-deps", *wait, *PROCESSES],
            release=release,
            slot=slot,
            doing=f"{release.short} did not become healthy in {slot}",
        )
    except DeploymentFailed as failure:
        said = "; ".join(_last_words(environment, slot))
        if was_absent:
            _take_down(environment, slot)
        raise DeploymentFailed(f"{failure} {said}".strip()) from failure
    targets.write(environment, targets.written(environment) | {slot: release.short})
    return time.monotonic() - started


def _last_words(environment: Environment, slot: str) -> list[str]:
    words = []
    for name, status in sorted(slot_state(environment, slot).unwell.items()):
        done = _run([*engine.docker(), "logs", "--tail", "3", environment.container(slot, name)], {}, 30)
        lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        words.append(f"{name} ({status}): {lines[-1][:300] if lines else 'no log'}")
    return words


def stop_slot(environment: Environment, slot: str) -> float:
    """Stops a slot without traffic: waits until nobody waits for it, then SIGTERM; its last log lines are kept.

    Raises DeploymentFailed when the slot still has traffic: weights come first.
    """
    started = time.monotonic()
    routing = routes.in_force(environment) or routes.written(environment)
    if routing is not None and slot in routing.weights:
        raise DeploymentFailed(
            f"{slot} of {environment.name} has {routing.weights[slot]} % of the traffic and stays up."
        )
    routes.wait_drained(environment, slot)
    targets.write(environment, {up: short for up, short in targets.written(environment).items() if up != slot})
    _take_down(environment, slot)
    return time.monotonic() - started


def _take_down(environment: Environment, slot: str) -> None:
    keep_logs(environment, slot)
    _down(environment, slot, STOP_TIMEOUT_S)


def _down(environment: Environment, slot: str, timeout_s: int) -> None:
    """Ends a slot. Its volumes are empty: compose makes them for parts that run elsewhere; data is the infrastructure's."""
    down = ["down", "--volumes", "--timeout", str(timeout_s)]
    _compose(environment, down, slot=slot, doing=f"{slot} did not stop")


def keep_logs(environment: Environment, slot: str) -> Path:
    """Writes the slot's last log lines to a file, which is returned; of such files the newest are kept."""
    environment.logs.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    path = environment.logs / f"{slot}-{moment}.log"
    command = ["logs", "--no-color", "--timestamps", "--tail", str(LOG_LINES_KEPT)]
    with path.open("w", encoding="utf-8") as file:
        subprocess.run(
            _command(SLOT_FILE, command),
            env={**os.environ, **environment.variables(slot=slot)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.DEVNULL,
            timeout=COMPOSE_TIMEOUT_S,
            check=False,
        )
    for old in sorted(environment.logs.glob("*.log"), key=lambda log: log.stat().st_mtime)[:-LOGS_KEPT]:
        old.unlink(missing_ok=True)
    return path


def remove(environment: Environment) -> float:
    """Removes the environment with its data; secrets and ports stay, so that it comes back as it was, empty."""
    started = time.monotonic()
    for slot in SLOTS:
        _down(environment, slot, REMOVE_TIMEOUT_S)
    targets.write(environment, {})
    routes.write(environment, routes.Routing())
    down = ["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", str(REMOVE_TIMEOUT_S)]
    _compose(environment, down, doing="The infrastructure was not removed")
    return time.monotonic() - started


# -- commands -------------------------------------------------------------------------------------------------------


def _command(overlay: Path, arguments: Sequence[str]) -> list[str]:
    files = ["--file", str(topology.COMPOSE_FILE), "--file", str(overlay)]
    return [*engine.docker(), "compose", *files, "--progress", "quiet", *arguments]


def _compose(
    environment: Environment,
    arguments: Sequence[str],
    *,
    doing: str,
    release: Release | None = None,
    slot: str | None = None,
    timeout_s: float = COMPOSE_TIMEOUT_S,
) -> None:
    """One compose command over the infrastructure or a slot. Raises DeploymentFailed: `doing`, and the last line it said."""
    overlay = SLOT_FILE if slot else ENVIRONMENT_FILE
    done = _run(_command(overlay, arguments), environment.variables(release, slot), timeout_s)
    if done.returncode != 0:
        raise DeploymentFailed(f"{doing} ({environment.name}): {_last_line(done)}.")


def _run(command: Sequence[str], variables: Mapping[str, str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            list(command),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(command), 124, "", f"it took longer than {timeout_s:.0f} s")
    except OSError as error:
        raise DeploymentFailed(f"{command[0]} cannot be run: {error}.", remedy="Run: make doctor") from error


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:300] if lines else "no output"


def _docker(*arguments: str) -> str:
    answer = shell.answer([*engine.docker(), *arguments], timeout_s=60)
    if answer is None:
        raise DeploymentFailed("The Docker engine does not answer.", remedy="Run: make doctor")
    return answer
