"""What is found out about pieces made after somebody's own model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from step_defs.dsl.shopper import Shopper
from step_defs.dsl.visitor import Visitor

if TYPE_CHECKING:
    from step_defs.dsl.world import World


def did_no_more_than(visitor: Visitor, count: int) -> None:
    """From the front page to the order it took at most so many actions, and at least the four that nobody can be spared."""
    done = visitor.actions
    assert 4 <= len(done) <= count, f"{visitor.name} did {len(done)} things: {', '.join(done)}"


def resumed_whole(world: World, shopper: Shopper) -> None:
    """Only missing parts were sent, and the file is the customer's own, byte by byte."""
    assert shopper.resumed is not None and shopper.broken_off is not None, f"{shopper.name} took nothing up again"
    resumed = shopper.resumed
    assert 0 < resumed.sent < resumed.parts, f"{resumed.sent} of {resumed.parts} parts were sent again"
    digest = hashlib.sha256(world.models.in_parts(shopper.broken_off[0])).hexdigest()
    assert (resumed.verdict["status"], resumed.verdict["sha256"]) == ("VERIFIED", digest), f"it is {resumed.verdict}"


def has_one_piece(shopper: Shopper) -> None:
    """The open order has one line of one piece, and it is the only one."""
    lines = [(line["file_id"], line["quantity"]) for line in shopper.order.asked()["lines"]]
    assert lines == [(shopper.wish["file_id"], 1)], f"the cart holds {lines}"
