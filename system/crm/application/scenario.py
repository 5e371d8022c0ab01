"""An order's road as a scenario: `scenario_of` is pure, and says nothing that the redacted story does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from system.crm.application.phrases import COLUMNS, PHRASES, STAND_IN_GOOD, Language, word
from system.crm.application.redaction import Piece, RedactedStory
from system.crm.application.remarks import remark
from system.crm.application.road import Doing, Road, fault_of, road_of

SOLD_OUT = 50
TRIANGLES = ((10_000, "1k"), (300_000, "100k"))
"""Up to so many triangles a fixture of this size stands in for a model; the largest beyond."""


@dataclass(frozen=True, slots=True)
class Step:
    """A phrase of the list with its words by place, and the rows below it: cells are (kind, code) or plain text."""

    phrase: str
    words: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[tuple[tuple[str, str] | str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of the list."""

    key: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `is_alone` when it breaks shared parts."""

    title: tuple[str, str]
    steps: tuple[Step | Remark, ...]
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature file holds, in no language yet."""

    name: str
    capability: str
    scenarios: tuple[Scenario, ...]


def scenario_of(story: RedactedStory) -> Feature:
    """The order's road, and for one that hangs: what should have happened next. With a fault that was seen and can be repeated, the
    same road once more under that fault."""
    fault = fault_of(story)
    plain = road_of(story)
    scenarios = [Scenario(_title(story), tuple(_steps(story, plain)))]
    if fault is not None:
        english, russian = _title(story)
        title = (f"{english}, and what failed fails again", f"{russian}, и сбой повторяется")
        scenarios.append(Scenario(title, tuple(_steps(story, road_of(story, fault))), is_alone=True))
    return Feature(story.name, _capability(story), tuple(scenarios))


def written(feature: Feature, language: Language) -> str:
    """The feature file in this language."""
    ru = language == "ru"
    lines = ["# language: ru"] if ru else []
    lines.append(f"Функция: Выгружен заказ {feature.name}" if ru else f"Feature: Exported {feature.name}")
    lines.append(
        "  Дорога одного настоящего заказа; людей, слов и номеров в ней нет."
        if ru
        else "  The road of one real order; no person, no word and no number of theirs is in it."
    )
    for scenario in feature.scenarios:
        lines.append("")
        lines += ["  @exclusive"] if scenario.is_alone else []
        lines.append(f"  {'Сценарий' if ru else 'Scenario'}: {scenario.title[1 if ru else 0]}")
        lines += [f"    {line}" for line in _written_steps(scenario.steps, language)]
    return "\n".join(lines) + "\n"


KEYWORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {"given": "Given", "when": "When", "then": "Then", "and": "And"},
    "ru": {"given": "Допустим", "when": "Когда", "then": "Тогда", "and": "И"},
}


def _written_steps(steps: Iterable[Step | Remark], language: Language) -> Iterable[str]:
    before = ""
    for step in steps:
        if isinstance(step, Remark):
            yield f"# {remark(step.key, step.facts, language)}"
            continue
        phrase = PHRASES[step.phrase]
        keyword = KEYWORDS[language]["and" if phrase.position == before else phrase.position]
        before = phrase.position
        said = {place: word(place, code, language) for place, code in step.words.items()}
        yield f"{keyword} {phrase.text(language).format(**said)}"
        rows = [[cell if isinstance(cell, str) else word(*cell, language) for cell in row] for row in step.rows]
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            yield f"  | {' | '.join(cells)} |"


def _title(story: RedactedStory) -> tuple[str, str]:
    status = [word("status", story.status, language) for language in ("en", "ru")]
    if story.hangs:
        return f"{story.name} hangs as {status[0]}", f"{story.name} завис в статусе «{status[1]}»"
    return f"{story.name} goes its road to {status[0]}", f"{story.name} проходит путь до статуса «{status[1]}»"


CAPABILITIES: Mapping[str, str] = {
    **dict.fromkeys(("INITIATED", "FILE_UPLOADED", "SUBMITTED", "CANCELLED"), "ordering"),
    **dict.fromkeys(("PRICE_CALCULATED", "AWAITING_CUSTOMER", "PRICE_FAILED"), "quoting"),
    **dict.fromkeys(
        ("REJECTED", "MANUFACTURING_APPROVED", "MANUFACTURING_STARTED", "MANUFACTURING_COMPLETED"), "making"
    ),
    **dict.fromkeys(("PACKAGING", "SHIPPED", "CLOSED"), "shipping"),
}


def _capability(story: RedactedStory) -> str:
    if story.hangs:
        return "recovery"
    return "partnering" if story.channel == "partner" else CAPABILITIES[story.status]


def _steps(story: RedactedStory, road: Road) -> Iterable[Step | Remark]:
    yield from (Remark("not_heard", {"service": service}) for service in story.not_heard)
    yield from (Remark("silent", {"step": step}) for step in story.silent_steps)
    yield from _seen(road.seen)
    if story.shown_status != story.status:
        yield Remark("crm_behind", {"shown": story.shown_status or "?", "status": story.status})
    if story.channel == "partner":
        yield Step("is_partner", {"customer": story.channel})
    if not road.is_submitted:
        yield from _cart(story)
        return
    yield from _ordering(story, road)
    for doing in road.doings:
        if doing.is_remark:
            yield Remark(doing.key, doing.words)
        else:
            yield Step(doing.key, doing.words)
    if story.has_ended and road.is_whole and not story.hangs:
        header: tuple[tuple[str, str] | str, ...] = (("column", "status"),)
        statuses = [moment.code for moment in story.moments if moment.kind == "status"]
        yield Step("went", rows=(header, *((("status", status),) for status in statuses)))


def _cart(story: RedactedStory) -> Iterable[Step]:
    """An order that nobody submitted: it waits for its customer, who may have given it up."""
    customer = {"customer": story.channel}
    statuses = [moment for moment in story.moments if moment.kind == "status"]
    before = [moment.code for moment in statuses if moment.code in ("INITIATED", "FILE_UPLOADED")]
    yield Step("has_order", customer | {"status": before[-1] if before else "INITIATED"})
    if story.has_ended:
        by_seller = statuses[-1].who.startswith("seller")
        yield Step("seller_cancels", {"seller": "1", "said": "reason"}) if by_seller else Step("cancels", customer)
        yield Step("becomes", {"status": story.status})
    else:
        yield Step("stays", {"status": story.status})


def _seen(seen: Iterable[Doing]) -> Iterable[Remark]:
    return (Remark(doing.key, doing.words) for doing in seen)


def _ordering(story: RedactedStory, road: Road) -> Iterable[Step | Remark]:
    """From the pieces to the submission."""
    customer = {"customer": story.channel}
    pieces = story.pieces or (Piece(1, material="silver_925", model=1, file=""),)
    own_alloy = road.asks in ("metal_moved", "expired", "no_price")
    if not story.pieces:
        yield Remark("content_missing")
    yield from (Remark("own_alloy"),) if own_alloy else ()
    rows = []
    for piece in pieces:
        yield from _remarks_of(piece, road)
        rows.append(_row(piece, road, own_alloy=own_alloy))
    yield Step("puts_pieces", customer, (tuple(("column", name) for name in COLUMNS), *rows))
    if own_alloy:
        yield from _price_moves(road, customer)
    yield Step("submits_at_estimate" if road.asks == "above_estimate" else "submits", customer)


def _price_moves(road: Road, customer: Mapping[str, str]) -> Iterable[Step | Remark]:
    if road.asks == "no_price":
        yield Remark("price_failed")
        yield Step("alloy_withdrawn")
        yield Step("quote_expires", customer)
    elif road.asks == "metal_moved":
        yield Step("metal_moves")
    else:
        yield Step("metal_creeps")
        yield Step("quote_expires", customer)


def _remarks_of(piece: Piece, road: Road) -> Iterable[Remark]:
    if piece.model and not piece.file and road.asks == "above_estimate":
        yield Remark("above_estimate")
    elif piece.model and not piece.file:
        yield Remark("model_missing", {"number": str(piece.model)})
    if not piece.material and piece.model:
        yield Remark("material_unknown")
    if not piece.sku and not piece.model:
        yield Remark("good_unknown")
    if piece.has_stones:
        yield Remark("stones")
    if piece.is_plated:
        yield Remark("plating")
    if not piece.model and road.is_sold_out:
        yield Remark("sold_out")


def _row(piece: Piece, road: Road, *, own_alloy: bool) -> tuple[tuple[str, str] | str, ...]:
    if not piece.model:
        quantity = max(piece.quantity, SOLD_OUT) if road.is_sold_out else piece.quantity
        return ("good", piece.sku or STAND_IN_GOOD), "", str(quantity), piece.ring_size, ""
    what: tuple[str, str] | str = piece.file or ("fixture", _fixture(piece, road))
    material = "own" if own_alloy else piece.material or "silver_925"
    # A fixture is drawn in millimetres, whatever the model was drawn in.
    unit = piece.unit if piece.file else "mm"
    return what, ("material", material), str(piece.quantity), piece.ring_size, ("unit", unit)


def _fixture(piece: Piece, road: Road) -> str:
    if road.asks == "above_estimate":
        return "above_estimate"
    return next((size for most, size in TRIANGLES if piece.triangles <= most), "1m")
