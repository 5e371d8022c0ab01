"""The words around the board of complaints, in both languages of those who own the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Everything on the board that is no complaint and no scenario."""

    title: str
    lead: str
    as_of: str
    seen_production: str
    seen: str
    never: str
    solved_when: str
    figure: str
    no_figure: str
    untranslated: str
    open_quote: str
    close_quote: str
    states: Mapping[str, str]
    """In the order in which they are counted."""
    endings: Mapping[str, str]


ENGLISH = Words(
    title="What people complained about",
    lead="Each complaint, when it counts as solved, and the scenarios that show it. A complaint is answered only when every "
    "scenario of it passed and the figure it asks for is known. A proposed scenario is a promise: it says what will be shown, "
    "and shows nothing yet.",
    as_of="as of",
    seen_production="As seen on the release that production runs,",
    seen="As seen on the newest candidate whose scenarios ran,",
    never="No candidate's scenarios have run yet.",
    solved_when="Solved when:",
    figure="Figure:",
    no_figure="not measured here yet; asked with",
    untranslated="",
    open_quote="“",
    close_quote="”",
    states={
        "answered": "answered",
        "refuted": "not kept",
        "open": "not all known",
        "promised": "partly or wholly promised",
    },
    endings={
        "passed": "passed",
        "failed": "failed",
        "broken": "test broke",
        "quarantined": "quarantined",
        "proposed": "proposed",
        "not run": "not run",
    },
)
RUSSIAN = Words(
    title="На что жаловались",
    lead="Каждая жалоба, условие, при котором она решена, и сценарии, которые это показывают. Жалоба закрыта, только когда прошли "
    "все её сценарии и известен показатель, если он нужен. Предложенный сценарий — обещание: он говорит, что будет показано, "
    "но пока не показывает ничего.",
    as_of="на",
    seen_production="По выпуску, который работает в продуктиве,",
    seen="По новейшему кандидату, чьи сценарии выполнялись,",
    never="Сценарии ещё ни одного кандидата не выполнялись.",
    solved_when="Решена, когда:",
    figure="Показатель:",
    no_figure="здесь ещё не измерен; измеряет",
    untranslated="(перевод устарел, показан английский текст)",
    open_quote="«",
    close_quote="»",
    states={
        "answered": "закрыта",
        "refuted": "не выполняется",
        "open": "известно не всё",
        "promised": "обещана частично или целиком",
    },
    endings={
        "passed": "прошёл",
        "failed": "не прошёл",
        "broken": "сломан сам тест",
        "quarantined": "в карантине",
        "proposed": "предложен",
        "not run": "не выполнялся",
    },
)
