"""What measuring a model yields: a measure, or a fault with a remedy. Lengths are mm until a unit is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from math import isfinite, log
from typing import Any, Self

ANALYSER_VERSION = 3
"""Raise it when the same file may measure differently: kept analyses of an older version are then not used."""
PLACES_MAX = 20
THICKNESS_STEP = Decimal("1.023293")
"""From one bound of a histogram of thickness to the next: a hundredth of a decade."""

Place = tuple[float, float, float]
"""x, y, z in units of the file, as its coordinates stand there: whoever draws the file can mark it."""


class LengthUnit(StrEnum):
    """What one unit of a model's coordinates means. STL, OBJ and PLY do not say; jewelry programs write mm."""

    MM = "mm"
    CM = "cm"
    M = "m"
    INCH = "in"

    @property
    def in_mm(self) -> Decimal:
        """The length of one unit in mm."""
        return {"mm": Decimal(1), "cm": Decimal(10), "m": Decimal(1000), "in": Decimal("25.4")}[self.value]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Something pricing did to a model, or noticed, that its owner should know."""

    code: str
    facts: Mapping[str, Any]

    @property
    def detail(self) -> str:
        """The sentence its owner reads. Raises KeyError on a code nobody described."""
        return _DISCLOSURES[self.code].format(**self.facts)

    def scaled(self, scale: Decimal) -> Self:
        """The same when lengths are `scale` times as long."""
        if "volume_mm3" not in self.facts:
            return self
        volume_mm3 = (Decimal(self.facts["volume_mm3"]) * scale**3).quantize(Decimal("0.001"))
        return replace(self, facts={**self.facts, "volume_mm3": str(volume_mm3)})


_DISCLOSURES = {
    "facets-turned": "{facets} facets faced inwards; we turned them, which moves no surface. The firm price counts all the metal.",
    "turned-inside-out": "The whole model was inside out; we turned it.",
    "bodies-turned": "{bodies} bodies were inside out; we turned them.",
    "cavity-found": "{cavities} hollow spaces, {volume_mm3} mm3 together, are not charged.",
    "overlap-counted-once": "Bodies overlap; the {volume_mm3} mm3 they share are charged once.",
    "overlap-not-measured": "Bodies may overlap where we could not measure it; shared metal may be charged twice.",
    "degenerate-facets-ignored": "{facets} facets without an area were ignored.",
    "polygons-split": "{facets} faces of more than three corners were cut into triangles; flat ones as they look.",
    "lines-left-out": "{lines} lines or loose points were left out: they have no surface.",
    "parts-left-out": "{parts} parts that the file marks as supports, or as not to be made, were left out.",
    "pose-left-out": "The model is measured as it was drawn, without the pose or the change of shape that the file adds.",
    "unit-of-file": "The file says that its lengths are in {unit}, so we read them as that.",
}


@dataclass(frozen=True, slots=True)
class Thickness:
    """How thick the metal of a closed model is, at points spread evenly over its surface, in mm.

    `p1_mm` is what a hundredth of the measured surface stays below; `place` is where it is thinnest, in units of the file. The
    `histogram` has (up to, share of the surface), thinnest first. `points` are spread over the surface, for a picture of it: x, y, z
    in units of the file, and how thick it is there, in mm. An even share of them is kept with the analysis, none with a quote.
    """

    p1_mm: Decimal
    p5_mm: Decimal
    median_mm: Decimal
    place: Place
    samples: int
    histogram: tuple[tuple[Decimal, Decimal], ...]
    points: tuple[tuple[float, float, float, float], ...] = ()

    def share_below(self, limit_mm: Decimal) -> Decimal:
        """The share of the surface where it is thinner than this; within a bin of the histogram by proportion."""
        total = Decimal(0)
        for upto_mm, share in self.histogram:
            if upto_mm <= limit_mm:
                total += share
                continue
            within = log(float(limit_mm * THICKNESS_STEP / upto_mm)) / log(float(THICKNESS_STEP))
            return total + share * Decimal(f"{max(0.0, within):.6f}")
        return total

    def scaled(self, scale: Decimal) -> Self:
        """The same when lengths are `scale` times as long."""
        return replace(
            self,
            p1_mm=self.p1_mm * scale,
            p5_mm=self.p5_mm * scale,
            median_mm=self.median_mm * scale,
            histogram=tuple((upto * scale, share) for upto, share in self.histogram),
            points=tuple((x, y, z, thick * float(scale)) for x, y, z, thick in self.points),
        )


@dataclass(frozen=True, slots=True)
class Character:
    """What a checked model is like beyond its measure. What could not be measured is None.

    `bodies` without `cavities`; `apart` counts groups of bodies of which none touches another; `oriented` says that no facet had
    to be turned. `roughness` is how much the surface bends, over a sphere of the same area: 1 is a sphere, a plain ring 2.8.
    """

    bodies: int
    cavities: int
    oriented: bool
    degenerate_facets: int
    duplicate_facets: int | None = None
    apart: int | None = None
    hull_volume_mm3: Decimal | None = None
    overlap_mm3: Decimal = Decimal(0)
    roughness: Decimal | None = None
    thickness: Thickness | None = None

    def scaled(self, scale: Decimal) -> Self:
        """The same when lengths are `scale` times as long."""
        return replace(
            self,
            hull_volume_mm3=None if self.hull_volume_mm3 is None else self.hull_volume_mm3 * scale**3,
            overlap_mm3=self.overlap_mm3 * scale**3,
            thickness=None if self.thickness is None else self.thickness.scaled(scale),
        )


@dataclass(frozen=True, slots=True)
class MeshMeasure:
    """Volume in mm3, area in mm2, extents of the bounding box in mm. `checked` is false for the first look at a file as it is.

    A first look has no `character`, nor has what an earlier version of the analyser measured.
    """

    volume_mm3: Decimal
    area_mm2: Decimal
    extents_mm: tuple[Decimal, Decimal, Decimal]
    triangle_count: int
    shell_count: int = 0
    checked: bool = False
    disclosures: tuple[Disclosure, ...] = ()
    unit: LengthUnit | None = None
    """The one that the file says it is in, if it does."""
    character: Character | None = None

    @property
    def volume_cm3(self) -> Decimal:
        """The volume in cm3, to a tenth of a cubic millimetre."""
        return (self.volume_mm3 / 1000).quantize(Decimal("0.0001"))

    @property
    def area_cm2(self) -> Decimal:
        """The area in cm2, to a tenth of a square millimetre."""
        return (self.area_mm2 / 100).quantize(Decimal("0.001"))

    @property
    def largest_extent_mm(self) -> Decimal:
        """The longest side of the bounding box."""
        return max(self.extents_mm)

    def disclosing(self, code: str, **facts: Any) -> Self:
        """The same, and something more that its owner should know."""
        return replace(self, disclosures=(*self.disclosures, Disclosure(code, facts)))

    def in_unit(self, unit: LengthUnit) -> Self:
        """The same model when one unit of its coordinates is `unit` long."""
        scale = unit.in_mm
        x, y, z = self.extents_mm
        return replace(
            self,
            volume_mm3=self.volume_mm3 * scale**3,
            area_mm2=self.area_mm2 * scale**2,
            extents_mm=(x * scale, y * scale, z * scale),
            disclosures=tuple(disclosure.scaled(scale) for disclosure in self.disclosures),
            character=None if self.character is None else self.character.scaled(scale),
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture of a mesh: a square PNG with this many pixels to a side."""

    size_px: int
    png: bytes


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a mesh for good: its first look and its checked measure, or why it cannot be measured. In units of the file."""

    mesh_sha256: str
    first_look: MeshMeasure | None
    outcome: MeshMeasure | Problem
    version: int = ANALYSER_VERSION


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a quote has no price: a stable code, a title, and what its owner can do.

    `facts` are those of the sentence, for whoever says it in another language. `places` are some points where the surface is broken,
    far from each other, at most PLACES_MAX. `sizes_mm` are the sides of the model by unit, were its coordinates in that unit.
    """

    code: str
    title: str
    detail: str
    facts: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    sizes_mm: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, code: str, **facts: object) -> Self:
        """The problem of a known code, with its facts in the sentence. Raises KeyError on a code nobody described."""
        title, detail = _PROBLEMS[code]
        told = {name: str(fact) for name, fact in facts.items()}
        return cls(code=code, title=title, detail=detail.format(**facts), facts=told)

    def at(self, places: Iterable[Place]) -> Self:
        """The same, found at these places. Raises ValueError for too many, or for what is no point."""
        found = tuple(places)
        if len(found) > PLACES_MAX or not all(isfinite(value) for place in found for value in place):
            raise ValueError(f"a problem has at most {PLACES_MAX} places, of finite numbers")
        return replace(self, places=found)


_PROBLEMS: dict[str, tuple[str, str]] = {
    "not-a-model": (
        "The file is not a 3D model",
        "We read STL, 3MF, OBJ, PLY, GLB and glTF; this file is none of these. Export the model as one of them and upload it again.",
    ),
    "mesh-truncated": (
        "The model is cut off",
        "The file ends before all that it announces has come. Export or upload it again.",
    ),
    "mesh-malformed": (
        "The model contradicts itself",
        "The file breaks the rules of its own format, so that we cannot read it. Export it again, best as binary STL.",
    ),
    "mesh-empty": ("The model is empty", "The file has no facets. Export the model with its solid selected."),
    "mesh-not-finite": (
        "The model has impossible coordinates",
        "Some vertices are not finite numbers. Repair the model in your program and export it again.",
    ),
    "mesh-too-large": (
        "The model has too many facets",
        "It has {triangle_count} facets; we read up to {triangle_count_max}. Export it with a coarser tolerance.",
    ),
    "mesh-decimal-comma": (
        "The numbers have commas",
        "Fractions are written with a comma, and the format demands a point. Export the model with the point as the decimal sign.",
    ),
    "format-known-not-read": (
        "We do not read this format",
        "The file is {format}, which we cannot measure. Export the model as STL, 3MF, OBJ, PLY or GLB and upload it again.",
    ),
    "external-reference": (
        "A part of the model is in another file",
        "The file refers to {reference!r}, which is not in it. Export everything into one file: GLB, 3MF or STL.",
    ),
    "package-unsafe": (
        "We do not open this archive",
        "It has {reason}, as a model never needs. Export the model again, or as STL.",
    ),
    "model-beyond-limits": (
        "The model asks for too much",
        "It has more {what} than the {most} that we read. Simplify it, or export it as binary STL.",
    ),
    "mesh-not-closed": (
        "The surface is not closed",
        "{open_edge_count} edges bound no solid, so its volume is undefined. Close the surface and upload it again.",
    ),
    "mesh-no-volume": (
        "The model encloses no volume",
        "Its surface is closed but contains no metal. Give it a thickness and upload it again.",
    ),
    "mesh-too-tangled": (
        "Too many parts face inwards",
        "We cannot tell its bodies from its cavities. Make the parts face outwards or join them, and upload it again.",
    ),
    "wall-too-thin": (
        "The walls are too thin for this metal",
        "They are {thickness_mm} mm where it is thinnest; in this metal we cast no less than {wall_reject_mm} mm, and "
        "{wall_min_mm} mm without reserve. Thicken them there, or choose another metal.",
    ),
    "size-implausible": (
        "Is this size meant?",
        "The longest side would be {extent_mm} mm, and we make {extent_mm_min} to {extent_mm_max} mm. "
        "Ask for a quote with the model's `unit` (mm, cm, m, in), or scale the model.",
    ),
    "analysis-timed-out": (
        "Measuring took too long",
        "The model could not be measured within {timeout_s} s. Simplify it, or ask us for help.",
    ),
    "analysis-crashed": (
        "Measuring failed",
        "The model could not be measured within our limits ({reason}). Simplify it, or ask us for help.",
    ),
    "file-unavailable": (
        "The model's file could not be read",
        "The upload is gone or was changed after it was verified. Upload the model again and ask for a new quote.",
    ),
    "material-unknown": (
        "We no longer work in this material",
        "The price book in force has no {material!r}. Ask for a quote in another material.",
    ),
    "stone-unknown": (
        "We no longer set this stone",
        "The price book in force has no {stone!r}. Ask for a quote with another stone, or without.",
    ),
    "plating-unknown": (
        "We no longer plate like this",
        "The price book in force has no plating {plating!r}. Ask for a quote with another one, or without.",
    ),
    "sku-unknown": (
        "We no longer sell this",
        "The price book in force has no price for {sku!r}. Choose another piece.",
    ),
    "engraving-not-offered": (
        "We no longer engrave like this",
        "The price book in force has no engraving. Ask for a quote without one.",
    ),
    "cancelled": (
        "The calculation was stopped",
        "Whoever asked for this price stopped its calculation. Ask for a quote again.",
    ),
    "quote-unknown": (
        "There is no such quote",
        "The order names a quote that pricing never made. Ask for a new quote.",
    ),
}


def problem_codes() -> frozenset[str]:
    """Every code a quote can fail with."""
    return frozenset(_PROBLEMS)


def disclosure_codes() -> frozenset[str]:
    """Everything that may be disclosed about a model."""
    return frozenset(_DISCLOSURES)
