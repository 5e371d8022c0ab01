"""Whether a piece can be cast in an alloy, and why not: the limits are the price book's, the measure is the model's.

castable        nothing speaks against it
needs_review    it is priced, and a seller sees the reasons before approving it
not_castable    no firm price in this alloy

A sharp edge or the tip of a prong is thin on every good piece, so walls are judged by how much of the surface is too thin: beyond a
hundredth of it below `wall_reject_mm` (that is p1) the piece does not fill; beyond half a hundredth below `wall_min_mm` it may not;
a quarter of a hundredth below `wall_reject_mm` is a detail that may be lost. A wall counts as thin when it is so by more
than what measuring errs by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import permutations
from typing import Any

from system.pricing.domain.mesh import MeshMeasure, Problem, Thickness
from system.pricing.domain.price_book import Alloy, PriceBook

TOLERANCE = Decimal("0.05")
"""What thickness may err by: facets cut into the round that they stand for."""
THIN_SHARE = Decimal("0.005")
DETAIL_SHARE = Decimal("0.0025")


class Castability(StrEnum):
    """What a caster says of a piece, the best first."""

    CASTABLE = "castable"
    NEEDS_REVIEW = "needs_review"
    NOT_CASTABLE = "not_castable"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a piece is not simply castable: a stable code, and the facts of its sentence."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence its owner reads. Raises KeyError on a code nobody described."""
        return _REASONS[self.code].format(**self.facts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one alloy, and why; the worst reason first."""

    castability: Castability
    reasons: tuple[Reason, ...] = ()


_REASONS = {
    "wall-too-thin": "The walls are {thickness_mm} mm at the thinnest, and this metal needs {wall_reject_mm} mm to fill the mould.",
    "wall-thin": "{percent} % of the surface has walls thinner than the {wall_min_mm} mm that this metal fills without reserve.",
    "detail-fine": "Some details are thinner than {wall_reject_mm} mm and may not come out of the mould.",
    "wall-unknown": "We could not measure how thick the walls are.",
    "flask-too-small": "Sides of {extents_mm} mm do not fit into our flask, so it is cast in parts and joined.",
    "bodies-apart": "It consists of {bodies} parts that do not touch, and would fall apart.",
    "cavity-closed": "Closed hollows ({cavities}) keep the mould's powder inside; each needs a hole to wash it out.",
}


def verdicts_of(measure: MeshMeasure, book: PriceBook) -> dict[str, Verdict]:
    """The verdict on each alloy of the book; none at all on a model of which nothing but its measure is known."""
    return {code: verdict_of(measure, alloy, book) for code, alloy in book.alloys.items()} if measure.character else {}


def verdict_of(measure: MeshMeasure, alloy: Alloy, book: PriceBook) -> Verdict:
    """The verdict on one alloy. The measure is in mm and has a character."""
    character = measure.character
    assert character is not None, "a verdict needs more than a first look"
    reasons: list[Reason] = []
    if character.thickness is None:
        reasons.append(Reason("wall-unknown"))
    elif (wall := _wall_reason(character.thickness, alloy)) is not None:
        reasons.append(wall)
    if character.apart is not None and character.apart > 1:
        reasons.append(Reason("bodies-apart", {"bodies": str(character.apart)}))
    if character.cavities:
        reasons.append(Reason("cavity-closed", {"cavities": str(character.cavities)}))
    if not _fits_flask(measure, book):
        reasons.append(
            Reason("flask-too-small", {"extents_mm": " x ".join(f"{side:.0f}" for side in measure.extents_mm)})
        )
    if any(reason.code == "wall-too-thin" for reason in reasons):
        return Verdict(Castability.NOT_CASTABLE, tuple(reasons))
    return Verdict(Castability.NEEDS_REVIEW if reasons else Castability.CASTABLE, tuple(reasons))


def wall_problem(measure: MeshMeasure, verdict: Verdict | None) -> Problem | None:
    """Why a piece has no price in an alloy that it cannot be cast in, with the place to thicken."""
    if verdict is None or verdict.castability is not Castability.NOT_CASTABLE:
        return None
    assert measure.character is not None and measure.character.thickness is not None
    return Problem.of(verdict.reasons[0].code, **verdict.reasons[0].facts).at([measure.character.thickness.place])


def _wall_reason(thickness: Thickness, alloy: Alloy) -> Reason | None:
    """What is wrong with the walls in this alloy, by the rule above."""
    thin_mm, too_thin_mm = alloy.wall_min_mm * (1 - TOLERANCE), alloy.wall_reject_mm * (1 - TOLERANCE)
    facts = {
        "thickness_mm": f"{thickness.p1_mm:.2f}",
        "wall_min_mm": f"{alloy.wall_min_mm.normalize():f}",
        "wall_reject_mm": f"{alloy.wall_reject_mm.normalize():f}",
    }
    if thickness.p1_mm < too_thin_mm:
        return Reason("wall-too-thin", facts)
    thin_share = thickness.share_below(thin_mm)
    if thin_share > THIN_SHARE:
        return Reason("wall-thin", facts | {"percent": f"{thin_share * 100:.1f}"})
    if thickness.share_below(too_thin_mm) > DETAIL_SHARE:
        return Reason("detail-fine", facts)
    return None


def _fits_flask(measure: MeshMeasure, book: PriceBook) -> bool:
    """Whether the printed pattern, which is larger than the piece, stands or lies in the flask, along one of its sides."""
    grown: Any = [side * book.rates.print_scale for side in measure.extents_mm]
    diameter2 = book.flask_diameter_mm**2
    return any(up <= book.flask_height_mm and one**2 + two**2 <= diameter2 for up, one, two in permutations(grown))


def reason_codes() -> frozenset[str]:
    """Every code that a verdict can name."""
    return frozenset(_REASONS)
