"""Whether a piece can be cast in an alloy: each rule with a piece just on either side of it, and what a quote makes of it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from system.kernel.errors import Invalid
from system.kernel.ids import new_id
from system.pagekit.problems import codes_with_words
from system.pricing.adapters.rows import mesh_from_json, mesh_to_json, quote_from_row, quote_to_row
from system.pricing.application.views import quote_view
from system.pricing.domain.costing import PLAIN, cost_piece, labour_cost
from system.pricing.domain.mesh import Character, LengthUnit, MeshMeasure, Problem, Thickness
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Asked, Quote, QuoteKind, QuoteStatus, firm_price
from system.pricing.domain.verdict import Castability, Verdict, reason_codes, verdict_of, verdicts_of
from system.pricing.entrypoints.schemas import QuoteView

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(hours=24)
PLACE = (10.0, 0.0, -0.5)
CASTABLE, REVIEW, NOT = Castability.CASTABLE, Castability.NEEDS_REVIEW, Castability.NOT_CASTABLE


def walls(*shares: tuple[str, str]) -> Thickness:
    """Walls from (thickness up to, share) of the surface; what is left is 2 mm thick."""
    rest = 1 - sum((Decimal(share) for _, share in shares), Decimal(0))
    bins = [*((Decimal(upto), Decimal(share)) for upto, share in shares), (Decimal(2), rest)]
    return Thickness(_quantile(bins, "0.01"), _quantile(bins, "0.05"), Decimal(2), PLACE, 4000, tuple(bins))


def _quantile(bins: list[tuple[Decimal, Decimal]], share: str) -> Decimal:
    total = Decimal(0)
    for upto, each in bins:
        total += each
        if total > Decimal(share):
            return upto
    return bins[-1][0]


def like(torus: MeshMeasure, **changes: Any) -> MeshMeasure:
    """The golden ring, in one good body unless told otherwise."""
    sound = Character(1, 0, oriented=True, degenerate_facets=0, duplicate_facets=0, apart=1, thickness=walls())
    return replace(torus, character=replace(sound, **changes))


def said(measure: MeshMeasure, book: PriceBook, alloy: str = "gold_585") -> tuple[Castability, list[str]]:
    verdict = verdict_of(measure, book.alloys[alloy], book)
    return verdict.castability, [reason.code for reason in verdict.reasons]


# -- the rule ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "alloy", "expected"),
    [
        pytest.param([], "gold_585", (CASTABLE, []), id="thick"),
        pytest.param([("0.8", "1")], "gold_585", (CASTABLE, []), id="at-the-limit"),
        pytest.param([("0.778", "1")], "gold_585", (CASTABLE, []), id="below-it-by-less-than-measuring-errs"),
        pytest.param([("0.75", "0.006")], "gold_585", (REVIEW, ["wall-thin"]), id="thin-on-more-than-half-a-percent"),
        pytest.param([("0.75", "0.005")], "gold_585", (CASTABLE, []), id="thin-on-half-a-percent"),
        pytest.param([("0.36", "0.011")], "gold_585", (NOT, ["wall-too-thin"]), id="too-thin-on-more-than-a-percent"),
        pytest.param([("0.36", "0.009")], "gold_585", (REVIEW, ["wall-thin"]), id="too-thin-on-less-than-a-percent"),
        pytest.param([("0.36", "0.003")], "gold_585", (REVIEW, ["detail-fine"]), id="a-fine-detail"),
        pytest.param([("0.36", "0.0025")], "gold_585", (CASTABLE, []), id="the-tip-of-something"),
        pytest.param([("0.4", "1")], "gold_585", (REVIEW, ["wall-thin"]), id="at-the-limit-of-what-fills"),
        pytest.param([("0.9", "1")], "gold_585", (CASTABLE, []), id="passes-in-gold"),
        pytest.param([("0.9", "1")], "platinum_950", (REVIEW, ["wall-thin"]), id="and-not-in-platinum"),
        pytest.param([("0.45", "1")], "silver_925", (REVIEW, ["wall-thin"]), id="fills-in-silver"),
        pytest.param([("0.45", "1")], "platinum_950", (NOT, ["wall-too-thin"]), id="and-does-not-in-platinum"),
    ],
)
def test_walls_are_judged_by_how_much_of_them_is_thin(
    torus: MeshMeasure,
    book: PriceBook,
    shares: list[tuple[str, str]],
    alloy: str,
    expected: tuple[Castability, list[str]],
) -> None:
    assert said(like(torus, thickness=walls(*shares)), book, alloy) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"apart": 2, "bodies": 2}, "bodies-apart"),
        ({"cavities": 1}, "cavity-closed"),
        ({"thickness": None}, "wall-unknown"),
    ],
    ids=["apart", "hollow", "unknown"],
)
def test_a_seller_looks_at_what_walls_do_not_tell(
    torus: MeshMeasure, book: PriceBook, changes: dict[str, Any], reason: str
) -> None:
    assert said(like(torus, **changes), book) == (REVIEW, [reason])


@pytest.mark.parametrize(
    ("extents", "fits"),
    [
        pytest.param(("21", "21", "2"), True, id="a-ring"),
        pytest.param(("68", "68", "10"), True, id="a-bangle-stands"),
        pytest.param(("145", "20", "20"), True, id="a-pin-stands"),
        pytest.param(("20", "145", "20"), True, id="or-lies"),
        pytest.param(("147", "20", "20"), False, id="its-print-is-larger"),
        pytest.param(("90", "90", "90"), False, id="wide-on-every-side"),
    ],
)
def test_what_does_not_fit_the_flask_is_cast_in_parts(
    torus: MeshMeasure, book: PriceBook, extents: tuple[str, str, str], fits: bool
) -> None:
    x, y, z = (Decimal(side) for side in extents)
    measure = replace(like(torus), extents_mm=(x, y, z))
    assert said(measure, book) == ((CASTABLE, []) if fits else (REVIEW, ["flask-too-small"]))


def test_the_worst_is_said_first_and_the_rest_too(torus: MeshMeasure, book: PriceBook) -> None:
    measure = like(torus, thickness=walls(("0.2", "1")), apart=3, cavities=2)
    assert said(measure, book) == (NOT, ["wall-too-thin", "bodies-apart", "cavity-closed"])
    details = [reason.detail for reason in verdict_of(measure, book.alloys["gold_585"], book).reasons]
    assert details[0] == "The walls are 0.20 mm at the thinnest, and this metal needs 0.4 mm to fill the mould."
    assert "3 parts" in details[1] and "(2)" in details[2]


def test_every_reason_has_words_for_its_owner() -> None:
    assert reason_codes() <= codes_with_words()


def test_a_model_drawn_in_inches_is_judged_in_mm(torus: MeshMeasure, book: PriceBook) -> None:
    thin = walls(("0.02", "1"))
    measure = like(torus, thickness=replace(thin, p1_mm=Decimal("0.02")))
    assert said(measure, book)[0] is NOT
    inches = replace(measure.in_unit(LengthUnit.INCH), extents_mm=torus.extents_mm)
    assert said(inches, book) == (REVIEW, ["wall-thin"]), "0.508 mm"
    assert inches.character is not None and inches.character.thickness is not None
    assert inches.character.thickness.place == PLACE, "the place is where the file has it"


def test_shares_within_a_bin_are_by_proportion() -> None:
    thickness = Thickness(Decimal(1), Decimal(1), Decimal(1), PLACE, 4000, ((Decimal("1.023293"), Decimal(1)),))
    assert thickness.share_below(Decimal("0.99")) == 0
    assert float(thickness.share_below(Decimal("1.0116"))) == pytest.approx(0.5, abs=0.01)
    assert thickness.share_below(Decimal("1.03")) == 1


# -- the book ------------------------------------------------------------------------------------------------------------


def test_limits_are_data_of_the_book(torus: MeshMeasure, book: PriceBook, book_data: dict[str, Any]) -> None:
    data = copy.deepcopy(book_data)
    data["alloys"]["gold_585"] |= {"wall_min_mm": "1.2", "wall_reject_mm": "0.9"}
    stricter = PriceBook.from_data(data, version=2)
    measure = like(torus, thickness=walls(("0.8", "1")))
    assert (said(measure, book)[0], said(measure, stricter)[0]) == (CASTABLE, NOT)


def test_a_book_that_says_nothing_of_walls_has_those_of_the_trade(book: PriceBook, book_data: dict[str, Any]) -> None:
    old = copy.deepcopy(book_data)
    for alloy in old["alloys"].values():
        del alloy["wall_min_mm"], alloy["wall_reject_mm"]
    del old["size"]["flask_diameter_mm"], old["size"]["flask_height_mm"], old["rates"]["roughness_weight"]
    assert PriceBook.from_data(old, version=1) == book
    limits = {code: (str(alloy.wall_min_mm), str(alloy.wall_reject_mm)) for code, alloy in book.alloys.items()}
    assert limits == {
        "gold_585": ("0.8", "0.4"),
        "gold_750": ("0.8", "0.4"),
        "silver_925": ("0.8", "0.4"),
        "platinum_950": ("1.0", "0.5"),
    }


def test_what_passes_is_thicker_than_what_does_not(book_data: dict[str, Any]) -> None:
    data = copy.deepcopy(book_data)
    data["alloys"]["gold_585"] |= {"wall_min_mm": "0.4"}
    with pytest.raises(Invalid) as refusal:
        PriceBook.from_data(data, version=2)
    assert (refusal.value.extra["path"], refusal.value.extra["flaw"]) == (
        "alloys.gold_585.wall_min_mm",
        "not-above-least",
    )


def test_a_rough_surface_costs_more_only_where_the_book_says_so(
    torus: MeshMeasure, book: PriceBook, book_data: dict[str, Any]
) -> None:
    rough = like(torus, roughness=Decimal("3.5"))
    plain = cost_piece(measure=torus, alloy=book.alloys["gold_585"], book=book, extras=PLAIN, quantity=1)
    assert cost_piece(measure=rough, alloy=book.alloys["gold_585"], book=book, extras=PLAIN, quantity=1) == plain
    data = copy.deepcopy(book_data)
    data["rates"]["roughness_weight"] = "0.1"
    rates = PriceBook.from_data(data, version=2).rates
    more = labour_cost(rough, 0, rates) - labour_cost(torus, 0, rates)
    # 3.819 cm2 x 2.5 min/cm2 x 0.1 x (3.5 - 1) at 1200 an hour.
    assert float(more) == pytest.approx(3.819 * 2.5 * 0.1 * 2.5 / 60 * 1200, rel=1e-3)


# -- a quote -------------------------------------------------------------------------------------------------------------


def asked(book: PriceBook, material: str = "gold_585") -> Quote:
    return Quote(
        quote_id=new_id(),
        owner_id=new_id(),
        asked=Asked(QuoteKind.CUSTOM, material, 1, file_id=new_id(), mesh_sha256="0" * 64),
        created_at=NOW,
        price_book_version=1,
        spot_per_g=book.spot_of(book.alloys[material]),
    )


def priced(measure: MeshMeasure | Problem, book: PriceBook, material: str = "gold_585") -> Quote:
    return firm_price(asked(book, material), measure, book, now=NOW, valid_for=DAY)


def test_what_cannot_be_cast_has_no_price_and_the_place_to_thicken(torus: MeshMeasure, book: PriceBook) -> None:
    quote = priced(like(torus, thickness=walls(("0.45", "1"))), book, "platinum_950")
    assert quote.status is QuoteStatus.FAILED and quote.total is None
    assert quote.problem is not None and quote.problem.code == "wall-too-thin"
    assert quote.problem.places == (PLACE,)
    assert quote.problem.facts == {"thickness_mm": "0.45", "wall_min_mm": "1", "wall_reject_mm": "0.5"}
    assert quote.verdicts["gold_585"].castability is REVIEW, "what else it could be made of is told"


def test_what_needs_review_has_its_price_and_its_reasons(torus: MeshMeasure, book: PriceBook) -> None:
    quote = priced(like(torus, thickness=walls(("0.45", "1"))), book)
    assert quote.status is QuoteStatus.READY
    assert quote.total == priced(torus, book).total
    view = quote_view(quote)
    assert set(view["verdicts"]) == set(book.alloys)
    assert view["verdicts"]["gold_585"] == {
        "verdict": "needs_review",
        "reasons": [
            {
                "code": "wall-thin",
                "detail": "100.0 % of the surface has walls thinner than the 0.8 mm that this metal fills without reserve.",
                "facts": {"thickness_mm": "0.45", "wall_min_mm": "0.8", "wall_reject_mm": "0.4", "percent": "100.0"},
            }
        ],
    }
    assert view["mesh"]["thickness_mm"]["min_place"] == list(PLACE)
    assert QuoteView.model_validate(view).verdicts is not None


def test_what_an_earlier_version_measured_is_priced_without_a_verdict(torus: MeshMeasure, book: PriceBook) -> None:
    assert verdicts_of(torus, book) == {}
    quote = priced(torus, book)
    assert quote.status is QuoteStatus.READY and "verdicts" not in quote_view(quote)
    kept = json.loads(json.dumps(mesh_to_json(torus)))
    assert "character" not in kept
    assert mesh_from_json(kept) == torus


def test_what_is_known_of_a_model_is_kept_without_the_points_of_its_picture(
    torus: MeshMeasure, book: PriceBook
) -> None:
    thickness = replace(walls(("0.45", "0.5")), points=((1.0, 2.0, 3.0, 0.4),) * 2000)
    measure = like(torus, thickness=thickness, hull_volume_mm3=Decimal("719.0"), roughness=Decimal("2.9"))
    quote = priced(measure, book)
    row = quote_to_row(quote) | {"mesh": json.loads(json.dumps(quote_to_row(quote)["mesh"]))}
    assert len(json.dumps(row["mesh"])) < 4000
    read = quote_from_row(_Row(row))
    assert read.verdicts == quote.verdicts
    assert measure.character is not None
    kept = replace(measure.character, thickness=replace(thickness, points=()))
    assert read.mesh == replace(measure, character=kept)


class _Row:
    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def test_verdicts_of_a_quote_are_those_of_its_book(torus: MeshMeasure, book: PriceBook) -> None:
    verdicts: dict[str, Verdict] = dict(priced(like(torus), book).verdicts)
    assert {verdict.castability for verdict in verdicts.values()} == {CASTABLE}
