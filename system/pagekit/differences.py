"""Why a firm price is another one than its estimate, in words of whoever was told both, by pricing's codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from system.pagekit.words import N_

_REASONS: Mapping[str, str] = {
    "cavity-found": N_("Hollow spaces inside (%(cavities)s, together %(volume_mm3)s mm³) are not charged."),
    "overlap-counted-once": N_("Bodies overlap: the %(volume_mm3)s mm³ they share are charged once."),
    "facets-turned": N_("Some facets (%(facets)s) faced the wrong way and were turned: now all the metal is counted."),
    "turned-inside-out": N_("The whole model was inside out and was turned."),
    "bodies-turned": N_("Some bodies (%(bodies)s) were inside out and were turned: now their metal is counted."),
    "overlap-not-measured": N_("Bodies may overlap where it could not be measured."),
    "weight-differs": N_("One piece weighs %(after_g)s g, and not %(before_g)s g as at the first look."),
    "surface-work": N_(
        "Finishing the surface, by its area and how intricate it is, takes %(after)s %(currency)s and not %(before)s."
    ),
    "book-changed": N_("Our prices changed meanwhile: price book %(after)s is in force, and not %(before)s."),
}


def reason_words(code: str, facts: Mapping[str, object], translated: Callable[[str], str]) -> str | None:
    """The sentence in the language of `translated`; None for a code without words, or for one whose facts are not all there."""
    message = _REASONS.get(code)
    try:
        return translated(message) % dict(facts) if message is not None else None
    except KeyError:
        return None


def reasons_with_words() -> frozenset[str]:
    """Every code that has words."""
    return frozenset(_REASONS)
