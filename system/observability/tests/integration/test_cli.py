"""The report as a command."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from system.observability.adapters.store import SqlStore
from system.observability.domain.stages import Stage
from system.observability.entrypoints.cli import commands, print_report
from system.observability.tests.integration.conftest import FakeOrders
from system.observability.tests.telling import a_span
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("is_away", [False, True], ids=["answers", "is-away"])
async def test_the_report_is_printed_and_its_status_says_whether_it_is_whole(
    built: Service, orders: FakeOrders, store: SqlStore, capsys: pytest.CaptureFixture[str], is_away: bool
) -> None:
    order = uuid4()
    await store.keep_spans([a_span(order, at=datetime.now(UTC), attributes={"order.id": str(order)})])
    orders.found, orders.is_away = [Stage("SUBMITTED", 1, 1, 1, 1)], is_away
    assert await print_report(built, days=1) == int(is_away)
    told = capsys.readouterr().out
    assert ("stage,SUBMITTED,machine,1" in told) is not is_away and "service,shop," in told


def test_commands_are_known_by_name() -> None:
    assert "report" in commands(lambda: pytest.fail("nothing is built to list commands"))
