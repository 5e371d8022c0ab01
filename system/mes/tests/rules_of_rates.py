"""The rules of the rates of pay. Every class of ports has to keep them: `unit` tries them in memory, `integration` on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from system.kernel.ids import new_id
from system.mes.application.commands import SetPayRate, WithdrawPayRate
from system.mes.application.rates import set_pay_rate, version_of, withdraw_pay_rate
from system.mes.domain.errors import (
    PayRateBegan,
    PayRateInThePast,
    PayRateMomentTaken,
    PayRateNotFound,
    PayRatePaysNothing,
    PayRatesChanged,
    PayRateTooFarAhead,
)
from system.mes.domain.work_order import Operator
from system.mes.tests.harness import OLEG, START, Mes, claim, released, spec
from system.plumbing.unit_of_work import Answer

ADA = Operator(UUID("00000000-0000-4000-8000-00000000000c"), "Ada")
TOMORROW = START + timedelta(days=1)
# 600 + 2 g x 40, by the rate of any material; 1000 + 2 g x 100 by the new one.
BY_THE_OLD, BY_THE_NEW = Decimal("680.00"), Decimal("1200.00")


def own_alloy() -> str:
    """Rates are never taken away: each test has a material of its own."""
    return f"alloy_{new_id().hex[-12:]}"


async def sets(
    mes: Mes,
    material: str,
    valid_from: datetime | None = TOMORROW,
    *,
    per_piece: str = "1000",
    per_gram: str = "100",
    version: int | None = None,
) -> Answer:
    """Ada sets a rate."""
    command = SetPayRate(material, Decimal(per_piece), Decimal(per_gram), valid_from, "dearer work", ADA, version)
    return await set_pay_rate(command, mes.make_uow(), currency="RUB")


async def withdraws(mes: Mes, material: str, valid_from: datetime = TOMORROW) -> Answer:
    """Ada takes a planned rate back."""
    return await withdraw_pay_rate(WithdrawPayRate(material, valid_from, "a slip", ADA), mes.make_uow())


async def earned(mes: Mes, material: str) -> Decimal:
    """What a claim of two grams of the material earns now."""
    _, [work_order_id] = await released(mes, spec(material=material))
    await claim(mes, work_order_id, OLEG)
    [entry] = await mes.ledger(work_order_id)
    return entry.amount.amount


class RateRules:
    """What a rate changes, from when on, and how it is taken back."""

    async def test_a_planned_rate_changes_nothing_before_its_moment_and_holds_from_it_on(self, mes: Mes) -> None:
        material = own_alloy()
        answer = await sets(mes, material)
        assert (answer.status, answer.body and answer.body["set_by"]) == (201, "Ada")
        mes.clock.at = TOMORROW - timedelta(microseconds=1)
        assert await earned(mes, material) == BY_THE_OLD
        mes.clock.at = TOMORROW
        assert await earned(mes, material) == BY_THE_NEW

    async def test_what_was_earned_stays_when_a_rate_is_set_at_once(self, mes: Mes) -> None:
        material = own_alloy()
        _, [before] = await released(mes, spec(material=material))
        await claim(mes, before, OLEG)
        await sets(mes, material, None)
        assert await earned(mes, material) == BY_THE_NEW
        assert [entry.amount.amount for entry in await mes.ledger(before)] == [BY_THE_OLD]

    async def test_a_rate_never_begins_in_the_past(self, mes: Mes) -> None:
        with pytest.raises(PayRateInThePast):
            await sets(mes, own_alloy(), START - timedelta(seconds=1))

    async def test_what_cannot_be_meant_is_refused(self, mes: Mes) -> None:
        with pytest.raises(PayRateTooFarAhead):
            await sets(mes, own_alloy(), START + timedelta(days=367))
        with pytest.raises(PayRatePaysNothing):
            await sets(mes, own_alloy(), per_piece="0", per_gram="0.00")

    async def test_a_withdrawn_rate_pays_nobody(self, mes: Mes) -> None:
        material = own_alloy()
        await sets(mes, material)
        answer = await withdraws(mes, material)
        assert answer.body is not None
        assert (answer.body["withdrawn_by"], answer.body["withdrawn_because"]) == ("Ada", "a slip")
        mes.clock.at = TOMORROW + timedelta(hours=1)
        assert await earned(mes, material) == BY_THE_OLD

    async def test_the_moment_of_a_withdrawn_rate_can_be_planned_again(self, mes: Mes) -> None:
        material = own_alloy()
        for _ in range(2):
            again = await sets(mes, material, per_piece="1")
            assert again.body is not None
            await withdraws(mes, material, datetime.fromisoformat(again.body["valid_from"]))
        await sets(mes, material)
        mes.clock.at = TOMORROW + timedelta(seconds=1)
        assert await earned(mes, material) == BY_THE_NEW

    async def test_one_rate_begins_at_one_moment(self, mes: Mes) -> None:
        material = own_alloy()
        await sets(mes, material)
        with pytest.raises(PayRateMomentTaken):
            await sets(mes, material, per_piece="2")
        await sets(mes, own_alloy())

    async def test_what_began_is_not_withdrawn(self, mes: Mes) -> None:
        material = own_alloy()
        await sets(mes, material)
        mes.clock.at = TOMORROW
        with pytest.raises(PayRateBegan):
            await withdraws(mes, material)
        assert await earned(mes, material) == BY_THE_NEW

    async def test_nothing_is_withdrawn_twice_or_that_never_was(self, mes: Mes) -> None:
        material = own_alloy()
        with pytest.raises(PayRateNotFound):
            await withdraws(mes, material)
        await sets(mes, material)
        await withdraws(mes, material)
        with pytest.raises(PayRateNotFound):
            await withdraws(mes, material)

    async def test_who_looked_at_other_rates_is_told_so(self, mes: Mes) -> None:
        material = own_alloy()
        seen = await version(mes)
        await sets(mes, material, version=seen)
        with pytest.raises(PayRatesChanged):
            await sets(mes, material, TOMORROW + timedelta(hours=1), version=seen)
        seen = await version(mes)
        await withdraws(mes, material)
        with pytest.raises(PayRatesChanged):
            await sets(mes, material, version=seen)


async def version(mes: Mes) -> int:
    """The version of the rates as they are."""
    async with mes.make_uow() as uow:
        return version_of(await uow.pay_rates.all(), await uow.pay_rates.withdrawals())
