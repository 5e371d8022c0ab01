"""Deeds and outcomes around pay rates and metal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S
from step_defs.dsl.rate_desk import PLANNED, WITHDRAWN
from step_defs.dsl.words import OWN_ALLOY

if TYPE_CHECKING:
    from step_defs.dsl.desk import Desk
    from step_defs.dsl.operator import Operator
    from step_defs.dsl.world import World

TOMORROW = timedelta(days=1)
MOMENT_AHEAD = timedelta(seconds=8)
"""Long enough to look at what the rate means and to confirm it, and soon enough to wait for."""
KOPECK = Decimal("0.01")


def sets_rate(world: World, *, per_piece: Decimal, per_gram: Decimal, ahead: timedelta) -> None:
    """The administrator sets a rate of the scenario's own alloy."""
    material = world.material(OWN_ALLOY)
    world.administrator().sets_rate(material, per_piece=per_piece, per_gram=per_gram, ahead=ahead)


def rate_begins(world: World) -> None:
    """The rate that was set is in force."""
    world.administrator().sees_rate_begin(world.material(OWN_ALLOY))


def withdraws_rate(world: World, reason: str) -> None:
    """The administrator takes the planned rate of the scenario's own alloy back."""
    world.administrator().withdraws_rate(world.material(OWN_ALLOY), reason=reason)


def rate_is_withdrawn(world: World) -> None:
    """Nothing is planned for the alloy any more, and what was is shown as withdrawn."""
    material, rates = world.material(OWN_ALLOY), world.administrator().rates
    assert not rates.shown(PLANNED, material), "a rate is planned still"
    assert len(rates.shown(WITHDRAWN, material)) == 1, "the withdrawn rate is not shown"


def earned_by(operator: Operator, world: World, *, per_piece: Decimal, per_gram: Decimal) -> None:
    """The operator's newest earning for the order is so much for each piece and for each of its grams."""
    work_order = operator.details(world.order)
    grams = Decimal(work_order["weight_g"])
    expected = ((per_piece + per_gram * grams) * work_order["quantity"]).quantize(KOPECK)
    earned = operator.earned(world.order)
    assert earned == expected, f"{operator.name} earned {earned} for {grams} g, not {expected}"


def lost(desk: Desk, operator: Operator, grams: Decimal) -> None:
    """The page of losses shows that the operator lost so many grams in all."""
    eventually(
        lambda: [
            Decimal(line["lost_g"])
            for line in desk.losses()
            if line["operator_id"] == operator.user_id and line["lost_g"] is not None
        ],
        lambda found: sum(found) == grams and bool(found),
        within_s=SOON_S,
        what=f"{grams} g lost by {operator.name}",
    )
