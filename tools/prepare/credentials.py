"""Passwords, keys and certificates: made once per place, one directory per holder, each mounted into one component."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from tools.prepare import shell, state
from tools.prepare.names import SERVICES

ALERTS = "alexandrite_alerts_key"
BACKUP = "alexandrite_backup_key"
BROKER = "alexandrite_broker_password"
COOKIE = "alexandrite_broker_cookie"
DATABASE = "alexandrite_database_password"
DEMO = "alexandrite_demo_password"
MONITOR = "alexandrite_monitor_password"
CARRIER = "alexandrite_carrier_secret"
OTLP = "alexandrite_otlp_key"
POSTGRES = "alexandrite_postgres_password"
REDIS = "alexandrite_redis_password"
ROLES = "alexandrite_roles"
S3 = "alexandrite_s3_secret_key"

# Who may read which shared secret: a component not named here never sees it.
HOLDERS: dict[str, tuple[str, ...]] = {
    BROKER: ("rabbitmq", "jobs", *SERVICES),
    COOKIE: ("rabbitmq",),
    REDIS: ("redis", "redis-exporter", *SERVICES),
    POSTGRES: ("postgres", "jobs"),
    # Whoever has it reads every backup; without it no backup is worth anything. Keep a copy of it elsewhere.
    BACKUP: ("postgres",),
    S3: ("s3", "jobs", "files"),
    CARRIER: ("crm",),
    DEMO: ("identity", "jobs"),
    # Whoever sends spans and log lines, and who takes them; whoever tells of alerts, and who is told.
    OTLP: SERVICES,
    ALERTS: ("observability", "alertmanager"),
    MONITOR: ("postgres-exporter", "jobs"),
}
ROLE_KINDS = ("owner", "app", "read")


def _value(place: state.Place, holders: tuple[str, ...], name: str) -> str:
    """The secret as any holder has it already, or a new one; letters and digits only, safe in a URL and in JSON."""
    for holder in holders:
        path = place.secrets / holder / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return secrets.token_hex(20)


def _put(place: state.Place, holder: str, name: str, value: str) -> None:
    """Readable by every uid inside the mount: the directory above it, closed to others, protects it on the host."""
    directory = place.secrets / holder
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    path = directory / name
    if not path.is_file() or path.read_text(encoding="utf-8") != value:
        state.write_file(path, value, mode=0o444)


def _roles(place: state.Place) -> dict[str, dict[str, str]]:
    """A password per database role; what an earlier run made is kept, because databases may know it already."""
    path = place.secrets / "jobs" / ROLES
    known: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        service: {kind: known.get(service, {}).get(kind) or secrets.token_hex(20) for kind in ROLE_KINDS}
        for service in SERVICES
    }


def make(place: state.Place | None = None) -> str:
    """Writes every secret that is missing, then lets the virtual environment's Python make keys and certificates.

    `place` is whose; the checkout's own when not said. Its directories must be there.
    """
    place = place or state.own_place()
    before = _count(place)
    for name, holders in HOLDERS.items():
        value = _value(place, holders, name)
        for holder in holders:
            _put(place, holder, name, value)
    roles = _roles(place)
    _put(place, "jobs", ROLES, json.dumps(roles, indent=1))
    for service, passwords in roles.items():
        _put(place, service, DATABASE, passwords["app"])
    keys = Path(__file__).with_name("keys.py")
    shell.run([str(state.PYTHON), str(keys), str(place.secrets), str(place.tls), *SERVICES], log="keys")
    made = _count(place) - before
    return f"{made} made" if made > 0 else "there"


def _count(place: state.Place) -> int:
    return sum(1 for path in (*place.secrets.rglob("*"), *place.tls.rglob("*")) if path.is_file())


def read(holder: str, name: str, *, place: state.Place | None = None) -> str:
    """One secret, for people's and judges' tools on this host. Raises FileNotFoundError before `make prepare`."""
    return ((place or state.own_place()).secrets / holder / name).read_text(encoding="utf-8")
