"""The board of complaints for those who own the product: English as the file has it, and Russian beside it."""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from release import complaints
from release.complaints import Results, Row
from release.errors import EvidenceInvalid
from release.ledger import Entry, select
from release.pages.facts import Facts
from release.pages.wording import NOT_RUN, TONES, Tone, short
from release.policy import ENVIRONMENTS
from release.statement import TestResult
from release.verdict import Verdict

GATE = "scenarios"
MESSAGES = "messages.ndjson"
RUSSIAN = Path(__file__).with_name("complaints.ru.toml")
TEXTS = ("who", "complaint", "solved_when")
FIGURE_LINES_MAX = 3
PROPOSED = Tone("proposed", "…", "proposed")
_ENDINGS = {
    "passed": TONES[Verdict.PASSED],
    "failed": TONES[Verdict.FAILED],
    "broken": TONES[Verdict.ERRORED],
    "quarantined": Tone("unsure", "?", "quarantined"),
    "proposed": PROPOSED,
    complaints.NOT_RUN: NOT_RUN,
}


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """One scenario of a complaint."""

    file: str
    name: str
    ending: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """One complaint in one language."""

    id: str
    who: str
    complaint: str
    solved_when: str
    untranslated: bool
    """The English text changed after it was translated, so it is shown instead."""
    state: str
    """answered, refuted, promised or open: see `_state`."""
    tone: Tone
    scenarios: tuple[ScenarioView, ...]
    command: str
    figure: tuple[str, ...]
    figure_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the board rests upon."""

    digest: str
    at: datetime | None
    in_production: bool
    results: Results
    figures_at: Mapping[str, datetime]
    fault: str = ""

    @property
    def short(self) -> str:
        """The candidate's twelve digits; empty when no scenario was ever run."""
        return short(self.digest) if self.digest else ""


def seen(facts: Facts, figures: Path) -> Seen:
    """The endings of what production runs, or of the newest candidate whose scenarios ran; figures from `figures/<module>.txt`."""
    pin = facts.pins[ENVIRONMENTS[-1]]
    found = [
        (entry, result)
        for entry, result in select(facts.entries, TestResult, gate=GATE)
        if any(name.endswith(MESSAGES) for name in result.raw)
    ]
    of_production = [one for one in found if pin and one[0].digest == pin.release.digest]
    texts, times = _figures(figures)
    if not found:
        return Seen("", None, False, Results(figures=texts), times)
    entry, result = (of_production or found)[-1]
    endings, fault = _endings(facts, entry, result)
    return Seen(entry.digest, result.finished, bool(of_production), Results(endings, texts), times, fault)


def _endings(facts: Facts, entry: Entry, result: TestResult) -> tuple[dict[str, str], str]:
    with tempfile.TemporaryDirectory() as temporary:
        files = []
        try:
            for number, (name, sha256) in enumerate(sorted(result.raw.items())):
                if name.endswith(MESSAGES):
                    files.append(Path(temporary, f"{number}.ndjson"))
                    files[-1].write_bytes(facts.blobs.get(sha256))
            return complaints.endings_of(files), ""
        except (EvidenceInvalid, ValueError, KeyError) as failure:
            return {}, f"The scenarios' messages in entry {entry.sequence} cannot be read: {failure}"


def _figures(directory: Path) -> tuple[dict[str, str], dict[str, datetime]]:
    files = sorted(directory.glob("*.txt")) if directory.is_dir() else []
    texts = {file.stem: file.read_text(encoding="utf-8", errors="replace").strip() for file in files}
    times = {file.stem: datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files}
    return {module: text for module, text in texts.items() if text}, times


def board(what: Seen, *, russian: bool) -> list[ComplaintView]:
    """Every row, in the order of the file."""
    translations = read_russian() if russian else {}
    return [_view(row, translations, what) for row in complaints.board(what.results)]


def read_russian() -> dict[str, dict[str, str]]:
    """By complaint. `of` says which English text was translated: see `fingerprint`."""
    return {str(one["id"]): one for one in tomllib.loads(RUSSIAN.read_text(encoding="utf-8"))["complaint"]}


def fingerprint(who: str, complaint: str, solved_when: str) -> str:
    """Changes with the English text, so that a translation of an older one is noticed."""
    return hashlib.sha256("\n".join((who, complaint, solved_when)).encode()).hexdigest()[:12]


def _view(row: Row, translations: Mapping[str, Mapping[str, str]], what: Seen) -> ComplaintView:
    english = {name: str(getattr(row, name)) for name in TEXTS}
    texts: Mapping[str, str] = english
    if translations:
        translated = translations.get(row.id, {})
        texts = translated if translated.get("of") == fingerprint(**english) else english
    state, tone = _state(row)
    return ComplaintView(
        id=row.id,
        who=texts["who"],
        complaint=texts["complaint"],
        solved_when=texts["solved_when"],
        untranslated=bool(translations) and texts is english,
        state=state,
        tone=tone,
        scenarios=tuple(_scenario(one.node, one.ending) for one in row.scenarios),
        command=row.command,
        figure=tuple(line.strip() for line in row.figure.splitlines() if line.strip())[-FIGURE_LINES_MAX:],
        figure_at=what.figures_at.get(row.command),
    )


def _scenario(node: str, ending: str) -> ScenarioView:
    file, _, name = node.partition("::")
    return ScenarioView(file.removeprefix("features/"), name, ending, _ENDINGS[ending])


def _state(row: Row) -> tuple[str, Tone]:
    """answered: all passed and the figure is known. refuted: one failed. promised: some are only proposed. open: not all known."""
    endings = {one.ending for one in row.scenarios}
    if row.held:
        return "answered", TONES[Verdict.PASSED]
    if endings & {"failed", "broken"}:
        return "refuted", TONES[Verdict.FAILED]
    if "proposed" in endings:
        return "promised", PROPOSED
    return "open", TONES[Verdict.INCONCLUSIVE]
