"""The page of the rates of pay: what holds, what is planned, what was; and a new rate, looked at before it is set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Refused
from system.mes.application.commands import SetPayRate, WithdrawPayRate
from system.mes.application.rates import set_pay_rate, withdraw_pay_rate
from system.mes.domain.work_order import Operator
from system.mes.entrypoints import typed
from system.mes.entrypoints.api import Uow, operator_of
from system.mes.entrypoints.pages import BASE, Shown
from system.mes.entrypoints.rates_api import Administrator, Currency, Rates
from system.mes.entrypoints.schemas import PAID_MAX
from system.pagekit.pages import Said

RATES = f"{BASE}/rates"
TYPED_MAX = 600

router = APIRouter(prefix=RATES)
Text = Annotated[str, Query(max_length=TYPED_MAX)]
Sent = Annotated[str, Form(max_length=TYPED_MAX)]


@dataclass(frozen=True, slots=True)
class Wish:
    """A new rate as somebody typed it: nothing of it is checked yet, and all of it is shown again."""

    material: Text = ""
    per_piece: Text = ""
    per_gram: Text = ""
    valid_from: Text = ""
    reason: Text = ""

    def command(self, zone: ZoneInfo, set_by: Operator, version: int | None) -> SetPayRate:
        """What it means. Raises what refuses it."""
        return SetPayRate(
            material=typed.material(self.material),
            per_piece=typed.number(self.per_piece or "0", least=typed.NOTHING, most=PAID_MAX),
            per_gram=typed.number(self.per_gram or "0", least=typed.NOTHING, most=PAID_MAX),
            valid_from=typed.moment(self.valid_from, zone),
            reason=typed.reason(self.reason),
            set_by=set_by,
            version=version,
        )

    def address(self) -> str:
        """Where it can be changed."""
        return f"{RATES}/new?{urlencode(asdict(self) | {'change': 'yes'})}"


@dataclass(frozen=True, slots=True)
class Desk:
    """One administrator at the rates, with all that answers them."""

    request: Request
    who: Administrator
    rates: Rates
    pages: Shown
    uow: Uow

    async def overview(self, *, said: Said | None = None, status: int = 200) -> Response:
        """All rates, and an empty form."""
        return self._page("rates.html", await self.rates.rates(), wish=Wish(), said=said, status=status)

    async def new(self, wish: Wish, *, asks: bool, said: Said | None = None, status: int = 200) -> Response:
        """The form as it was filled in; below it, when it can be understood, what it means and a button that sets it.

        `asks`: somebody wants to change something first."""
        meaning = None
        if not asks:
            try:
                meaning = await self._meaning(wish)
            except Refused as refusal:
                said, status = said or self.pages.refusal(self.request, refusal), max(status, refusal.status)
        rates = await self.rates.rates()
        return self._page("rate_new.html", rates, wish=wish, meaning=meaning, said=said, status=status)

    async def _meaning(self, wish: Wish) -> dict[str, Any]:
        wanted = wish.command(self.pages.zone, operator_of(self.who), None)
        return await self.rates.meaning(
            material=wanted.material,
            per_piece=wanted.per_piece,
            per_gram=wanted.per_gram,
            valid_from=wanted.valid_from,
        )

    def _page(self, template: str, rates: dict[str, Any], **shown: Any) -> Response:
        return self.pages.render(self.request, template, who=self.who, rates=rates, **shown)


AtRates = Annotated[Desk, Depends()]


@router.get("")
async def rates_page(desk: AtRates) -> Response:
    """What holds now, what is planned and what was."""
    return await desk.overview()


@router.get("/new")
async def new_rate_page(desk: AtRates, wish: Annotated[Wish, Depends()], change: str = "") -> Response:
    """What the rate would mean, before anything is set."""
    return await desk.new(wish, asks=bool(change))


@router.post("")
async def set_rate_form(
    desk: AtRates,
    currency: Currency,
    material: Sent = "",
    per_piece: Sent = "",
    per_gram: Sent = "",
    valid_from: Sent = "",
    reason: Sent = "",
    version: Annotated[int | None, Form()] = None,
) -> Response:
    """Sets what was looked at and confirmed."""
    wish = Wish(material, per_piece, per_gram, valid_from, reason)
    try:
        command = wish.command(desk.pages.zone, operator_of(desk.who), version)
        await set_pay_rate(command, desk.uow, currency=currency)
    except Refused as refusal:
        said = desk.pages.refusal(desk.request, refusal)
        return await desk.new(wish, asks=False, said=said, status=refusal.status)
    return RedirectResponse(RATES, status_code=303)


@router.post("/withdrawal")
async def withdraw_rate_form(desk: AtRates, material: Sent = "", valid_from: Sent = "", reason: Sent = "") -> Response:
    """Takes a planned rate back."""
    try:
        begins = typed.moment(valid_from, desk.pages.zone)
        if begins is None:
            raise typed.MomentUnreadable(valid_from)
        command = WithdrawPayRate(typed.material(material), begins, typed.reason(reason), operator_of(desk.who))
        await withdraw_pay_rate(command, desk.uow)
    except Refused as refusal:
        return await desk.overview(said=desk.pages.refusal(desk.request, refusal), status=refusal.status)
    return RedirectResponse(RATES, status_code=303)
