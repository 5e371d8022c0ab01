"""What is refused before anything is put into an order."""

from __future__ import annotations

from system.shop.domain import rules
from system.shop.domain.errors import QuantityRefused, QuoteDoesNotFit
from system.shop.domain.order import Line
from system.shop.domain.quote import Quote


def check_quantity(quantity: int) -> None:
    """Raises QuantityRefused for more pieces than a line holds, and for none."""
    if not rules.quantity_is_allowed(quantity):
        raise QuantityRefused(quantity, at_most=rules.QUANTITY_MAX)


def check_quote(line: Line, quote: Quote) -> None:
    """Raises QuoteDoesNotFit, with what differs, for a quote that was made for something else."""
    differences = rules.quote_differences(
        quote,
        kind=line.kind,
        material=line.material,
        quantity=line.quantity,
        ring_size=line.ring_size,
        file_id=line.file_id,
        sku=line.sku,
    )
    if differences:
        raise QuoteDoesNotFit(differences)
