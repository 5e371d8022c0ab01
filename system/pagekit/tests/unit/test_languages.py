"""Which language a reader gets, and how it writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import Request

from system.pagekit.languages import language_of, preferred, translations
from system.pagekit.reader import Writing

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ru"),
        ("en", "en"),
        ("en-GB,ru;q=0.8", "en"),
        ("ru;q=0.4,en;q=0.9", "en"),
        ("de,fr", "ru"),
        ("en;q=0", "ru"),
        ("en;q=high,ru", "ru"),
        ("de,EN-us;q=0.1", "en"),
    ],
)
def test_preferred(header: str, language: str) -> None:
    assert preferred(header) == language


def asked(query: str = "", **headers: str) -> Request:
    scope: dict[str, Any] = {
        "type": "http",
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    return Request(scope)


def test_the_address_is_stronger_than_the_cookie_and_the_cookie_than_the_browser() -> None:
    assert language_of(asked("lang=en", cookie="lang=ru", accept_language="ru")) == "en"
    assert language_of(asked("lang=xx", cookie="lang=en", accept_language="ru")) == "en"
    assert language_of(asked(cookie="lang=xx", accept_language="en")) == "en"


def test_the_first_catalogue_wins(tmp_path: Path) -> None:
    for name, text in (("own", "моё"), ("kit", "общее")):
        (tmp_path / name).mkdir()
        head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        (tmp_path / name / "ru.po").write_text(f'{head}msgid "mine"\nmsgstr "{text}"\n', encoding="utf-8")
    assert translations("ru", [tmp_path / "own", tmp_path / "kit"]).gettext("mine") == "моё"
    assert translations("en", [tmp_path / "own"]).gettext("mine") == "mine"


def test_numbers_choose_their_word_by_the_language(tmp_path: Path) -> None:
    (tmp_path / "ru.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\nmsgstr[0] "день"\nmsgstr[1] "дня"\nmsgstr[2] "дней"\n',
        encoding="utf-8",
    )
    ru, en = translations("ru", [tmp_path]), translations("en", [tmp_path])
    spoken = [ru.ngettext("%(num)s day", "%(num)s days", number) for number in (1, 2, 5, 11, 21)]
    assert spoken == ["день", "дня", "дней", "дней", "день"]
    assert en.ngettext("%(num)s day", "%(num)s days", 2) == "%(num)s days"


def test_a_missing_catalogue_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        translations("ru", [tmp_path])


def test_writing() -> None:
    ru, en = Writing("ru", MOSCOW), Writing("en", MOSCOW)
    assert ru.money({"amount": "1250.00", "currency": "RUB"}).replace("\xa0", " ") == "1 250 ₽"
    assert en.money({"amount": "1250.50", "currency": "RUB"}) == "RUB 1,250.50"
    assert ru.money({"amount": "-499.50", "currency": "RUB"}).replace("\xa0", " ").endswith("499,50 ₽")
    assert (ru.grams("2.6200"), en.grams(None)) == ("2,62 г", "—")
    assert (ru.clock(NOON), en.day(NOON), ru.moment(NOON.isoformat())) == ("12:00", "Mar 2", "2 мар., 12:00")
    assert en.day(datetime(2026, 3, 2, 22, 0, tzinfo=UTC)) == "Mar 3", "days are the workshop's"
    assert Writing.is_past("2026-03-02T11:59:00+03:00", now=NOON), "moments of other zones are compared as moments"
    assert not Writing.is_past("2026-03-02T09:01:00+00:00", now=NOON)
    assert en.since(NOON + timedelta(days=3), now=NOON) == "in 3 days"


def test_a_files_size_is_short() -> None:
    english, russian = Writing("en", ZoneInfo("UTC")), Writing("ru", ZoneInfo("UTC"))
    assert [english.file_size(size) for size in (84, 120_400, 1_234_567, 100_000_000)] == [
        "1 kB",
        "120 kB",
        "1.2 MB",
        "100.0 MB",
    ]
    assert russian.file_size(1_234_567) == "1,2 МБ"
