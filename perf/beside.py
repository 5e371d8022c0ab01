"""Whole systems side by side, each from its own image, in compose projects of their own that are removed afterwards.

The previous release is started by the topology of its own commit: a candidate may add a component that the image before it lacks.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perf.system import NotStarted, Target, name_held
from tools.prepare import engine, ports, state, topology

HEALTHY_S_MAX = 240
DEPLOY = "system/deploy"
DURATIONS = "durations.env"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One system to start. `image` empty: this checkout's own; `commit` empty: this checkout's topology."""

    project: str
    image: str = ""
    commit: str = ""


def project_named(role: str) -> str:
    """The compose project of a role, e.g. `candidate`: apart from `make up` and from the scenarios."""
    return f"{topology.project_name()}-perf-{role}"


@contextlib.contextmanager
def systems(*wanted: Wanted) -> Iterator[list[Target]]:
    """All of them, healthy and seeded, started at the same time. Raises NotStarted; removes whatever it started."""
    with contextlib.ExitStack() as stack:
        started = []
        for one in wanted:
            stack.enter_context(name_held(one.project))
            variables = _variables(one)
            compose = [*engine.docker(), "compose", "--file", str(stack.enter_context(_topology(one.commit)))]
            # Removed first too: a killed run's data would make the two sides unequal.
            _remove(compose, variables)
            stack.callback(_remove, compose, variables)
            started.append((one, compose, variables))
        log = stack.enter_context(tempfile.TemporaryFile("w+"))
        up = ["--progress", "quiet", "up", "--detach", "--wait", "--wait-timeout", str(HEALTHY_S_MAX)]
        running = [
            subprocess.Popen(
                [*compose, *up], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
            for _, compose, variables in started
        ]
        statuses = [process.wait() for process in running]
        for (one, compose, variables), status in zip(started, statuses, strict=True):
            if status != 0:
                log.seek(0)
                unwell = ", ".join(f"{name} {said}" for name, said in topology.unwell(one.project))
                raise NotStarted(f"{one.project} ({one.image or 'this checkout'}): {unwell}\n{log.read()[-2000:]}")
            _seed(one, compose, variables)
        yield [Target.of(one.project) for one in wanted]


def _variables(wanted: Wanted) -> dict[str, str]:
    given = {**os.environ, **topology.environment(wanted.project, ports.free_ports(), DURATIONS)}
    return given | ({"ALEXANDRITE_IMAGE_SYSTEM": wanted.image} if wanted.image else {})


@contextlib.contextmanager
def _topology(commit: str) -> Iterator[Path]:
    """The compose file of a commit, or of this checkout."""
    if not commit:
        yield topology.COMPOSE_FILE
        return
    done = subprocess.run(["git", "archive", commit, DEPLOY], cwd=state.ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise NotStarted(f"the topology of {commit} cannot be read: {done.stderr.decode().strip()}")
    with tempfile.TemporaryDirectory(prefix="alexandrite-topology-") as directory:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(directory, filter="data")
        yield Path(directory) / DEPLOY / topology.COMPOSE_FILE.name


def _seed(wanted: Wanted, compose: list[str], variables: dict[str, str]) -> None:
    command = [*compose, "--progress", "quiet", "--profile", "seed", "run", "--rm", "seed"]
    done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotStarted(f"{wanted.project} could not be seeded:\n{(done.stdout + done.stderr)[-2000:]}")


def _remove(compose: list[str], variables: dict[str, str]) -> None:
    command = [*compose, "--profile", "*", "--progress", "quiet", "down", "--volumes", "--remove-orphans"]
    subprocess.run([*command, "--timeout", "2"], env=variables, stdin=subprocess.DEVNULL, check=False)
