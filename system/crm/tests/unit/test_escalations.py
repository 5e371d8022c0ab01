"""Who is told when, and the timer that tells them: in one process, over all that waits, whatever fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from system.crm.domain.escalation import EscalationTerms, Level, reminder_id
from system.crm.entrypoints.timers import escalations
from system.crm.settings import CrmSettings
from system.crm.tests.harness import BUDGET, START, TERMS, awaiting_approval
from system.crm.tests.in_memory import InMemoryCrm
from system.kernel.ids import new_id


@pytest.fixture
def crm() -> InMemoryCrm:
    """Orders of the harness have waited since a day long past."""
    made = InMemoryCrm()
    made.clock.at = datetime.now(UTC)
    return made


def counted() -> float:
    return REGISTRY.get_sample_value("alexandrite_crm_orders_escalated_total", {"level": "administrators"}) or 0.0


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (0.99, None),
        (1.0, Level.SELLERS),
        (1.99, Level.SELLERS),
        (2.0, Level.ADMINISTRATORS),
        (9.0, Level.ADMINISTRATORS),
    ],
)
def test_the_level_is_a_share_of_the_budget(share: float, level: Level | None) -> None:
    now = START + BUDGET * share
    assert TERMS.level_at(now, waits_since=START, due_at=START + BUDGET) is level


def test_what_has_no_deadline_is_never_too_late_and_other_shares_may_be_set() -> None:
    assert TERMS.level_at(START + 99 * BUDGET, waits_since=START, due_at=None) is None
    early = EscalationTerms(sellers_percent=50, administrators_percent=75)
    assert early.level_at(START + BUDGET / 2, waits_since=START, due_at=START + BUDGET) is Level.SELLERS
    assert early.level_at(START + BUDGET * 0.8, waits_since=START, due_at=START + BUDGET) is Level.ADMINISTRATORS


def test_each_wait_has_one_reminder_of_the_administrators() -> None:
    order_id = new_id()
    assert reminder_id(order_id, START) == reminder_id(order_id, START)
    assert reminder_id(order_id, START) != reminder_id(order_id, START + timedelta(seconds=1))
    assert reminder_id(order_id, START) != reminder_id(new_id(), START)


def test_administrators_are_not_told_before_the_sellers() -> None:
    with pytest.raises(ValidationError, match="before the sellers"):
        CrmSettings(escalate_to_sellers_percent=200, escalate_to_administrators_percent=100)
    same = CrmSettings(escalate_to_sellers_percent=150, escalate_to_administrators_percent=150)
    assert same.escalation_terms == EscalationTerms(150, 150)


async def test_the_process_with_the_first_bucket_tells_and_counts(crm: InMemoryCrm) -> None:
    ids = [await awaiting_approval(crm) for _ in range(2)]
    timer = escalations(lambda: crm, TERMS, every_s=1)
    before = counted()

    assert await timer.tick(crm.make_uow, frozenset(range(1, 64))) == 0
    assert await timer.tick(crm.make_uow, frozenset({0, 7})) == 2
    assert await timer.tick(crm.make_uow, frozenset({0})) == 0

    assert [len(await crm.reminders(each)) for each in ids] == [1, 1]
    assert counted() - before == 2


async def test_one_that_fails_stops_no_other(crm: InMemoryCrm) -> None:
    order_id = await awaiting_approval(crm)

    class WithAStranger:
        async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
            return [new_id(), *await crm.waiting_too_long(now, terms=terms, limit=limit)]

    assert await escalations(WithAStranger, TERMS, every_s=1).tick(crm.make_uow, frozenset({0})) == 1
    assert (await crm.order(order_id)).escalation is not None
