"""What people call the values of a price book, in which unit each is written, and what is wrong with one.

A value that has no name yet, because a new book brought it, is shown by its code and edited as a plain number.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.pagekit.words import N_

SECTIONS: Mapping[str, str] = {
    "spot_per_g": N_("Metal prices"),
    "alloys": N_("Materials"),
    "stones": N_("Stones"),
    "platings": N_("Platings"),
    "quantity_steps": N_("Discounts for many pieces"),
    "engraving": N_("Engraving"),
    "catalogue": N_("Ready-made goods"),
    "general": N_("Limits and tolerances"),
    "rates_casting": N_("Casting"),
    "rates_print": N_("Printing the pattern"),
    "rates_labour": N_("Work by hand"),
    "rates_price": N_("Stones, margin and tax"),
}
# Every rate belongs to the first group whose names begin like it; those that no group knows, to the last.
RATE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "rates_casting": ("casting_", "sprue_"),
    "rates_print": ("print_",),
    "rates_labour": ("labour_", "preparation_", "finishing_", "complexity_", "roughness_", "setting_"),
    "rates_price": ("",),
}
METALS: Mapping[str, str] = {
    "gold": N_("Gold"),
    "silver": N_("Silver"),
    "platinum": N_("Platinum"),
    "palladium": N_("Palladium"),
}
FIELDS: Mapping[str, str] = {
    "code": N_("Code"),
    "currency": N_("Currency"),
    "metal_tolerance": N_("Metal tolerance: a quote is made again beyond it"),
    "extent_mm_min": N_("Smallest piece, longest side"),
    "extent_mm_max": N_("Largest piece, longest side"),
    "spot_per_g": N_("Spot price"),
    "metal": N_("Metal"),
    "material": N_("Material"),
    "density_g_cm3": N_("Density"),
    "fineness": N_("Fineness"),
    "casting_loss": N_("Casting loss"),
    "casting_yield": N_("Castings that succeed"),
    "premium": N_("Premium over spot"),
    "quantity_steps": N_("Discount"),
    "pieces": N_("From so many pieces"),
    "share": N_("Discount"),
    "setup": N_("Setting up, per text"),
    "per_character": N_("Each character"),
    "characters_max": N_("Longest text, characters"),
    "height_mm_min": N_("Smallest letters"),
    "height_mm_max": N_("Largest letters"),
    "alphabet": N_("Characters that can be engraved"),
    "wall_min_mm": N_("Walls that pass, from"),
    "wall_reject_mm": N_("Walls that do not, below"),
    "flask_diameter_mm": N_("Flask, inner diameter"),
    "flask_height_mm": N_("Flask, height"),
    "price": N_("Price"),
    "price_per_g": N_("Metal of the coat"),
    "thickness_um": N_("Thickness"),
    "bath": N_("Bath, per piece"),
    "sprue_share": N_("Sprue, of the weight"),
    "sprue_charged": N_("Sprue that is charged"),
    "casting_per_piece": N_("Casting, per piece"),
    "casting_per_g": N_("Casting, by weight"),
    "print_per_piece": N_("Printing, per piece"),
    "print_per_cm3": N_("Printing, by volume"),
    "print_scale": N_("Scale of the print (a casting shrinks)"),
    "labour_per_hour": N_("Hourly rate"),
    "preparation_minutes": N_("Preparing the print"),
    "finishing_minutes": N_("Finishing, per piece"),
    "finishing_minutes_per_cm2": N_("Finishing, by surface"),
    "complexity_weight": N_("Weight of an intricate surface"),
    "roughness_weight": N_("Weight of a surface that bends much"),
    "complexity_max": N_("Intricacy counts up to"),
    "setting_minutes_per_stone": N_("Setting, per stone"),
    "stone_breakage": N_("Stones that break"),
    "hallmark": N_("Hallmark, per piece"),
    "overhead": N_("Workshop, per piece"),
    "margin": N_("Margin, of the price before tax"),
    "tax": N_("Tax, on the price"),
    "ru": N_("Name in Russian"),
    "en": N_("Name in English"),
}
# Kept as shares of one, written and typed in percent.
SHARES = frozenset(
    {
        "metal_tolerance",
        "casting_loss",
        "casting_yield",
        "premium",
        "share",
        "sprue_share",
        "sprue_charged",
        "stone_breakage",
        "margin",
        "tax",
    }
)
UNITS: Mapping[str, str] = {
    "share": N_("%"),
    "money": N_("{currency}"),
    "money_per_g": N_("{currency}/g"),
    "money_per_cm3": N_("{currency}/cm³"),
    "money_per_hour": N_("{currency}/h"),
    "g_cm3": N_("g/cm³"),
    "minutes": N_("min"),
    "minutes_per_cm2": N_("min/cm²"),
    "mm": N_("mm"),
    "um": N_("µm"),
}
_UNIT_OF: Mapping[str, str] = {
    "spot_per_g": "money_per_g",
    "price_per_g": "money_per_g",
    "casting_per_g": "money_per_g",
    "print_per_cm3": "money_per_cm3",
    "labour_per_hour": "money_per_hour",
    "density_g_cm3": "g_cm3",
    "preparation_minutes": "minutes",
    "finishing_minutes": "minutes",
    "finishing_minutes_per_cm2": "minutes_per_cm2",
    "setting_minutes_per_stone": "minutes",
    "extent_mm_min": "mm",
    "extent_mm_max": "mm",
    "height_mm_min": "mm",
    "height_mm_max": "mm",
    "wall_min_mm": "mm",
    "wall_reject_mm": "mm",
    "flask_diameter_mm": "mm",
    "flask_height_mm": "mm",
    "thickness_um": "um",
    **dict.fromkeys(
        ("price", "bath", "casting_per_piece", "print_per_piece", "hallmark", "overhead", "setup", "per_character"),
        "money",
    ),
    **dict.fromkeys(SHARES, "share"),
}
FLAWS: Mapping[str, str] = {
    "missing": N_("Type a number."),
    "not-a-number": N_("This is not a number. Type it as in 1234.5."),
    "comma": N_("Type decimals with a point, as in 1234.5."),
    "too-long": N_("Too many digits: at most nine before the point and six behind it."),
    "negative": N_("It cannot be below zero."),
    "not-above-zero": N_("It has to be above zero."),
    "not-below-one": N_("It has to be below 100 %."),
    "above-one": N_("It cannot be more than the whole: 1, or 100 %."),
    "not-above-least": N_("It has to be above the smallest."),
    "no-words": N_("Write something here."),
    "too-many-words": N_("Say it in at most 100 characters."),
    "not-a-code": N_("A code has small Latin letters, digits and _ only, as in gold_585."),
    "not-a-sku": N_("A code has small Latin letters, digits and - only, as in ring-classic-585."),
    "not-a-count": N_("It has to be a whole number; of pieces, at least 2."),
    "code-taken": N_("There is something of this code already."),
    "unusable": N_("The book does not know this. Choose one that is there, or add it too."),
}


def unit_of(name: str) -> str:
    """The code of the unit that a value is written in; nothing for a plain number."""
    return _UNIT_OF.get(name, "")
