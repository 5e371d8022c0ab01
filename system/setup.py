"""The jobs that prepare a system before its services start: `python -m system.setup databases|broker|storage ...`."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import Field, SecretStr

from system.plumbing import migrations, topology
from system.plumbing.broker import BrokerLost, connect
from system.plumbing.settings import ServiceSettings

SERVICES = ("identity", "files", "pricing", "shop", "orchestrator", "crm", "mes", "observability")
BROKER_DEADLINE_S = 90


class SetupSettings(ServiceSettings):
    """What the jobs need beyond a service's settings."""

    service: str = "setup"
    postgres_user: str = "postgres"
    postgres_password: SecretStr = SecretStr("")
    monitor_password: SecretStr = Field(
        SecretStr(""), description="of the role that looks at the server; empty makes none"
    )
    roles: str = "{}"
    s3_endpoint: str = "http://s3:8333"
    s3_access_key: str = "alexandrite"
    s3_secret_key: SecretStr = SecretStr("")
    s3_bucket: str = "models"


def databases(settings: SetupSettings) -> None:
    """Roles, databases, migrations and grants of every service."""
    server = migrations.Server(
        host=settings.database_host,
        port=settings.database_port,
        user=settings.postgres_user,
        password=settings.postgres_password.get_secret_value(),
    )
    passwords: dict[str, dict[str, str]] = json.loads(settings.roles)
    for service in SERVICES:
        started = time.monotonic()
        migrations.ensure_database(server, service, passwords[service])
        directory = Path(__file__).parent / service / "migrations"
        applied = migrations.upgrade(server, service, passwords[service]["owner"], directory)
        tables = importlib.import_module(f"system.{service}.adapters.tables")
        migrations.grant(server, service, getattr(tables, "APPEND_ONLY", ()))
        print(f"{service}: {', '.join(applied) or 'up to date'} ({time.monotonic() - started:.1f} s)", flush=True)
    if watching := settings.monitor_password.get_secret_value():
        migrations.ensure_monitor(server, watching)
        print("monitor: may look", flush=True)


def broker(settings: SetupSettings) -> None:
    """Exchanges, queues and bindings."""

    async def declare() -> list[str]:
        deadline = time.monotonic() + BROKER_DEADLINE_S
        while True:
            try:
                async with connect(settings, name="setup") as connection:
                    return await topology.declare(await connection.channel())
            except BrokerLost:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    for line in asyncio.run(declare()):
        print(line, flush=True)


def storage(settings: SetupSettings) -> None:
    """The bucket that models live in."""
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 20}),
    )
    try:
        client.create_bucket(Bucket=settings.s3_bucket)
        print(f"bucket {settings.s3_bucket}: created", flush=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
        print(f"bucket {settings.s3_bucket}: there", flush=True)


JOBS: dict[str, Callable[[SetupSettings], None]] = {"databases": databases, "broker": broker, "storage": storage}


def main(names: list[str]) -> int:
    """Runs the named jobs in order; returns the exit status."""
    unknown = [name for name in names if name not in JOBS]
    if unknown or not names:
        print(f"usage: python -m system.setup {'|'.join(JOBS)} ...", file=sys.stderr)
        return 2
    settings = SetupSettings()
    for name in names:
        JOBS[name](settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
