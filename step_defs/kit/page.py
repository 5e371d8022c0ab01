"""The page that a product owner reads: Cucumber's own HTML formatter, under a summary in Russian and English."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from step_defs.kit.counts import executed_cases

FORMATTER = Path("@cucumber/html-formatter/dist")
TITLE = "Alexandrite: scenarios / сценарии"
STYLE = """
.summary{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:1rem auto;padding:0 1rem}
.summary td{padding:.1rem 1rem .1rem 0}.summary .failed{color:#b00020;font-weight:600}
.summary .passed{color:#1b6e3c}.summary .proposed{color:#8a5a00}
"""


class FormatterMissing(RuntimeError):
    """The formatter's files are not there; the text says how to get them."""


def write_page(envelopes: Sequence[Mapping[str, Any]], page: Path, *, node_modules: Path) -> Path:
    """Writes one self-contained HTML file. Raises FormatterMissing when the npm package is not installed."""
    formatter = node_modules / FORMATTER
    if not (formatter / "main.js").exists():
        raise FormatterMissing("run `make prepare`, then run the scenarios or `report` again")
    parts = {
        "title": html.escape(TITLE),
        "icon": (formatter / "src/icon.url").read_text(encoding="utf-8").strip(),
        "css": (formatter / "main.css").read_text(encoding="utf-8"),
        "custom_css": STYLE,
        "messages": ",\n".join(_script_safe(envelope) for envelope in envelopes),
        "script": (formatter / "main.js").read_text(encoding="utf-8"),
        "custom_script": "",
    }
    template = (formatter / "src/index.mustache").read_text(encoding="utf-8")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_filled(template, parts).replace("<body>", "<body>\n" + summary(envelopes), 1), encoding="utf-8")
    return page


def summary(envelopes: Sequence[Mapping[str, Any]]) -> str:
    """The numbers of the run, and what failed and what is proposed by name, in both languages."""
    outcomes = [one.outcome for one in executed_cases(envelopes).values()]
    failed = len(outcomes) - outcomes.count("passed") - outcomes.count("proposed")
    rows = (
        ("passed", "прошли / passed", outcomes.count("passed")),
        ("failed", "не прошли / failed", failed),
        ("proposed", "предложены / proposed", outcomes.count("proposed")),
    )
    cells = "".join(f'<tr class="{kind}"><td>{label}</td><td>{number}</td></tr>' for kind, label, number in rows)
    return (
        f'<section class="summary"><h1>{html.escape(TITLE)}</h1><table>{cells}</table>'
        "<p>Предложенный сценарий ещё не выполняется: ниже он отмечен как «pending». Поиск и отбор — над списком.<br>"
        "A proposed scenario is not run yet: below it is marked “pending”. Search and filters stand above the list."
        "</p></section>"
    )


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with each placeholder replaced once, left to right, so that no value is read as a placeholder."""
    filled: list[str] = []
    rest = template
    for name, value in parts.items():
        before, found, rest = rest.partition("{{" + name + "}}")
        if not found:
            raise FormatterMissing(f"the formatter's template has no {name}: its version differs from package.json's")
        filled += [before, value]
    return "".join([*filled, rest])


def _script_safe(envelope: Mapping[str, Any]) -> str:
    # A message inside a <script> element must hold no "<": the HTML parser would look for a tag there.
    return json.dumps(envelope, ensure_ascii=False).replace("<", "\\u003C").replace("\u2028", "\\u2028")
