"""Host ports, always on 127.0.0.1: the usual one when it is free, else the next free one, remembered per checkout."""

from __future__ import annotations

import socket

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


def remembered() -> dict[str, int]:
    """The ports of this checkout's last `make up`; empty before the first, and unreadable lines are ignored."""
    if not state.PORTS_FILE.is_file():
        return {}
    pairs = (line.partition("=") for line in state.PORTS_FILE.read_text(encoding="utf-8").splitlines())
    found = {key.removeprefix("ALEXANDRITE_PORT_").lower(): value for key, _, value in pairs}
    return {name: int(value) for name, value in found.items() if name in DEFAULTS and value.isdigit()}


def choose(*, running: bool) -> dict[str, int]:
    """Ports for `make up`. While this checkout's system runs, its own ports are kept. Raises Failure when none is free."""
    known = remembered()
    if running and set(known) == set(DEFAULTS):
        return known
    chosen: dict[str, int] = {}
    for name, usual in DEFAULTS.items():
        candidates = [known[name]] if name in known else []
        candidates += range(usual, usual + ATTEMPTS)
        free = (port for port in candidates if port not in chosen.values() and is_free(port))
        port = next(free, None)
        if port is None:
            raise Failure(
                f"No free port for {name} between {usual} and {usual + ATTEMPTS - 1}.",
                remedy="Stop what listens there (ss -ltnp shows it) and try again.",
            )
        chosen[name] = port
    lines = [f"ALEXANDRITE_PORT_{name.upper()}={port}" for name, port in chosen.items()]
    state.write_file(state.PORTS_FILE, "\n".join(lines) + "\n")
    return chosen
