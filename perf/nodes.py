"""The broker's nodes from outside: which there are, how each is struck, and how long a service published nothing after that."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from perf.system import Target
from tools.prepare.topology import CLUSTER_NODES

PAUSED_S = 25.0
SENDERS = ("shop", "orchestrator", "pricing", "crm", "mes")
"""The services that have something to publish."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of an outbox: committed, and confirmed by the broker; None when it never was."""

    committed: datetime
    confirmed: datetime | None


def longest_stall_s(sent: Sequence[Sent], *, since: datetime, until: datetime) -> float:
    """How long at most, between the two moments, a service had something to publish and nothing of it was confirmed.

    Counted from the confirm before, or from when the first message that then waited was committed, or from `since`, whichever is
    latest; to the next confirm, or to `until` when none came.
    """
    waiting = sorted(
        (message for message in sent if message.committed < until and (message.confirmed or until) >= since),
        key=lambda message: message.confirmed or until,
    )
    # The earliest commit among this message and all that were confirmed later: what waited while this gap lasted.
    earliest: list[datetime] = []
    for message in reversed(waiting):
        earliest.append(min(message.committed, earliest[-1]) if earliest else message.committed)
    earliest.reverse()
    longest, last = 0.0, since
    for message, pending_since in zip(waiting, earliest, strict=True):
        confirmed = min(message.confirmed or until, until)
        longest = max(longest, (confirmed - max(last, pending_since)).total_seconds())
        last = max(last, confirmed)
    return longest


def sent_by(target: Target, service: str, since: datetime) -> list[Sent]:
    """What a service's outbox says of everything that was not confirmed before `since`."""
    with target.database(service) as database:
        rows = database.execute(
            "SELECT occurred_at, published_at FROM outbox WHERE published_at >= %s OR published_at IS NULL", [since]
        ).fetchall()
    return [Sent(committed, confirmed) for committed, confirmed in rows]


def nodes_of(target: Target) -> tuple[str, ...]:
    """The nodes of the running system. Exits with advice when it has one alone."""
    try:
        target.docker("inspect", CLUSTER_NODES[-1])
    except subprocess.CalledProcessError as error:
        raise SystemExit("The system runs with one broker node. Start it with `make up CLUSTER=1` first.") from error
    return CLUSTER_NODES


def kill(target: Target, node: str) -> None:
    """SIGKILL, and a new start at once."""
    target.docker("kill", "--signal", "KILL", node)
    target.docker("start", node)


def pause(target: Target, node: str) -> None:
    """The node stands still with its connections open, as under SIGSTOP.

    By the engine's freezer: the signal itself would reach only the container's first process, and the broker is another.
    """
    target.docker("pause", node)
    try:
        time.sleep(PAUSED_S)
    finally:
        target.docker("unpause", node)


def cut_off(target: Target, node: str) -> None:
    """The node lives and reaches nobody: neither its peers nor its clients."""
    network = f"{target.project}_default"
    target.docker("network", "disconnect", network, node)
    try:
        time.sleep(PAUSED_S)
    finally:
        target.docker("network", "connect", "--alias", node, network, node)


def restart(target: Target, node: str) -> None:
    """An orderly stop and a start."""
    target.docker("restart", node)


def replace(target: Target, node: str) -> None:
    """The node is lost with its disk: forgotten by the others, emptied, and started anew under its name."""
    other = next(name for name in CLUSTER_NODES if name != node)
    target.docker("kill", "--signal", "KILL", node)
    inside(target, other, "rabbitmqctl", "forget_cluster_node", f"rabbit@{node}")
    container = f"{target.project}-{node}-1"
    image = target.docker("inspect", "--format", "{{.Image}}", node).strip()
    emptied = "rm -rf /var/lib/rabbitmq/* /var/lib/rabbitmq/.erlang.cookie"
    subprocess.run(
        ["docker", "run", "--rm", "--volumes-from", container, "--entrypoint", "sh", image, "-c", emptied],
        check=True,
        capture_output=True,
    )
    target.docker("start", node)


def inside(target: Target, node: str, *command: str) -> str:
    """What a command says inside a node's container; empty when it failed."""
    done = subprocess.run(
        ["docker", "exec", f"{target.project}-{node}-1", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""


def is_whole(target: Target) -> bool:
    """True when every node answers and every queue has a member on each of them, all of them up."""
    names = [f"rabbit@{node}" for node in CLUSTER_NODES]
    for node in CLUSTER_NODES:
        lines = inside(target, node, "rabbitmqctl", "--quiet", "--timeout", "10", "list_queues", "name", "online")
        queues = [line for line in lines.splitlines() if ".v1" in line]
        if not queues or not all(_members(line) == set(names) for line in queues):
            return False
    return True


def _members(line: str) -> set[str]:
    """The nodes in a line of `list_queues name online`: `shop.inbox.v1	[rabbit@rabbitmq, rabbit@rabbitmq-2]`."""
    return {name.strip(" '") for name in line.partition("[")[2].rstrip("]").split(",")}
