"""What is wrong with a model or its price, in words of whoever made the model: what it is, and what to do.

By the codes of files and pricing, which are the same on every page and in every language.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from system.pagekit.words import N_


class ProblemWords(NamedTuple):
    """What is wrong, and what its owner can do about it."""

    title: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class _Said:
    """Messages of the catalogue. `exactly` is said instead of `what_to_do` where every fact in it is known."""

    title: str
    what_to_do: str
    exactly: str | None = None


_PROBLEMS: Mapping[str, _Said] = {
    "not-a-model": _Said(
        N_("This file is not a model we can read"),
        N_(
            "We read STL, 3MF, OBJ, PLY, GLB and glTF. Export the model as one of them from your program and upload that file."
        ),
    ),
    "mesh-truncated": _Said(
        N_("The model is cut off"),
        N_("The file ends before it should. Export the model again and upload the whole file."),
    ),
    "mesh-malformed": _Said(
        N_("The file contradicts itself"),
        N_("Some of its triangles cannot be read. Export the model again, best as binary STL."),
    ),
    "mesh-decimal-comma": _Said(
        N_("The numbers have commas"),
        N_(
            "Your program writes fractions with a comma. Set the point as its decimal sign, and export the model again."
        ),
    ),
    "format-known-not-read": _Said(
        N_("We do not read this format"),
        N_("Export the model as STL, 3MF, OBJ, PLY or GLB from your program and upload that file."),
        N_("This is %(format)s. Export the model as STL, 3MF, OBJ, PLY or GLB from your program and upload that file."),
    ),
    "external-reference": _Said(
        N_("A part of the model is in another file"),
        N_(
            "The file refers to another one, and we got this one only. Export everything into one file: GLB, 3MF or STL."
        ),
        N_(
            "The file refers to “%(reference)s”, and we got this one only. Export everything into one file: GLB, 3MF or STL."
        ),
    ),
    "package-unsafe": _Said(
        N_("We do not open this archive"),
        N_("There is something in it that no model needs. Export the model again, or as binary STL."),
    ),
    "model-beyond-limits": _Said(
        N_("The model asks for too much"),
        N_("It has more parts, or longer descriptions, than we can read. Simplify it, or export it as binary STL."),
    ),
    "mesh-empty": _Said(
        N_("The model is empty"),
        N_("There is not one triangle in the file. Select the solid in your program, export it and look at the file."),
    ),
    "mesh-not-finite": _Said(
        N_("Some points of the model are nowhere"),
        N_("Some coordinates are no numbers. Repair the model in your program and export it again."),
    ),
    "mesh-too-large": _Said(
        N_("The model is too detailed"),
        N_("It has more triangles than we can read. Export it with a coarser tolerance."),
        N_(
            "It has %(triangle_count)s triangles, and we read up to %(triangle_count_max)s. Export it with a coarser tolerance."
        ),
    ),
    "mesh-not-closed": _Said(
        N_("The surface has holes"),
        N_(
            "Only a closed surface has an inside that can be cast. Close the holes in your program (repair, make solid) and upload"
            " the model again."
        ),
        N_(
            "Only a closed surface has an inside that can be cast; here %(open_edge_count)s edges are open. Close the holes in your"
            " program (repair, make solid) and upload the model again."
        ),
    ),
    "mesh-no-volume": _Said(
        N_("The model has no thickness"),
        N_("It is a surface with no metal inside. Give it a thickness in your program and upload it again."),
    ),
    "mesh-too-tangled": _Said(
        N_("Too many parts are inside out"),
        N_(
            "We cannot tell the bodies from the hollows. Turn the parts outwards or join them, and upload the model again."
        ),
    ),
    "wall-too-thin": _Said(
        N_("The walls are too thin for this metal"),
        N_("Thicken the marked place, or choose another metal: some are cast thinner than others."),
        N_(
            "At the thinnest they are %(thickness_mm)s mm, and this metal does not fill a mould below %(wall_reject_mm)s mm. Thicken"
            " the marked place to %(wall_min_mm)s mm or more, or choose another metal."
        ),
    ),
    "wall-thin": _Said(
        N_("Some walls are thin for this metal"),
        N_("We look at them before we cast it. Thicker walls are safer."),
        N_(
            "%(percent)s %% of the surface is thinner than %(wall_min_mm)s mm, at the thinnest %(thickness_mm)s mm. We look at it"
            " before we cast it; thicker is safer."
        ),
    ),
    "detail-fine": _Said(
        N_("Some details are very fine"),
        N_("They may not come out of the mould. We look at them before we cast it."),
        N_(
            "What is thinner than %(wall_reject_mm)s mm may not come out of the mould. We look at it before we cast it."
        ),
    ),
    "wall-unknown": _Said(
        N_("We could not measure the walls"), N_("We look at the model ourselves before we cast it.")
    ),
    "flask-too-small": _Said(
        N_("It is larger than our mould"),
        N_("We would cast it in parts and join them, and look at it first."),
        N_("Sides of %(extents_mm)s mm do not fit. We would cast it in parts and join them, and look at it first."),
    ),
    "bodies-apart": _Said(
        N_("It would fall apart"),
        N_("Some of its parts do not touch each other. Join them, unless they shall be loose: we look at it first."),
        N_("Its %(bodies)s parts do not touch each other. Join them, unless they shall be loose: we look at it first."),
    ),
    "cavity-closed": _Said(
        N_("It is hollow and closed"),
        N_("The mould's powder stays inside. Open each hollow with a hole of 2 mm; we look at it first."),
    ),
    "size-implausible": _Said(
        N_("Is this size meant?"),
        N_(
            "In these units the piece is far smaller or larger than jewelry. Say which unit the model is drawn in, or scale it."
        ),
        N_(
            "Its longest side would be %(extent_mm)s mm, and we make %(extent_mm_min)s to %(extent_mm_max)s mm. Say which unit the"
            " model is drawn in, or scale it."
        ),
    ),
    "analysis-timed-out": _Said(
        N_("Measuring took too long"),
        N_("The model is too intricate for us. Simplify it, or write to us and we will look at it ourselves."),
    ),
    "analysis-crashed": _Said(
        N_("The model could not be measured"),
        N_("Simplify it, or write to us and we will look at it ourselves."),
    ),
    "file-unavailable": _Said(
        N_("The model's file is gone"),
        N_("What you uploaded cannot be read any more. Upload the model again and ask for a new price."),
    ),
    "material-unknown": _Said(
        N_("We no longer work in this metal"), N_("Choose another metal and ask for a new price.")
    ),
    "stone-unknown": _Said(
        N_("We no longer set this stone"), N_("Choose another stone, or none, and ask for a new price.")
    ),
    "plating-unknown": _Said(
        N_("We no longer plate like this"), N_("Choose another plating, or none, and ask for a new price.")
    ),
    "engraving-not-offered": _Said(
        N_("We no longer engrave like this"), N_("Ask for a new price without an engraving.")
    ),
    "cancelled": _Said(
        N_("The calculation was stopped"), N_("Nothing is being measured. Ask for the price again whenever you like.")
    ),
    "sku-unknown": _Said(N_("We no longer sell this"), N_("Choose another piece from the catalogue.")),
    "quote-unknown": _Said(N_("There is no such price"), N_("Ask for a new price and order again.")),
    "size-mismatch": _Said(
        N_("The file did not arrive whole"), N_("The connection broke off on the way. Upload the file again.")
    ),
    "file-too-large": _Said(
        N_("The file is too large"),
        N_("Export the model as binary STL or with a coarser tolerance, and upload it again."),
    ),
}


def problem_words(
    code: str, facts: Mapping[str, object] | None, translated: Callable[[str], str]
) -> ProblemWords | None:
    """What a problem is called and what to do about it, in the language of `translated`; None for a code that has no words."""
    said = _PROBLEMS.get(code)
    if said is None:
        return None
    what_to_do = translated(said.what_to_do)
    if said.exactly is not None and facts:
        # What an earlier release kept lacks facts: it is said without them.
        with contextlib.suppress(KeyError):
            what_to_do = translated(said.exactly) % dict(facts)
    return ProblemWords(translated(said.title), what_to_do)


def codes_with_words() -> frozenset[str]:
    """Every code that has words."""
    return frozenset(_PROBLEMS)
