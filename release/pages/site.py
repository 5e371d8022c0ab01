"""Writes the pages: templates filled with what the views say, each file replaced at once, leftovers removed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from release.pages import complaints_view, delivery, views, wording
from release.pages.complaints_view import Seen
from release.pages.dossier import dossier
from release.pages.facts import Facts
from release.pages.raw import DIRECTORY, RawFiles
from release.pages.wording import NOT_RUN, TONES
from release.pages.words import ENGLISH, RUSSIAN
from release.verdict import Verdict
from tools.prepare import state

TEMPLATES = Path(__file__).with_name("templates")
STYLE = "style.css"
CANDIDATES_MAX = 60
CANDIDATES_OPEN = 10
"""So many of the newest are unfolded on the first page."""
RAW_CANDIDATES_MAX = 12
"""Raw results are many megabytes: they lie beside the pages for so many of the newest candidates, and stay blobs for all."""
SECTIONS = (("index.html", "Environments"), ("dora.html", "Delivery"), ("complaints.html", "Complaints"))
SECTIONS_RU = (("index.html", "Среды"), ("dora.html", "Поставка"), ("complaints.ru.html", "Жалобы"))


@dataclass
class Site:
    """One directory of pages, and how a page is made in it."""

    directory: Path
    facts: Facts

    def __post_init__(self) -> None:
        # A variable that a template misspells is an error, not an empty cell; and whatever a commit's author wrote is text.
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters = (wording.moment, wording.duration, wording.figure, wording.percent, wording.rate, wording.short)
        self._templates.filters |= {function.__name__: function for function in filters}
        shown = self.facts.candidates()[:CANDIDATES_MAX]
        self.known = {digest: page_of(digest) for digest, _ in shown}
        self._written: set[str] = set()

    def write(self, figures: Path) -> list[Path]:
        """All pages; returns them, the index first. `figures` holds what measurements printed, `<module>.txt`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._put(STYLE, (TEMPLATES / STYLE).read_text(encoding="utf-8"))
        self._index()
        self._candidates()
        self._dora()
        self._complaints(complaints_view.seen(self.facts, figures))
        self._remove_leftovers()
        return [self.directory / name for name in ("index.html", *sorted(self._written - {"index.html", STYLE}))]

    def _index(self) -> None:
        everybody = len(self.facts.candidates())
        self._page(
            "index.html",
            "index.html",
            environments=views.environments(self.facts),
            recent=CANDIDATES_OPEN,
            candidates=views.candidates(self.facts, limit=CANDIDATES_MAX),
            older=max(0, everybody - CANDIDATES_MAX),
            moves=views.moves(self.facts),
            drift_tone=TONES[Verdict.ERRORED],
        )

    def _candidates(self) -> None:
        pinned = {pin.release.digest for pin in self.facts.pins.values() if pin}
        for number, (digest, built) in enumerate(self.facts.candidates()[:CANDIDATES_MAX]):
            copies = number < RAW_CANDIDATES_MAX or digest in pinned
            raw = RawFiles(self.directory, self.facts.blobs, copies=copies)
            one = dossier(self.facts, digest, built, raw)
            self._page("candidate.html", page_of(digest), one=one, tones=TONES)

    def _dora(self) -> None:
        self._page(
            "dora.html",
            "dora.html",
            dora=self.facts.dora,
            chart=delivery.chart(self.facts.dora),
            rows=delivery.rows(self.facts),
        )

    def _complaints(self, seen: Seen) -> None:
        for file, words, russian in (("complaints.html", ENGLISH, False), ("complaints.ru.html", RUSSIAN, True)):
            rows = complaints_view.board(seen, russian=russian)
            counted = Counter(row.state for row in rows)
            tones = {row.state: row.tone for row in rows}
            self._page(
                "complaints.html",
                file,
                rows=rows,
                seen=seen,
                words=words,
                totals=[(name, counted[name]) for name in words.states if counted[name]],
                tones=tones,
                lang="ru" if russian else "en",
                sections=SECTIONS_RU if russian else SECTIONS,
                as_of_words=words.as_of,
            )

    def _page(self, template: str, file: str, **values: object) -> None:
        common: Mapping[str, object] = {
            "now": self.facts.now,
            "broken": self.facts.broken,
            "sections": SECTIONS,
            "here": file,
            "known": self.known,
            "none": NOT_RUN,
        }
        self._put(file, self._templates.get_template(template).render({**common, **values}))

    def _put(self, name: str, text: str) -> None:
        state.write_file(self.directory / name, text)
        self._written.add(name)

    def _remove_leftovers(self) -> None:
        """Pages of candidates that are shown no longer, and raw results that no page links to."""
        for path in self.directory.glob("*.html"):
            if path.name not in self._written:
                path.unlink()
        texts = "".join((self.directory / name).read_text(encoding="utf-8") for name in self._written)
        for path in (self.directory / DIRECTORY).glob("*"):
            if f"{DIRECTORY}/{path.name}/" not in texts:
                shutil.rmtree(path)


def page_of(digest: str) -> str:
    """The file name of a candidate's page."""
    return f"candidate-{wording.short(digest)}.html"
