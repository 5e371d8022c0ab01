"""Text that is cut into a piece: what a price book allows and charges, and what a customer asked for.

The words are a person's own. They are kept out of every `repr`, and of every refusal but for the characters that cannot be cut.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self

from system.kernel.errors import Invalid

TEXT_CHARACTERS_MAX = 200
"""What is read at all; what can be engraved is in the book."""


@dataclass(frozen=True, slots=True)
class EngravingTerms:
    """What can be engraved, and at what price per piece: `setup` for each text, `per_character` for each sign that is not a blank."""

    setup: Decimal
    per_character: Decimal
    characters_max: Decimal
    height_mm_min: Decimal
    height_mm_max: Decimal
    alphabet: str


@dataclass(frozen=True, slots=True)
class Engraving:
    """A text `height_mm` high. `characters` are those that are cut and paid for; the text itself is None once its person left."""

    height_mm: Decimal
    characters: int
    text: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, text: str, height_mm: Decimal) -> Self:
        """The engraving of a text as it was typed: composed characters, single blanks, none at the ends."""
        words = " ".join(unicodedata.normalize("NFC", text).split())
        return cls(height_mm, sum(not character.isspace() for character in words), words)

    def without_text(self) -> Self:
        """What stays for the accounting."""
        return replace(self, text=None)


def check_engraving(engraving: Engraving, terms: EngravingTerms | None) -> None:
    """Refuses what cannot be engraved. Raises Invalid with what to change."""
    if terms is None:
        raise Invalid("engraving-not-offered", "We do not engrave at present. Ask for a quote without an engraving.")
    text = engraving.text or ""
    if not engraving.characters:
        raise Invalid("engraving-empty", "Send the text to engrave, or no engraving.")
    if len(text) > terms.characters_max:
        raise Invalid(
            "engraving-too-long",
            f"The text has {len(text)} characters; at most {terms.characters_max} can be engraved.",
            characters=len(text),
            characters_max=int(terms.characters_max),
        )
    # Each once, in the order of the text.
    refused = "".join(dict.fromkeys(sign for sign in text if sign != " " and sign not in terms.alphabet))
    if refused:
        raise Invalid("engraving-characters", f"These characters cannot be engraved: {refused}", refused=refused)
    if not terms.height_mm_min <= engraving.height_mm <= terms.height_mm_max:
        raise Invalid(
            "engraving-height",
            f"Letters can be {terms.height_mm_min} to {terms.height_mm_max} mm high.",
            height_mm_min=str(terms.height_mm_min),
            height_mm_max=str(terms.height_mm_max),
        )


def engraving_cost(engraving: Engraving | None, terms: EngravingTerms | None) -> Decimal:
    """setup + characters x price of one, per piece. Raises Invalid when the book has no engraving."""
    if engraving is None:
        return Decimal(0)
    if terms is None:
        raise Invalid("engraving-not-offered", "We do not engrave at present. Ask for a quote without an engraving.")
    return terms.setup + engraving.characters * terms.per_character
