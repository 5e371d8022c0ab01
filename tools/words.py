"""`python -m tools.words [--check]`: the catalogues of the pages' words, brought up to what templates and code say now.

Each directory with `locales/` gets what its own templates and modules mark: `_("...")` in templates, `N_("...")` in Python. English is
what they are written in; Russian is `locales/ru.po`. With --check nothing is written, and what is untranslated or outdated fails.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = "ru"
METHODS = [
    ("tests/**.py", "ignore"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
    ("**.py", "python"),
]
OPTIONS: dict[str, Any] = {
    pattern: {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for pattern in ("templates/**.html", "templates/**.txt")
}
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


class Finding(NamedTuple):
    """A word that is not as it must be."""

    catalogue: Path
    message: str
    problem: str


def homes(root: Path = ROOT) -> list[Path]:
    """Every directory of the system that has templates and a catalogue beside them."""
    return sorted(path.parent for path in (root / "system").rglob("locales") if path.is_dir())


def said(home: Path) -> Catalog:
    """What templates and modules of one directory say, in English."""
    catalog = Catalog(locale=LANGUAGE, project="alexandrite", fuzzy=False)
    found = extract_from_dir(str(home), METHODS, OPTIONS, KEYWORDS, strip_comment_tags=True)
    for _, _, message, _, _ in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(message)
    return catalog


def known(home: Path) -> Catalog:
    """What is translated by now."""
    path = home / "locales" / f"{LANGUAGE}.po"
    if not path.is_file():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def update(home: Path) -> bool:
    """Writes the catalogue: new words empty, lost ones gone, translations kept. Whether anything changed."""
    fresh, old = said(home), known(home)
    for message in fresh:
        if message.id and (translated := old.get(message.id)) is not None:
            message.string = translated.string
    text = io.BytesIO()
    write_po(text, fresh, width=130, omit_header=True, no_location=True, ignore_obsolete=True)
    path = home / "locales" / f"{LANGUAGE}.po"
    header = b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: ru\\n"\n' + PLURALS + b"\n"
    written = header + text.getvalue().lstrip(b"\n")
    if path.is_file() and path.read_bytes() == written:
        return False
    path.write_bytes(written)
    return True


PLURALS = (
    b'"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : '
    b'n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n'
)


def findings(home: Path) -> Iterator[Finding]:
    """What is untranslated, says other placeholders than the English, or is said by nobody any more."""
    path = home / "locales" / f"{LANGUAGE}.po"
    fresh, translated = said(home), known(home)
    for message in fresh:
        if not message.id:
            continue
        other = translated.get(message.id)
        texts: Sequence[str] = []
        if other is not None:
            texts = [other.string] if isinstance(other.string, str) else list(other.string or ())
        if not texts or not all(texts):
            yield Finding(path, str(message.id), "is not translated")
            continue
        wanted = set(PLACEHOLDER.findall(message.id if isinstance(message.id, str) else message.id[1]))
        for text in texts:
            if set(PLACEHOLDER.findall(text)) != wanted:
                yield Finding(path, str(message.id), f"is translated with other placeholders: {text}")
    for message in translated:
        if message.id and fresh.get(message.id) is None:
            yield Finding(path, str(message.id), "is said by no page any more")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 when a check found something."""
    parser = argparse.ArgumentParser(prog="python -m tools.words", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail for what is not translated")
    asked = parser.parse_args(arguments)
    if not asked.check:
        for home in homes():
            print(f"{home.relative_to(ROOT)}: {'updated' if update(home) else 'as it was'}")
    found = [one for home in homes() for one in findings(home)]
    for catalogue, message, problem in found:
        print(f"{catalogue.relative_to(ROOT)}: {message!r} {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
