"""What administrators do with the rates of pay. Rates and withdrawals are only added, one command at a time."""

from __future__ import annotations

from system.kernel.money import Money
from system.mes.application.commands import SetPayRate, WithdrawPayRate
from system.mes.application.ports import MesUnitOfWork
from system.mes.application.views import pay_rate_view, rate_withdrawal_view
from system.mes.domain.errors import PayRatesChanged
from system.mes.domain.pay import PayRate
from system.mes.domain.rates import RateWithdrawal, planned_for, withdrawal_of
from system.mes.domain.work_order import Operator
from system.plumbing.unit_of_work import Answer

ALL_RATES = "pay_rate"
"""What is locked while rates change: two administrators are one after the other, and the second sees what the first did."""


async def set_pay_rate(command: SetPayRate, uow: MesUnitOfWork, *, currency: str) -> Answer:
    """From its moment on claims earn by the new rate; those before keep what they earned.

    Raises PayRatesChanged when `version` is another one by now, and what `planned_for` raises."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await uow.lock(ALL_RATES)
        rates, withdrawals = await uow.pay_rates.all(), await uow.pay_rates.withdrawals()
        if command.version is not None and command.version != version_of(rates, withdrawals):
            raise PayRatesChanged()
        wanted = PayRate(
            material=command.material,
            valid_from=uow.now if command.valid_from is None else command.valid_from,
            per_piece=Money(command.per_piece, currency),
            per_gram=Money(command.per_gram, currency),
            set_by=command.set_by,
            set_at=uow.now,
            reason=command.reason,
        )
        rate = planned_for(wanted, rates, withdrawals, now=uow.now)
        await uow.pay_rates.add(rate)
        await uow.audit(
            actor=_named(command.set_by), action="set_pay_rate", subject=rate.material, details=_details(rate)
        )
        return await uow.commit(Answer(201, pay_rate_view(rate)))


async def withdraw_pay_rate(command: WithdrawPayRate, uow: MesUnitOfWork) -> Answer:
    """Nobody will be paid by the planned rate. Raises PayRateNotFound, PayRateBegan."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await uow.lock(ALL_RATES)
        withdrawal = withdrawal_of(
            command.material,
            command.valid_from,
            await uow.pay_rates.all(),
            by=command.withdrawn_by,
            because=command.reason,
            now=uow.now,
        )
        await uow.pay_rates.withdraw(withdrawal)
        await uow.audit(
            actor=_named(command.withdrawn_by),
            action="withdraw_pay_rate",
            subject=command.material,
            details=_details(withdrawal.rate) | {"because": withdrawal.because},
        )
        return await uow.commit(Answer(200, rate_withdrawal_view(withdrawal)))


def version_of(rates: tuple[PayRate, ...], withdrawals: tuple[RateWithdrawal, ...]) -> int:
    """Which state of the rates this is: what is only added to has as many versions as rows, and a withdrawn rate is two of them."""
    return len(rates) + 2 * len(withdrawals)


def _named(person: Operator) -> str:
    return f"{person.name} ({person.id})"


def _details(rate: PayRate) -> dict[str, str | None]:
    return {
        "valid_from": rate.valid_from.isoformat(),
        "per_piece": str(rate.per_piece.amount),
        "per_gram": str(rate.per_gram.amount),
        "currency": rate.per_piece.currency,
        "reason": rate.reason,
    }
