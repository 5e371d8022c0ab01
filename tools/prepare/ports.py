"""Host ports, always on 127.0.0.1: the usual one when it is free, else the next free one, remembered per place."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from tools.prepare import state
from tools.prepare.failure import Failure

DEFAULTS: dict[str, int] = {
    "https": 8443,
    "http": 8080,
    "s3": 8444,
    "prometheus": 9090,
    "alertmanager": 9093,
    "amqp": 5672,
    "management": 15672,
    "postgres": 5432,
    "redis": 6379,
    "mailbox": 8025,
}
# How far from the usual port to look before saying that something is wrong with this machine.
ATTEMPTS = 50


def is_free(port: int) -> bool:
    """True when nobody listens on 127.0.0.1:port; a port in TIME_WAIT counts as free, as it does for the engine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports() -> dict[str, int]:
    """A free port of the kernel's choice for every name; all are held until all are known, so that none repeats."""
    probes = {name: socket.socket(socket.AF_INET, socket.SOCK_STREAM) for name in DEFAULTS}
    try:
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.close()


def remembered(file: Path | None = None, usual: Mapping[str, int] = DEFAULTS) -> dict[str, int]:
    """The ports of the last start, by default of `make up`; empty before the first, and unreadable lines are ignored."""
    path = file or state.PORTS_FILE
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    found = {key.removeprefix("ALEXANDRITE_PORT_").lower(): value for key, _, value in pairs}
    return {name: int(value) for name, value in found.items() if name in usual and value.isdigit()}


def choose(
    *, running: bool, file: Path | None = None, usual: Mapping[str, int] = DEFAULTS, attempts: int = ATTEMPTS
) -> dict[str, int]:
    """Ports for `make up`, or for the system whose `file` and `usual` ports are given. While it runs, its own ports are kept.

    Raises Failure when none of the `attempts` ports from the usual one on is free.
    """
    known = remembered(file, usual)
    if running and set(known) == set(usual):
        return known
    chosen: dict[str, int] = {}
    for name, first in usual.items():
        candidates = [known[name]] if name in known else []
        candidates += range(first, first + attempts)
        free = (port for port in candidates if port not in chosen.values() and is_free(port))
        port = next(free, None)
        if port is None:
            raise Failure(
                f"No free port for {name} between {first} and {first + attempts - 1}.",
                remedy="Stop what listens there (ss -ltnp shows it) and try again.",
            )
        chosen[name] = port
    lines = [f"ALEXANDRITE_PORT_{name.upper()}={port}" for name, port in chosen.items()]
    state.write_file(file or state.PORTS_FILE, "\n".join(lines) + "\n")
    return chosen
