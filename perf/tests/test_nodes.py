"""How long a service published nothing, by its outbox; and that no node is spared."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from perf import cluster, nodes
from perf.nodes import Sent, longest_stall_s
from tools.prepare.topology import CLUSTER_NODES

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sent(*pairs: tuple[float, float | None]) -> list[Sent]:
    return [Sent(at(committed), at(confirmed) if confirmed is not None else None) for committed, confirmed in pairs]


@pytest.mark.parametrize(
    ("outbox", "stall_s"),
    [
        ([], 0.0),
        (sent((1, 1.1), (2, 2.1)), 0.1),
        (sent((1, 9), (2, 9.5), (3, 9.5)), 8.0),
        (sent((1, 1.1), (3, 12), (4, 5)), 7.0),
        (sent((-5, 6)), 6.0),
        (sent((1, 1.5), (20, None)), 10.0),
        (sent((-5, -1), (31, 90)), 0.0),
    ],
    ids=["idle", "in time", "all wait", "another is confirmed meanwhile", "waited before", "never", "outside"],
)
def test_a_stall_is_counted_while_something_waits(outbox: list[Sent], stall_s: float) -> None:
    assert longest_stall_s(outbox, since=at(0), until=at(30)) == pytest.approx(stall_s)


def test_every_node_is_struck_in_every_way() -> None:
    planned = cluster.plan(CLUSTER_NODES, cluster.ROUNDS)
    counted = Counter((blow.__name__, node) for blow, node in planned)
    for kind in cluster.KINDS:
        by_node = [counted[kind.__name__, node] for node in CLUSTER_NODES]
        assert sum(by_node) == cluster.ROUNDS and min(by_node) >= 1
    assert [blow for blow, _ in planned[-2:]] == [nodes.restart, nodes.replace]


def test_members_of_a_queue_are_read_from_the_brokers_own_words() -> None:
    assert nodes._members("shop.inbox.v1\t[rabbit@rabbitmq, rabbit@rabbitmq-2, rabbit@rabbitmq-3]") == {
        f"rabbit@{node}" for node in CLUSTER_NODES
    }
    assert nodes._members("shop.inbox.v1\t['rabbit@rabbitmq-2']") == {"rabbit@rabbitmq-2"}
