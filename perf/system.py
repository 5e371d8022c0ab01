"""The system under measurement, from outside: its gateway, its database server as a reader of figures, its containers."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tools.prepare import state, topology


class NotStarted(RuntimeError):
    """A system did not become healthy, or another run holds its name; the message says which and why."""


@contextlib.contextmanager
def name_held(project: str) -> Iterator[None]:
    """Two runs of one checkout would break each other's system: the second one is refused. Raises NotStarted."""
    state.STATE.mkdir(exist_ok=True)
    with (state.STATE / f"{project}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotStarted(f"another measurement uses {project}: wait for it, or end it first") from error
        yield


PUBLISHED = {"https": ("traefik", 8443), "postgres": ("postgres", 5432)}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the gateway is, and the compose project behind it."""

    url: str
    project: str
    ports: dict[str, int]

    @classmethod
    def find(cls) -> Target:
        """The system that `make up` started, or the project named by ALEXANDRITE_PROJECT. Exits with advice when none runs."""
        return cls.of(topology.project_name())

    @classmethod
    def of(cls, project: str) -> Target:
        """The running system of a compose project. Exits with advice when there is none."""
        ports: dict[str, int] = {}
        for name, (service, inner) in PUBLISHED.items():
            listed = subprocess.run(
                ["docker", "port", f"{project}-{service}-1", f"{inner}/tcp"],
                capture_output=True,
                text=True,
                check=False,
            )
            if listed.returncode != 0 or not listed.stdout.strip():
                raise SystemExit(f"No system runs as {project}. Start it with `make up` first.")
            ports[name] = int(listed.stdout.splitlines()[0].rsplit(":", 1)[1])
        return cls(f"https://localhost:{ports['https']}", project, ports)

    def tls(self) -> ssl.SSLContext:
        """Trusts this checkout's own development CA."""
        return ssl.create_default_context(cafile=str(state.STATE / "tls" / "ca.pem"))

    def database(self, service: str) -> psycopg.Connection[Any]:
        """The service's database as the server's superuser: figures are read where they are made."""
        password = (state.STATE / "secrets" / "jobs" / "alexandrite_postgres_password").read_text().strip()
        return psycopg.connect(
            host="127.0.0.1", port=self.ports["postgres"], user="postgres", password=password, dbname=service,
            autocommit=True,
        )  # fmt: skip

    def demo_password(self) -> str:
        """The password of the seeded staff."""
        return (state.STATE / "secrets" / "identity" / "alexandrite_demo_password").read_text().strip()

    def docker(self, *arguments: str) -> str:
        """Runs a docker command on one container of this project, e.g. docker("kill", "rabbitmq")."""
        *words, service = arguments
        done = subprocess.run(
            ["docker", *words, f"{self.project}-{service}-1"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@dataclass(frozen=True, slots=True)
class Staff:
    """What a load needs to come in: the CA to trust and the password of the seeded staff."""

    ca_file: str
    password: str

    @classmethod
    def of_checkout(cls) -> Staff:
        """This checkout's own, unless ALEXANDRITE_DEMO_PASSWORD and ALEXANDRITE_CA name others, for a system elsewhere."""
        password = os.environ.get("ALEXANDRITE_DEMO_PASSWORD")
        if password is None:
            password = (state.STATE / "secrets" / "identity" / "alexandrite_demo_password").read_text().strip()
        return cls(os.environ.get("ALEXANDRITE_CA") or str(state.STATE / "tls" / "ca.pem"), password)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * share) - 1)]
