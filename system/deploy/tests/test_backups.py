"""Backups and restores of a real server, with the services' own databases in it and the broker beside it."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from system.plumbing import migrations
from tools.backups import drill, restore
from tools.backups.server import CommandFailed, Project, docker, find
from tools.prepare import credentials, ports, topology
from tools.prepare.failure import Failure
from tools.prepare.names import SERVICES

pytestmark = pytest.mark.integration

SYSTEM = Path(__file__).resolve().parents[2]
OVERRIDE = SYSTEM / "deploy" / "compose.integration.yaml"
FIGURES = "/var/lib/alexandrite/textfile/backups.prom"
GIVE_OUT = "SELECT nextval('order_number')"
UNGUARDED = "SET session_replication_role = replica;"
COLUMNS = "(order_id, seq, version, from_status, to_status, at, actor)"
SENT = """
    INSERT INTO outbox (event_id, source, subject, sequence, bucket, type, data, occurred_at)
    VALUES ('{0}', 'orchestrator', '{0}', 1, 1, 'orchestrator.release_stock.v1', '{{}}', now())
"""
RECEIVED = """
    INSERT INTO inbox (event_id, source, type, subject, sequence, bucket, state, occurred_at)
    VALUES ('{0}', 'orchestrator', 'orchestrator.release_stock.v1', '{0}', 1, 1, 'done', now())
"""


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """The server with its databases, whoever keeps its backups, and the broker; a full backup is there."""
    name = f"{topology.project_name()}-backups"
    chosen = ports.free_ports()
    environment = {**os.environ, **topology.environment(name, chosen, "durations.test.env")}
    compose = ["docker", "compose", "-f", str(topology.COMPOSE_FILE), "-f", str(OVERRIDE)]
    down = [*compose, "down", "--volumes", "--remove-orphans", "--timeout", "2"]
    subprocess.run(down, env=environment, check=True, capture_output=True)
    try:
        up = [*compose, "up", "--detach", "--wait", "postgres", "backup", "rabbitmq"]
        subprocess.run(up, env=environment, check=True, capture_output=True)
        _make_databases(chosen["postgres"])
        found = find(name)
        docker("exec", found.keeper, "backups", "now", "full")
        # A moment is found by whole seconds, behind the one in which a backup ended.
        time.sleep(1.1)
        yield found
    finally:
        subprocess.run(down, env=environment, check=True, capture_output=True)


def _make_databases(port: int) -> None:
    server = migrations.Server("127.0.0.1", port, "postgres", credentials.read("jobs", credentials.POSTGRES).strip())
    passwords = json.loads(credentials.read("jobs", credentials.ROLES))
    for service in SERVICES:
        migrations.ensure_database(server, service, passwords[service])
        migrations.upgrade(server, service, passwords[service]["owner"], SYSTEM / service / "migrations")
        tables = importlib.import_module(f"system.{service}.adapters.tables")
        migrations.grant(server, service, getattr(tables, "APPEND_ONLY", ()))


def figures(project: Project) -> dict[str, float]:
    lines = docker("exec", project.keeper, "cat", FIGURES).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def now(project: Project) -> str:
    """A moment between two commits, as the server's own clock has it."""
    time.sleep(0.05)
    moment = project.live.value("postgres", "SELECT clock_timestamp()")
    time.sleep(0.05)
    return moment


def heard(*_: str) -> None:
    """Nobody reads what a drill says here."""


def test_what_was_done_is_told_to_prometheus(project: Project) -> None:
    docker("exec", project.keeper, "backups", "now", "incremental")
    docker("exec", project.keeper, "backups", "drilled", "12")
    told = figures(project)
    for kind in ("full", "incremental"):
        age_s = time.time() - told[f'alexandrite_backup_last_success_timestamp_seconds{{kind="{kind}"}}']
        assert 0 <= age_s < 300
        assert told[f'alexandrite_backup_seconds{{kind="{kind}"}}'] < 300
    assert told["alexandrite_backup_bytes"] > 1_000_000
    assert told["alexandrite_restore_drill_seconds"] == 12


@pytest.mark.long
def test_backups_come_by_themselves_when_their_time_is_there(project: Project) -> None:
    kind = 'alexandrite_backup_last_success_timestamp_seconds{kind="incremental"}'
    docker("exec", project.keeper, "backups", "now", "incremental")
    before = figures(project)[kind]
    rhythm = ("ALEXANDRITE_BACKUP_LOOK_EVERY_S=1", "ALEXANDRITE_BACKUP_INCREMENTAL_EVERY_S=2")
    with pytest.raises(CommandFailed):
        docker("exec", project.keeper, "env", *rhythm, "timeout", "10", "backups", "serve")
    assert figures(project)[kind] > before


def test_drill_finds_what_runs_and_loses_no_more_than_a_minute(project: Project) -> None:
    order_id = uuid4()
    project.live.ask("orchestrator", SENT.format(order_id))
    drill.finish_log(project.live)
    outcome = drill.run(project, say=heard)
    assert outcome.wrong == []
    assert outcome.databases == len(SERVICES) and outcome.rows > len(SERVICES)
    assert outcome.rpo_s is not None and outcome.rpo_s <= 60
    assert outcome.line().endswith(" ok")
    assert f"{project.name}-drill" not in docker("volume", "ls", "--quiet").split(), "what was restored is thrown away"


@pytest.mark.long
def test_drill_sees_a_history_that_skips(project: Project) -> None:
    order_id = uuid4()
    # As a hand in the database could leave it: the guards are told to look away.
    skipping = f"VALUES ('{order_id}', 1, 1, NULL, 'INITIATED', now(), 'x'), ('{order_id}', 3, 3, 'SUBMITTED', 'CLOSED', now(), 'x')"
    project.live.ask("orchestrator", f"{UNGUARDED} INSERT INTO order_history {COLUMNS} {skipping}")
    drill.finish_log(project.live)
    outcome = drill.run(project, thorough=False, say=heard)
    project.live.ask("orchestrator", f"{UNGUARDED} DELETE FROM order_history WHERE order_id = '{order_id}'")  # noqa: S608
    assert outcome.wrong == ["1 orders have a broken history"] and outcome.line().endswith(" FAILED")


@pytest.mark.long
def test_drill_fails_over_a_backup_that_is_damaged(project: Project) -> None:
    def at_repository(script: str) -> None:
        docker("exec", project.keeper, "sh", "-c", f"cd /var/lib/pgbackrest/archive/alexandrite && {script}")

    at_repository("mv 17-1 17-1.away")
    try:
        outcome = drill.run(project, thorough=False, say=heard)
    finally:
        # What was archived meanwhile made the directory anew.
        at_repository("cp -R 17-1/. 17-1.away/ 2>/dev/null; rm -rf 17-1; mv 17-1.away 17-1")
    assert not outcome.is_good and outcome.line().endswith(" FAILED")


@pytest.mark.long
def test_databases_go_back_to_a_moment_and_numbers_do_not(project: Project) -> None:
    kept, lost_later = uuid4(), uuid4()
    project.live.ask("orchestrator", SENT.format(kept))
    project.live.ask("shop", "SELECT nextval('order_number') FROM generate_series(1, 5)")
    moment = now(project)
    project.live.ask("orchestrator", SENT.format(lost_later))
    project.live.ask("shop", "SELECT nextval('order_number') FROM generate_series(1, 7)")
    lost = restore.what_is_lost(project.live, moment)
    assert lost.orders == () and lost.messages["orchestrator"] == 1 and lost.last_number is not None
    drill.finish_log(project.live)

    # It died rather than being stopped, and left behind what a dying server leaves.
    docker("kill", project.live.container)
    restore.put_back(project, [], moment)

    known = [row[0] for row in project.live.ask("orchestrator", "SELECT event_id FROM outbox")]
    assert str(kept) in known and str(lost_later) not in known
    assert lost.last_number >= 12
    restore.skip_numbers(project.live, restore.Lost(last_number=5000))
    assert int(project.live.value("shop", GIVE_OUT)) == 5001
    restore.skip_numbers(project.live, lost)
    assert int(project.live.value("shop", GIVE_OUT)) == 5002, "numbers never go back"
    restore.skip_numbers(project.live, None)
    assert int(project.live.value("shop", GIVE_OUT)) == 5003 + restore.NUMBERS_LEFT_OUT
    # The new line of the log is archived, backed up and restored as well.
    docker("exec", project.keeper, "backups", "now", "incremental")
    assert drill.run(project, thorough=False, say=heard).wrong == []


def test_moment_before_the_oldest_backup_stops_nobody(project: Project) -> None:
    with pytest.raises(Failure, match="oldest backup was finished after"):
        restore.check_reachable(project, "2026-01-01 00:00:00+00:00")
    restore.check_reachable(project, None)
    restore.check_reachable(project, now(project))


@pytest.mark.long
def test_what_a_consumer_has_not_heard_is_counted(project: Project) -> None:
    order_id, since = uuid4(), datetime.now(UTC) - timedelta(minutes=1)
    before = restore.unreceived(project.live, since)
    project.live.ask("orchestrator", SENT.format(order_id))
    assert restore.unreceived(project.live, since) == before + 1
    project.live.ask("shop", RECEIVED.format(order_id))
    assert restore.unreceived(project.live, since) == before


@pytest.mark.long
def test_queues_are_emptied(project: Project) -> None:
    password = credentials.read("jobs", credentials.BROKER).strip()
    admin = ("exec", f"{project.name}-rabbitmq-1", "rabbitmqadmin", "--username=alexandrite", f"--password={password}")
    docker(*admin, "declare", "queue", "name=of-a-time-that-is-no-more", "durable=true")
    for _ in range(3):
        docker(*admin, "publish", "routing_key=of-a-time-that-is-no-more", "payload=x")
    listing = (
        "exec",
        f"{project.name}-rabbitmq-1",
        "rabbitmqctl",
        "--quiet",
        "list_queues",
        "--no-table-headers",
        "messages",
    )

    def shown(count: int) -> None:
        # The broker counts every few seconds.
        deadline = time.monotonic() + 60
        while docker(*listing).split() != [str(count)]:
            assert time.monotonic() < deadline
            time.sleep(0.5)

    shown(3)
    assert restore.empty_queues(project) == 3
    shown(0)


def test_server_goes_on_while_the_repository_is_away_and_says_so(project: Project) -> None:
    def failures() -> int:
        return int(project.live.value("postgres", "SELECT failed_count FROM pg_stat_archiver"))

    def at_repository(script: str) -> None:
        docker("exec", project.keeper, "sh", "-c", f"cd /var/lib/pgbackrest && {script}")

    failed_before = failures()
    at_repository("mv archive archive.away && touch archive")
    try:
        project.live.ask("orchestrator", SENT.format(uuid4()))
        with pytest.raises(CommandFailed):
            docker("exec", project.keeper, "backups", "now", "incremental")
        project.live.ask("postgres", "SELECT pg_switch_wal()")
        deadline = time.monotonic() + 30
        while failures() == failed_before:
            assert time.monotonic() < deadline, "nobody would know that the log is not kept"
            time.sleep(0.5)
        project.live.ask("orchestrator", SENT.format(uuid4()))
    finally:
        at_repository("rm archive && mv archive.away archive")
    # It tries again by itself, a minute after it gave up at the latest.
    deadline = time.monotonic() + 120
    while True:
        try:
            drill.finish_log(project.live)
            break
        except CommandFailed:
            assert time.monotonic() < deadline


def test_empty_server_over_the_backups_of_a_full_one_does_not_start(project: Project) -> None:
    mounts = [
        f"--volume={project.repository}:/var/lib/pgbackrest:ro",
        f"--volume={project.secrets}:/run/alexandrite:ro",
    ]
    with pytest.raises(CommandFailed, match="no data, but there are backups"):
        docker("run", "--rm", "--network=none", "--tmpfs=/tmp", *mounts, project.image)
