"""What crosses pricing's HTTP boundary."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from system.messages.envelope import MoneyV1
from system.pricing.domain.engraving import TEXT_CHARACTERS_MAX
from system.pricing.domain.mesh import PLACES_MAX, LengthUnit
from system.pricing.domain.plan import REASON_CHARACTERS_MAX
from system.pricing.domain.quote import QUANTITY_MAX

Code = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
Sku = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]


class EngravingRequest(BaseModel):
    """A text to cut into the piece. What can be engraved is told by `GET /materials`."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=TEXT_CHARACTERS_MAX, examples=["A+B 2026"])
    height_mm: Decimal = Field(gt=0, le=100, decimal_places=2, examples=["2"])


class QuoteRequest(BaseModel):
    """A price for a model (`file_id`, `material`) or for a ready-made good (`sku`)."""

    model_config = ConfigDict(extra="forbid")

    file_id: UUID | None = None
    material: Code | None = Field(None, examples=["gold_585"])
    sku: Sku | None = Field(None, examples=["ring-classic-585"])
    quantity: int = Field(1, ge=1, le=QUANTITY_MAX)
    ring_size: str | None = Field(None, max_length=12, examples=["17.5", "US 7"])
    unit: LengthUnit | None = Field(
        None,
        description="what one unit of the model's coordinates means; without it what the file says, and mm where it says nothing",
    )
    stones: dict[Code, Annotated[int, Field(ge=1, le=2000)]] = Field(default_factory=dict, max_length=20)
    plating: Code | None = None
    engraving: EngravingRequest | None = None


class DisclosureView(BaseModel):
    """Something done to the model, or noticed."""

    code: str
    detail: str


class ThicknessView(BaseModel):
    """How thick the metal is: what 1 % and 5 % of the surface stay below, and the median.

    `min_place` is where it is thinnest, in units of the file.
    """

    p1: str
    p5: str
    median: str
    min_place: tuple[float, float, float]


class WallsView(BaseModel):
    """How thick the metal is, for a picture: at points spread over the surface, some hundred of them.

    A point is x, y, z in units of the file, and the thickness in mm. None are known of a model that is not analysed, or that is not
    closed. Walls are cast without reserve from `wall_min` mm, and not at all below `wall_reject` mm, in the alloy of the quote;
    as in a verdict, a wall is below a limit when it is so by more than the share `tolerance`.
    """

    points: list[tuple[float, float, float, float]]
    wall_min: str | None
    wall_reject: str | None
    tolerance: str


class MeshView(BaseModel):
    """What was measured."""

    volume_cm3: str
    area_cm2: str
    extents_mm: list[str]
    triangle_count: int
    shell_count: int
    disclosures: list[DisclosureView]
    bodies: int | None = Field(
        None, description="once the surface is checked: bodies of metal, their hollows not counted"
    )
    cavities: int | None = Field(None, description="once the surface is checked: closed hollows")
    thickness_mm: ThicknessView | None = None


class ReasonView(BaseModel):
    """Why a piece is not simply castable, or what made a difference."""

    code: str
    detail: str
    facts: dict[str, str] = Field(description="what is filled into the sentence, for one in another language")


class VerdictView(BaseModel):
    """Whether a piece can be cast in an alloy.

    What needs review is priced, and a seller looks at it; what cannot be cast has no price.
    """

    verdict: Literal["castable", "needs_review", "not_castable"]
    reasons: list[ReasonView]


class ProblemView(BaseModel):
    """Why there is no price, and what to do. What else is known stands beside it; prices of earlier days have the words alone."""

    code: str
    title: str
    detail: str
    facts: dict[str, str] | None = Field(
        None, description="what is filled into the sentence, for one in another language"
    )
    places: list[tuple[float, float, float]] | None = Field(
        None,
        max_length=PLACES_MAX,
        description="some points where the surface is broken, in units of the file, far from each other",
    )
    extents_mm: dict[LengthUnit, list[str]] | None = Field(
        None, description="of a size that is asked about: the sides in mm, were the model drawn in this unit"
    )


class ProgressView(BaseModel):
    """How far a calculation is."""

    stage: Literal["waiting", "reading", "first_look", "surface", "thickness"] = Field(
        description="waiting for a worker; the file is fetched and read; looked at as it is; its surface is checked; walls measured"
    )
    percent: int | None = Field(
        description="of the way to the price, 0 to 99; null where neither its triangles nor how long models of its size take are known"
    )


class EngravingView(BaseModel):
    """What is engraved. The text is null once the person it belongs to left us."""

    text: str | None
    height_mm: str
    characters: int


class DifferenceView(BaseModel):
    """By how much the firm price differs from the estimate, above zero when it is higher; the causes first, then their effects."""

    amount: MoneyV1
    reasons: list[ReasonView]


class QuoteView(BaseModel):
    """A quote. `estimate` comes first, from the file as it is; `total` is firm until `valid_until`."""

    quote_id: UUID
    owner_id: UUID
    status: Literal["QUEUED", "ANALYSING", "ESTIMATED", "READY", "FAILED"]
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None
    file_id: UUID | None
    sku: str | None
    unit: LengthUnit
    stones: dict[str, int]
    plating: str | None
    engraving: EngravingView | None = None
    estimate: MoneyV1 | None
    total: MoneyV1 | None
    breakdown: dict[str, Any] | None
    weight_g: str | None
    mesh: MeshView | None
    problem: ProblemView | None
    price_book_version: int
    valid_until: datetime | None
    created_at: datetime
    replaces: UUID | None
    remade_because: list[Literal["expired", "metal_moved"]]
    difference: DifferenceView | None = Field(None, description="of a firm price that is another one than its estimate")
    queue_position: int | None = Field(
        None, description="while it is calculated: its place among what waits, from 1; 0 when a worker is at it"
    )
    eta_s: float | None = Field(
        None, description="while it is calculated: seconds until it is done, where enough of its size were measured"
    )
    progress: ProgressView | None = Field(None, description="while it is calculated: how far it is")
    verdicts: dict[str, VerdictView] | None = Field(
        None, description="once the surface is checked: what can be said of each material's casting"
    )


class OwnQuoteView(BaseModel):
    """One of one's own quotes."""

    quote_id: UUID
    status: Literal["QUEUED", "ANALYSING", "ESTIMATED", "READY", "FAILED"]
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None
    file_id: UUID | None
    sku: str | None
    estimate: MoneyV1 | None
    total: MoneyV1 | None
    weight_g: str | None
    valid_until: datetime | None
    created_at: datetime
    problem: ProblemView | None


class OwnQuotesView(BaseModel):
    """Quotes, the newest first; `next` is the `after` of the following page."""

    items: list[OwnQuoteView]
    next: str | None


class TitleView(BaseModel):
    """A name in both languages."""

    ru: str
    en: str


class MaterialView(BaseModel):
    """An alloy customers can choose."""

    code: str
    title: TitleView
    metal: str
    density_g_cm3: str
    fineness: str


class ExtraView(BaseModel):
    """A stone or a plating customers can choose."""

    code: str
    title: TitleView


class EngravingTermsView(BaseModel):
    """What can be engraved, and at what price per piece: `setup` for each text, `per_character` for each sign but blanks."""

    setup: str
    per_character: str
    characters_max: int
    height_mm_min: str
    height_mm_max: str
    alphabet: str


class QuantityStepView(BaseModel):
    """So much off the price, as a share of one, from so many pieces on."""

    model_config = ConfigDict(populate_by_name=True)

    pieces: int = Field(alias="from")
    share: str


class MaterialsView(BaseModel):
    """Everything a piece can be made of."""

    items: list[MaterialView]
    stones: list[ExtraView]
    platings: list[ExtraView]
    engraving: EngravingTermsView | None = Field(None, description="null while we do not engrave")
    quantity_steps: list[QuantityStepView] = Field(default_factory=list)
    price_book_version: int
    currency: str


class PriceBookView(BaseModel):
    """One version of the price book; send `book`, changed, back with its ETag to make the next."""

    version: int
    book: dict[str, Any]


class PriceBookChange(BaseModel):
    """The whole next book; decimals are text."""

    model_config = ConfigDict(extra="forbid")

    book: dict[str, Any]
    reason: str | None = Field(None, max_length=REASON_CHARACTERS_MAX, description="why, for whoever reads it later")


class PriceBookProposal(BaseModel):
    """A whole book that is only looked at."""

    model_config = ConfigDict(extra="forbid")

    book: dict[str, Any]


class PriceBookPlan(BaseModel):
    """A whole book that comes into force later. What it changes is kept; all else stays as it is when it starts."""

    model_config = ConfigDict(extra="forbid")

    book: dict[str, Any]
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)
    starts_at: AwareDatetime


class PlanWithdrawal(BaseModel):
    """Why a planned book shall not start."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


class BookRecordView(BaseModel):
    """Who made a version of the price book, when it came into force, and why."""

    version: int
    made_by: str
    made_at: datetime
    reason: str | None
    quote_count: int | None = Field(None, description="how many quotes were priced by it")


class BookRecordsView(BaseModel):
    """Versions, the newest first; `next` is the `before` of the following page."""

    items: list[BookRecordView]
    next: int | None


class ChangeView(BaseModel):
    """One value of a book that differs. `share` is by how much a number moved: 0.0200 is 2 % up."""

    path: str
    before: str | None
    after: str | None
    share: str | None


class ChangesView(BaseModel):
    """What differs between two versions."""

    items: list[ChangeView]


class PlanView(BaseModel):
    """A planned book. `outcome` is empty before it starts, and `impossible` when it could not; `told` says why."""

    plan_id: UUID
    made_from: int
    changes: list[ChangeView]
    reason: str
    made_by: str
    made_at: datetime
    starts_at: datetime
    outcome: Literal["impossible", "started", "withdrawn"] | None = None
    told: str | None = None


class PlansView(BaseModel):
    """Planned books, the next to start first."""

    items: list[PlanView]


class MoveView(BaseModel):
    """A price before and after."""

    before: MoneyV1 | None
    after: MoneyV1 | None
    share: str | None
    direction: Literal["up", "down", "same", "gone"]


class GoodMoveView(MoveView):
    """A ready-made good."""

    sku: str


class TorusMoveView(MoveView):
    """The golden ring (inner diameter 17.35 mm, wire 2 mm), plain, in one material."""

    material: str


class QuoteMoveView(MoveView):
    """An open quote, which keeps its price; `remade` says that it would be made again when it is ordered."""

    quote_id: UUID
    material: str
    sku: str | None
    quantity: int
    weight_g: str | None
    remade: bool


class TallyView(BaseModel):
    """Open quotes counted. Those that can be priced no more (`gone`) are in neither sum."""

    count: int
    up: int
    down: int
    same: int
    gone: int
    remade: int
    before: MoneyV1
    after: MoneyV1
    share: str | None
    least: str | None
    most: str | None


class BarView(BaseModel):
    """How many quotes move by a share within these ends, those that do not move left out."""

    from_: str | None = Field(alias="from")
    to: str | None
    count: int


class QuotesEffectView(TallyView):
    """All open quotes: `open` is how many there are, `recalculated` how many of them, every so-manieth, were counted here."""

    open: int
    recalculated: int
    every: int
    by_material: dict[str, TallyView]
    bars: list[BarView]
    largest: list[QuoteMoveView]


class PreviewView(BaseModel):
    """What a book would do, were it in force now. Nothing of it is kept."""

    replaces: int
    currency: str
    changes: list[ChangeView]
    quotes: QuotesEffectView
    catalogue: list[GoodMoveView]
    torus: list[TorusMoveView]


class QuoteLookup(BaseModel):
    """Quotes by id."""

    quote_ids: list[UUID] = Field(max_length=500)


class SkuLookup(BaseModel):
    """Ready-made goods by sku."""

    skus: list[str] = Field(max_length=500)
