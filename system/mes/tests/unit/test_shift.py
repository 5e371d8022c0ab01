"""The shift lead's figures, put together from what was read."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.mes.application import shift
from system.mes.application.shift import Outlook, Shift
from system.mes.domain.flow import Move, Standing
from system.mes.entrypoints.shift import version_of, with_moments
from system.mes.entrypoints.shift_api import CalculationsView, FlowView, LateRiskView
from system.mes.tests.harness import OLEG, OLGA, TERMS

ZONE = ZoneInfo("Europe/Moscow")
OUTLOOK = Outlook(flow_days=7, forecast_days=5, forecast_finished_min=10, refreshed_s=60.0)
STEADY = [
    Move(None, "RELEASED", 12),
    Move("RELEASED", "CLAIMED", 12),
    Move("CLAIMED", "COMPLETED", 12),
    Move("COMPLETED", "PACKING", 12),
    Move("PACKING", "SHIPPED", 12),
]


def piece(
    state: str = "RELEASED", *, promised_in: timedelta = timedelta(days=21), lain: timedelta = timedelta(hours=1)
) -> Standing:
    now = datetime.now(UTC)
    held = (OLEG.id, OLEG.name) if state != "RELEASED" else (None, None)
    return Standing(new_id(), "A-26000123", "Ring", state, now - lain, now - lain, now, now + promised_in, *held)


class Workshop:
    """What MES and pricing would answer."""

    def __init__(self, *, moves: list[Move] | None = None, standing: list[Standing] | None = None) -> None:
        self.past = STEADY if moves is None else moves
        self.pieces = standing or []
        self.asked: list[datetime] = []
        self.pricing: Any = {"items": [], "running": 0, "waiting": 0, "workers": 1, "typical_s": {}}

    async def moves(self, *, begins: datetime, ends: datetime, zone: str) -> dict[date, list[Move]]:
        self.asked.append(begins)
        first, last = begins.astimezone(ZONE).date(), ends.astimezone(ZONE).date()
        return {first + timedelta(days=day): self.past for day in range((last - first).days + 1)}

    async def operators_moves(self, *, begins: datetime, ends: datetime) -> dict[tuple[UUID, str], list[Move]]:
        nothing = [Move("COMPLETED", "PACKING", 1)]
        return {(OLEG.id, OLEG.name): STEADY, (OLGA.id, OLGA.name): nothing}

    async def counts(self) -> dict[str, int]:
        return {state: sum(one.state == state for one in self.pieces) for state in {each.state for each in self.pieces}}

    async def standing(self) -> list[Standing]:
        return self.pieces

    async def operators_seen(self, since: datetime) -> list[tuple[UUID, str, datetime]]:
        return [(OLGA.id, OLGA.name, datetime.now(UTC))]

    async def queue(self) -> dict[str, Any]:
        if isinstance(self.pricing, BaseException):
            raise self.pricing
        answer: dict[str, Any] = self.pricing
        return answer

    def lead(self, outlook: Outlook = OUTLOOK) -> Shift:
        return Shift(self, self, outlook=outlook, terms=TERMS, zone=ZONE)


async def test_what_is_told_has_the_shape_of_the_contract() -> None:
    lead = Workshop(standing=[piece(), piece("CLAIMED")]).lead()
    assert FlowView.model_validate(await lead.figures()).days[-1].shipped == 12
    assert LateRiskView.model_validate(await lead.late_risk(limit=10)).counts.on_time == 2
    assert CalculationsView.model_validate(await lead.calculations()).workers == 1


async def test_what_will_be_late_is_known_before_it_is_late_and_why() -> None:
    waiting = [piece() for _ in range(40)] + [piece(promised_in=timedelta(days=2))]
    told = await Workshop(standing=waiting).lead().late_risk(limit=10)
    worst = told["items"][0]
    assert (worst["risk"], worst["why"]) == ("late", {"state": "RELEASED", "position": 41, "per_day": 12})
    assert worst["forecast"]["likely"] > worst["promise_at"] > datetime.now(UTC).isoformat()
    assert (told["counts"]["late"], told["counts"]["on_time"], told["more"]) == (1, 40, 31)


async def test_only_one_risk_is_shown_when_that_is_asked_for() -> None:
    lead = Workshop(standing=[piece(), piece(promised_in=timedelta(minutes=1))]).lead()
    assert [one["risk"] for one in (await lead.late_risk(risk="on_time", limit=10))["items"]] == ["on_time"]


async def test_before_enough_was_finished_nothing_is_foretold_and_what_is_past_its_day_is_late() -> None:
    lead = Workshop(moves=[], standing=[piece(), piece(promised_in=timedelta(seconds=-1))]).lead()
    told = await lead.late_risk(limit=10)
    assert [(one["risk"], one["forecast"], one["why"]) for one in told["items"]] == [
        ("late", None, None),
        ("unknown", None, None),
    ]
    assert (told["pace"]["known"], told["pace"]["finished"], told["pace"]["finished_min"]) == (False, 0, 10)


async def test_days_that_are_over_are_read_once() -> None:
    workshop = Workshop()
    lead = workshop.lead(Outlook(7, 5, 10, refreshed_s=0.0))
    await lead.figures()
    await lead.figures()
    first, again = workshop.asked
    today = datetime.now(ZONE).date()
    assert first.date() == today - timedelta(days=6)
    assert again.date() >= today - timedelta(days=1)
    assert len((await lead.figures())["days"]) == 7


async def test_everybody_is_told_from_one_reading() -> None:
    workshop = Workshop()
    lead = workshop.lead()
    await asyncio.gather(*(lead.figures() for _ in range(20)), lead.late_risk(limit=1))
    assert len(workshop.asked) == 1


async def test_who_has_had_work_lie_the_longest_comes_first_and_free_hands_last() -> None:
    pieces = [piece("CLAIMED", lain=timedelta(hours=1)), piece("CLAIMED", lain=timedelta(hours=30))]
    [oleg, olga] = (await Workshop(standing=pieces).lead().figures())["in_hand"]
    assert (oleg["name"], oleg["claimed"], oleg["claims_max"]) == ("Oleg", 2, TERMS.claims_max)
    assert [each["work_order_id"] for each in oleg["pieces"]] == [
        str(pieces[1].work_order_id),
        str(pieces[0].work_order_id),
    ]
    assert (olga["name"], olga["claimed"], olga["idle_since"]) == ("Olga", 0, None)


async def test_an_operator_who_made_and_shipped_nothing_is_not_in_the_day() -> None:
    assert [each["name"] for each in (await Workshop().lead().figures())["operators_today"]] == ["Oleg"]


@pytest.mark.parametrize("trouble", [Unavailable("pricing-unavailable", "away"), TimeoutError()])
async def test_pricing_may_be_away_and_the_rest_is_told(trouble: Exception) -> None:
    workshop = Workshop()
    workshop.pricing = trouble
    lead = workshop.lead()
    assert await lead.calculations() is None
    assert (await lead.figures())["days"]


async def test_pricing_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift, "PRICING_TIMEOUT_S", 0.01)
    workshop = Workshop()

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(workshop, "queue", never)
    assert await workshop.lead().calculations() is None


async def test_charts_have_another_version_when_they_show_something_else() -> None:
    workshop = Workshop()
    lead = workshop.lead(Outlook(7, 5, 10, refreshed_s=0.0))
    first, same = version_of(await lead.figures()), version_of(await lead.figures())
    workshop.pieces = [piece()]
    assert first == same != version_of(await lead.figures())


def test_a_calculation_says_when_it_is_done_where_that_is_known() -> None:
    now = datetime.now(UTC)
    told = with_moments({"items": [{"eta_s": 4.0}, {"eta_s": None}]}, now=now)
    assert told is not None
    assert [item["done_at"] for item in told["items"]] == [now + timedelta(seconds=4), None]
    assert with_moments(None, now=now) is None
