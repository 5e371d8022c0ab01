"""The other services over HTTP, at their internal addresses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel, Field

from system.kernel.errors import Unavailable
from system.kernel.money import Money
from system.messages.envelope import MoneyV1
from system.plumbing.service_client import ServiceClient
from system.plumbing.sparing import Kept
from system.plumbing.tokens import Principal
from system.shop.adapters.answers import misunderstood, read
from system.shop.application.ports import (
    CancellationOutcome,
    CareKind,
    CareReason,
    CareStep,
    CareWish,
    Case,
    Correspondence,
    GuestSession,
    Letter,
    ModelFile,
    ModelOrigin,
)
from system.shop.domain.catalogue import Language, Title
from system.shop.domain.errors import CancellationRefused, CareRefused, NotForSale
from system.shop.domain.options import Choice, EngravingLimits, Options
from system.shop.domain.quote import (
    Difference,
    Engraving,
    Extras,
    QuantityStep,
    Quote,
    QuoteProblem,
    QuoteReason,
    QuoteVerdict,
    Reason,
)

OPTIONS_KEPT_S = 10.0
CARE_REFUSED = frozenset({"return-too-early", "return-too-late", "case-already-open"})


class _Problem(BaseModel):
    code: str
    detail: str = ""
    title: str = ""
    facts: dict[str, str] | None = None

    def problem(self) -> QuoteProblem:
        """The problem in the shop's words."""
        return QuoteProblem(self.code, self.detail, self.title, self.facts)


class _Step(BaseModel):
    pieces: int = Field(alias="from")
    share: str

    def step(self) -> QuantityStep:
        """The discount in the shop's words."""
        return QuantityStep(self.pieces, self.share)


class _Breakdown(BaseModel):
    currency: str
    per_piece: dict[str, str] = {}
    quantity_step: _Step | None = None

    def items(self) -> dict[str, Money]:
        """What one piece costs, item by item."""
        return {name: Money.of(amount, self.currency) for name, amount in self.per_piece.items()}


class _Disclosure(BaseModel):
    code: str


class _Mesh(BaseModel):
    disclosures: list[_Disclosure] = []


class _Engraving(BaseModel):
    height_mm: str
    text: str | None = Field(None, repr=False)


class _Reason(BaseModel):
    code: str
    detail: str = ""
    facts: dict[str, str] | None = None


class _Difference(BaseModel):
    amount: MoneyV1
    reasons: list[_Reason]

    def difference(self) -> Difference:
        """The difference in the shop's words."""
        reasons = tuple(Reason(each.code, each.facts or {}, each.detail) for each in self.reasons)
        return Difference(self.amount.money(), reasons)


class _Verdict(BaseModel):
    verdict: str
    reasons: list[_Reason] = []

    def said(self) -> QuoteVerdict:
        """The verdict in the shop's words."""
        return QuoteVerdict(
            self.verdict, tuple(QuoteReason(each.code, each.detail, each.facts) for each in self.reasons)
        )


class _Quote(BaseModel):
    quote_id: UUID
    owner_id: UUID
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    estimate: MoneyV1 | None = None
    total: MoneyV1 | None = None
    problem: _Problem | None = None
    weight_g: str | None = None
    valid_until: datetime | None = None
    breakdown: _Breakdown | None = None
    mesh: _Mesh | None = None
    verdicts: dict[str, _Verdict] | None = None
    # A pricing of the release before has none of these.
    stones: dict[str, int] = {}
    plating: str | None = None
    engraving: _Engraving | None = None
    difference: _Difference | None = None
    price_book_version: int | None = None

    def extras(self) -> Extras | None:
        """What it is priced with besides its metal."""
        if not (self.stones or self.plating or self.engraving):
            return None
        engraving = Engraving(self.engraving.height_mm, self.engraving.text) if self.engraving else None
        return Extras(self.stones, self.plating, engraving)

    def quote(self) -> Quote:
        """The quote in the shop's words."""
        return Quote(
            id=self.quote_id,
            owner_id=self.owner_id,
            kind=self.kind,
            material=self.material,
            quantity=self.quantity,
            ring_size=self.ring_size,
            file_id=self.file_id,
            sku=self.sku,
            estimate=self.estimate.money() if self.estimate else None,
            total=self.total.money() if self.total else None,
            problem=self.problem.problem() if self.problem else None,
            weight_g=self.weight_g,
            valid_until=self.valid_until,
            per_piece=self.breakdown.items() if self.breakdown else None,
            disclosures=tuple(each.code for each in self.mesh.disclosures) if self.mesh else (),
            extras=self.extras(),
            difference=self.difference.difference() if self.difference else None,
            price_book_version=self.price_book_version,
            step=self.breakdown.quantity_step.step() if self.breakdown and self.breakdown.quantity_step else None,
            verdicts={metal: each.said() for metal, each in self.verdicts.items()} if self.verdicts else None,
        )


class _Quotes(BaseModel):
    items: list[_Quote]


class _Prices(BaseModel):
    prices: dict[str, MoneyV1]


class _Choice(BaseModel):
    code: str
    title: dict[str, str]

    def choice(self) -> Choice:
        """The choice in the shop's words."""
        return Choice(self.code, Title(ru=self.title["ru"], en=self.title["en"]))


class _EngravingTerms(BaseModel):
    characters_max: int
    height_mm_min: str
    height_mm_max: str
    alphabet: str


class _Materials(BaseModel):
    stones: list[_Choice]
    platings: list[_Choice]
    # A pricing of the release before has neither.
    engraving: _EngravingTerms | None = None
    quantity_steps: list[_Step] = []

    def options(self) -> Options:
        """What can be chosen, in the shop's words."""
        return Options(
            stones=tuple(each.choice() for each in self.stones),
            platings=tuple(each.choice() for each in self.platings),
            engraving=EngravingLimits(**self.engraving.model_dump()) if self.engraving else None,
            steps=tuple(each.step() for each in self.quantity_steps),
        )


class _File(BaseModel):
    file_id: UUID
    owner_id: UUID
    status: str
    filename: str
    problem: _Problem | None = None
    origin: ModelOrigin = ModelOrigin.UPLOADED

    def model(self) -> ModelFile:
        """The model in the shop's words."""
        problem = self.problem.problem() if self.problem else None
        return ModelFile(self.file_id, self.owner_id, self.status, self.filename, problem, self.origin)


class _Letter(BaseModel):
    letter_id: UUID
    side: Literal["customer", "seller"]
    author: str
    text: str
    at: datetime

    def letter(self) -> Letter:
        """The letter in the shop's words."""
        return Letter(self.letter_id, self.side, self.author, self.text, self.at)


class _CareStep(BaseModel):
    state: str
    side: Literal["customer", "seller"]
    by: str
    at: datetime
    text: str


class _Case(BaseModel):
    case_id: UUID
    kind: CareKind
    reason: CareReason
    line_ids: list[UUID]
    state: str
    due_at: datetime | None
    return_to: str | None
    steps: list[_CareStep]

    def case(self) -> Case:
        """The return or complaint in the shop's words."""
        steps = tuple(CareStep(each.state, each.side, each.by, each.at, each.text) for each in self.steps)
        wish = CareWish(self.kind, self.reason, tuple(self.line_ids))
        return Case(self.case_id, wish, self.state, self.due_at, self.return_to, steps)


class _Letters(BaseModel):
    items: list[_Letter]
    # A CRM of the release before knows of no returns.
    cases: list[_Case] = []
    offers: list[CareKind] = []
    return_until: datetime | None = None


class _Guest(BaseModel):
    access_token: str
    user_id: UUID
    cookies: tuple[str, ...]


class HttpPricing:
    """Pricing's internal API, and what it tells everybody."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._options = Kept(self._ask_options, OPTIONS_KEPT_S)

    async def quote_ready_made(
        self, *, sku: str, quantity: int, ring_size: str | None, line_id: UUID, acting_for: Principal
    ) -> Quote:
        """A quote owned by `acting_for`. Raises NotForSale, Unavailable."""
        response = await self._client.request(
            "POST",
            "pricing",
            "/internal/quotes",
            json={"sku": sku, "quantity": quantity} | ({"ring_size": ring_size} if ring_size else {}),
            headers={"Idempotency-Key": str(line_id)},
            acting_for=acting_for,
        )
        if response.status_code in (404, 409, 422):
            raise NotForSale(sku, detail=_problem(response).get("detail", "pricing does not know it."))
        return read("pricing", response, _Quote).quote()

    async def quotes(self, quote_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """The quotes as they are now. Raises Unavailable."""
        wanted = [str(quote_id) for quote_id in quote_ids]
        if not wanted:
            return {}
        response = await self._client.request("POST", "pricing", "/internal/quotes/lookup", json={"quote_ids": wanted})
        return {item.quote_id: item.quote() for item in read("pricing", response, _Quotes).items}

    async def catalogue_prices(self, skus: Iterable[str]) -> dict[str, Money]:
        """What one piece of each good costs. Raises Unavailable."""
        response = await self._client.request(
            "POST", "pricing", "/internal/catalogue-prices", json={"skus": sorted(skus)}
        )
        return {sku: price.money() for sku, price in read("pricing", response, _Prices).prices.items()}

    async def options(self) -> Options:
        """What can be chosen for a piece of one's own, as it was a moment ago at most. Raises Unavailable."""
        return await self._options.get()

    async def _ask_options(self) -> Options:
        response = await self._client.request("GET", "pricing", "/api/pricing/v1/materials")
        return read("pricing", response, _Materials).options()


class HttpFiles:
    """Files' internal API."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def model(self, file_id: UUID, *, acting_for: Principal) -> ModelFile | None:
        """The model, or None when there is no such file. Raises Unavailable."""
        response = await self._client.request("GET", "files", f"/internal/files/{file_id}", acting_for=acting_for)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        return read("files", response, _File).model()


class HttpOrchestrator:
    """The orchestrator's internal API."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def cancel(self, order_id: UUID, *, reason: str | None, acting_for: Principal) -> CancellationOutcome:
        """Cancels, or asks for it. Raises CancellationRefused, Unavailable."""
        response = await self._client.request(
            "POST",
            "orchestrator",
            f"/internal/orders/{order_id}/cancellation",
            json={
                "actor": (acting_for.name or str(acting_for.subject))[:200],
                "actor_kind": "customer",
                "reason": reason,
            },
            acting_for=acting_for,
        )
        match response.status_code:
            case httpx.codes.OK:
                return CancellationOutcome.CANCELLED
            case httpx.codes.ACCEPTED:
                return CancellationOutcome.REQUESTED
            case httpx.codes.CONFLICT:
                problem = _problem(response)
                raise CancellationRefused(
                    detail=problem.get("detail", "This order cannot be cancelled any more."),
                    status=problem.get("order_status"),
                    allowed=list(problem.get("allowed", [])),
                )
            case httpx.codes.NOT_FOUND:
                # The order's first message is still on its way there.
                raise Unavailable("order-on-its-way", "This order was only just started; try again in a moment.")
        raise misunderstood("orchestrator", response)


class HttpLetters:
    """CRM's internal API."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def of(self, order_id: UUID, *, acting_for: Principal) -> Correspondence:
        """What was written about an order. Raises Unavailable."""
        response = await self._client.request(
            "GET", "crm", f"/internal/orders/{order_id}/letters", acting_for=acting_for
        )
        told = read("crm", response, _Letters)
        return Correspondence(
            letters=tuple(item.letter() for item in told.items),
            cases=tuple(item.case() for item in told.cases),
            offers=tuple(told.offers),
            return_until=told.return_until,
        )

    async def send(
        self, order_id: UUID, letter: Letter, *, acting_for: Principal, wish: CareWish | None = None
    ) -> Letter:
        """Passes a letter on. Raises CareRefused, Unavailable; the latter also while CRM has not heard of the order."""
        asked = (
            {"kind": wish.kind, "reason": wish.reason, "line_ids": [str(each) for each in wish.line_ids]}
            if wish
            else {}
        )
        response = await self._client.request(
            "POST",
            "crm",
            f"/internal/orders/{order_id}/letters",
            json={
                "letter_id": str(letter.id),
                "author": letter.author,
                "text": letter.text,
                "at": letter.at.isoformat(),
            }
            | asked,
            acting_for=acting_for,
        )
        if response.status_code == httpx.codes.CONFLICT and (problem := _problem(response)).get("code") in CARE_REFUSED:
            raise CareRefused(
                problem["code"],
                detail=str(problem.get("detail", "")),
                **{name: problem[name] for name in ("until", "days") if name in problem},
            )
        if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT):
            raise Unavailable("order-on-its-way", "This order was only just submitted; try again in a moment.")
        return read("crm", response, _Letter).letter()


class HttpIdentity:
    """Identity's internal API."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def guest(self, language: Language) -> GuestSession:
        """A guest's session. Raises Unavailable."""
        response = await self._client.request("POST", "identity", "/internal/guests", json={"language": language})
        opened = read("identity", response, _Guest)
        return GuestSession(opened.access_token, opened.user_id, opened.cookies)


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
