"""Real infrastructure for the services' integration tests: the topology's own PostgreSQL, RabbitMQ, Redis and S3.

ALEXANDRITE_TEST_PORTS, a JSON object of host ports, points at parts that already run; otherwise they are started once per run
and removed afterwards. Every service gets a fresh database of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from system.plumbing import migrations
from system.plumbing.settings import ServiceSettings
from tools.prepare import ports as port_choice
from tools.prepare import state, topology

PARTS = ("postgres", "rabbitmq", "redis", "s3")
OVERRIDE = Path(__file__).parent / "deploy" / "compose.integration.yaml"


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Host ports by part (postgres, amqp, redis, s3), and the secrets of this checkout."""

    ports: dict[str, int]

    def secret(self, service: str, name: str) -> str:
        """A secret as the service itself reads it."""
        return (state.STATE / "secrets" / service / name).read_text().strip()

    @property
    def server(self) -> migrations.Server:
        """The database server, as superuser."""
        password = self.secret("jobs", "alexandrite_postgres_password")
        return migrations.Server("127.0.0.1", self.ports["postgres"], "postgres", password)

    def analyze(self, service: str, table: str) -> None:
        """What the planner knows of the table is true now. The application's own role may not ask for it: it owns nothing."""
        with self.server.connect(service) as connection:
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))

    def settings_of(self, service: str, settings: type[ServiceSettings] = ServiceSettings, **more: Any) -> Any:
        """Settings with which `service` runs on the host against these parts."""
        values: dict[str, Any] = {
            "service": service,
            "database_host": "127.0.0.1",
            "database_port": self.ports["postgres"],
            "database_password": json.loads(self.secret("jobs", "alexandrite_roles"))[service]["app"],
            "broker_host": "127.0.0.1",
            "broker_port": self.ports["amqp"],
            "broker_management_port": self.ports.get("management", self.ports["amqp"] + 10000),
            "broker_password": self.secret("jobs", "alexandrite_broker_password"),
            "redis_host": "127.0.0.1",
            "redis_port": self.ports["redis"],
            "redis_password": self.secret(service, "alexandrite_redis_password"),
            "signing_key": self.secret(service, "alexandrite_signing_key"),
            "jwks": self.secret(service, "alexandrite_jwks"),
        }
        return settings(**(values | more))


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Infrastructure]:
    """PostgreSQL, RabbitMQ, Redis and S3, healthy."""
    given = os.environ.get("ALEXANDRITE_TEST_PORTS")
    if given:
        yield Infrastructure(json.loads(given))
        return
    chosen = port_choice.free_ports()
    # Each process of a parallel run has parts of its own, so that no service's database is made anew under another's tests.
    process = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    project = f"{topology.project_name()}-integration-{process}"
    environment = {**os.environ, **topology.environment(project, chosen)}
    command = ["docker", "compose", "-f", str(topology.COMPOSE_FILE), "-f", str(OVERRIDE)]
    down = [*command, "down", "--volumes", "--remove-orphans", "--timeout", "2"]
    subprocess.run(down, env=environment, check=True, capture_output=True)
    try:
        subprocess.run([*command, "up", "--detach", "--wait", *PARTS], env=environment, check=True, capture_output=True)
        yield Infrastructure(chosen)
    finally:
        subprocess.run(down, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def fresh_database(infrastructure: Infrastructure) -> Callable[[str], None]:
    """Drops the service's database and makes it anew: roles, migrations, grants, as the job does."""

    def make(service: str) -> None:
        passwords = json.loads(infrastructure.secret("jobs", "alexandrite_roles"))[service]
        with infrastructure.server.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(service)))
        migrations.ensure_database(infrastructure.server, service, passwords)
        directory = Path(__file__).parent / service / "migrations"
        migrations.upgrade(infrastructure.server, service, passwords["owner"], directory)
        tables = importlib.import_module(f"system.{service}.adapters.tables")
        migrations.grant(infrastructure.server, service, getattr(tables, "APPEND_ONLY", ()))

    return make
