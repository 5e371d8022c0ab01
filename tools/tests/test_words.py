"""The check on the pages' words: each way of being wrong is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import words

PAGE = '{{ _("Take it") }} {{ _("size %(size)s", size=w) }}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "system" / "yard"
    (root / "templates").mkdir(parents=True)
    (root / "locales").mkdir()
    (root / "templates" / "page.html").write_text(PAGE, encoding="utf-8")
    (root / "pages.py").write_text('from kit import N_\nPROBLEM = N_("Already gone.")\n', encoding="utf-8")
    words.update(root)
    return root


def translate(home: Path, **given: str) -> None:
    path = home / "locales" / "ru.po"
    text = path.read_text(encoding="utf-8")
    for message, translated in given.items():
        name = message.replace("_", " ")
        for known in ("Take it", "size %(size)s", "Already gone."):
            if known.startswith(name):
                text = text.replace(f'msgid "{known}"\nmsgstr ""', f'msgid "{known}"\nmsgstr "{translated}"')
    path.write_text(text, encoding="utf-8")


def problems(home: Path) -> dict[str, str]:
    return {one.message: one.problem for one in words.findings(home)}


def test_words_of_templates_and_modules_are_found_and_missed(home: Path) -> None:
    assert set(problems(home)) == {"Take it", "size %(size)s", "Already gone."}


def test_a_full_catalogue_is_well_and_stays_as_it_is(home: Path) -> None:
    translate(home, Take_it="Взять", size="размер %(size)s", Already="Уже нет.")
    assert problems(home) == {}
    assert words.update(home) is False
    assert words.homes(home.parents[1]) == [home]


def test_a_translation_must_keep_the_places_to_fill(home: Path) -> None:
    translate(home, Take_it="Взять", size="размер %(sise)s", Already="Уже нет.")
    assert "other placeholders" in problems(home)["size %(size)s"]


def test_what_nobody_says_any_more_is_shown_and_goes(home: Path) -> None:
    translate(home, Take_it="Взять", size="размер %(size)s", Already="Уже нет.")
    (home / "pages.py").write_text("", encoding="utf-8")
    assert "no page any more" in problems(home)["Already gone."]
    assert words.update(home) is True
    assert problems(home) == {}


def test_the_pages_of_this_system_are_translated() -> None:
    assert [one for home in words.homes() for one in words.findings(home)] == []
    assert len(words.homes()) >= 3
