"""The price book as an administrator edits it: an alloy of one's own, and its metal's price moved."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from step_defs.drivers.http import Door, Refusal

PATH = "/api/pricing/v1/price-book"
TRIES_MAX = 20

Edit = Callable[[dict[str, Any]], None]


class PriceBook:
    """Edits the one book that everybody shares; somebody else's edit in between is read and kept."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def read(self) -> tuple[dict[str, Any], str]:
        """The whole book, and the version it is."""
        reply = self._door.get(PATH)
        return reply["book"], reply.headers["etag"]

    def save(self, book: dict[str, Any], read_as: str) -> None:
        """Replaces the book. Raises Refusal (412) when it is not `read_as` any more."""
        self._door.ask("PUT", PATH, json={"book": book}, headers={"If-Match": read_as})

    def edit(self, change: Edit) -> None:
        """Applies a change to the present book, again if somebody was faster."""
        for _ in range(TRIES_MAX):
            book, version = self.read()
            change(book)
            try:
                self.save(book, version)
            except Refusal as refusal:
                if refusal.status != 412:
                    raise
                continue
            return
        raise AssertionError(f"the price book changed under every one of {TRIES_MAX} edits")

    def add_alloy(self, code: str, *, like: str) -> None:
        """A new material made of a metal of its own, priced like another one."""

        def change(book: dict[str, Any]) -> None:
            alloy = copy.deepcopy(book["alloys"][like])
            book["spot_per_g"][code] = book["spot_per_g"][alloy["metal"]]
            alloy |= {"metal": code, "title": {"en": f"Alloy {code}", "ru": f"Сплав {code}"}}
            book["alloys"][code] = alloy

        self.edit(change)

    def move_metal(self, code: str, *, percent: Decimal) -> None:
        """Moves the price of an own alloy's metal."""

        def change(book: dict[str, Any]) -> None:
            price = Decimal(book["spot_per_g"][code]) * (1 + percent / 100)
            book["spot_per_g"][code] = str(price.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN))

        self.edit(change)

    def remove_alloy(self, code: str) -> None:
        """Takes an own alloy out of the book again."""

        def change(book: dict[str, Any]) -> None:
            book["alloys"].pop(code, None)
            book["spot_per_g"].pop(code, None)

        self.edit(change)
