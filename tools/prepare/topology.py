"""The variables that system/deploy/compose.yaml is started with. Nothing else decides ports, image names or places.

env = {**os.environ, **topology.environment("alexandrite-1234abcd-test", ports=None, durations="durations.test.env")}
docker compose --file <topology.COMPOSE_FILE> up --detach --wait
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tools.prepare import engine, images, shell, state
from tools.prepare import ports as port_choice

COMPOSE_FILE: Path = state.ROOT / "system" / "deploy" / "compose.yaml"
CLUSTER_FILE: Path = COMPOSE_FILE.with_name("compose.cluster.yaml")
"""Laid over it for three broker nodes instead of one."""
CLUSTER_NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")

PROJECT_VARIABLE = "ALEXANDRITE_PROJECT"


def project_name() -> str:
    """The compose project of this checkout: two checkouts on one machine never share containers or volumes."""
    chosen = os.environ.get(PROJECT_VARIABLE)
    return chosen or f"alexandrite-{hashlib.sha256(str(state.ROOT).encode()).hexdigest()[:8]}"


def environment(
    project: str,
    ports: dict[str, int] | None = None,
    durations: str | None = None,
    place: state.Place | None = None,
) -> dict[str, str]:
    """Everything compose.yaml asks for, to be laid over the process's environment.

    `ports` maps names of `ports.DEFAULTS` (https, http, s3, ...) to host ports; None takes free ones now. `durations`
    names an env file beside compose.yaml (or an absolute path) with shorter times; None takes `durations.env`. `place` is
    where its secrets and certificates are; None takes the checkout's own.
    Asks neither the network nor the engine; that the images exist is `make prepare`'s promise.
    """
    chosen = port_choice.free_ports() if ports is None else ports
    unknown = set(chosen) - set(port_choice.DEFAULTS)
    if unknown:
        raise ValueError(f"unknown ports: {sorted(unknown)}; known: {sorted(port_choice.DEFAULTS)}")
    variables = {
        "COMPOSE_PROJECT_NAME": project,
        "ALEXANDRITE_STATE": str((place or state.own_place()).directory),
        "ALEXANDRITE_DURATIONS": durations or "durations.env",
        # No reaper image exists; leftovers are found by the project's label and removed by the next run.
        "TESTCONTAINERS_RYUK_DISABLED": "true",
        "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
    }
    variables |= {f"ALEXANDRITE_PORT_{name.upper()}": str(port) for name, port in chosen.items()}
    for name, reference in images.references().items():
        # An image named from outside wins: a candidate is judged by its digest, not by this tree.
        variable = f"ALEXANDRITE_IMAGE_{name.upper()}"
        variables[variable] = os.environ.get(variable) or reference
    return variables


def containers(project: str) -> list[dict[str, str]]:
    """Every container of a compose project, stopped ones too: `service`, `state` (running, exited ...) and `status`."""
    template = '{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}'
    label = f"label=com.docker.compose.project={project}"
    listed = shell.answer([*engine.docker(), "ps", "--all", "--filter", label, "--format", template]) or ""
    rows = (line.split("\t") for line in listed.splitlines() if line)
    return [dict(zip(("service", "state", "status"), row, strict=True)) for row in rows]


def running(project: str) -> bool:
    """True when any container of the project runs."""
    return any(container["state"] == "running" for container in containers(project))


def clustered(project: str) -> bool:
    """True when the project has the broker's further nodes, running or stopped."""
    return any(container["service"] in CLUSTER_NODES[1:] for container in containers(project))


def unwell(project: str) -> list[tuple[str, str]]:
    """Services that stopped with an error, restart, or are not healthy (yet), each with the engine's words."""
    return [
        (container["service"], container["status"])
        for container in containers(project)
        if "(unhealthy)" in container["status"]
        # One that crashes at once is seen as starting, again and again.
        or "(health: starting)" in container["status"]
        or container["state"] not in ("running", "exited", "created")
        or (container["state"] == "exited" and not container["status"].startswith("Exited (0)"))
    ]
