"""The pages about badges, without a database: what they show and what they keep to themselves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import Request

from system.identity.adapters.queries import BadgeState
from system.identity.application.workstations import OneTimeCode
from system.identity.domain.badge import code_of
from system.identity.domain.workstation import Workstation
from system.identity.entrypoints.badge_schemas import BadgeView, WorkstationView
from system.identity.entrypoints.pages import pages_of
from system.identity.settings import IdentitySettings
from system.pagekit.codes import qr_code
from system.pagekit.pages import Said
from system.pagekit.reader import Language
from system.plumbing.auth import Principal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
BENCH = Workstation(ID, "Bench 3", b"", NOW, "Anna Orlova (0190)", NOW)
PERSON = {"id": str(ID), "name": "Oleg <Smirnov>", "email": "oleg@example.com", "roles": ["operator"]}
CODE = code_of(4_711)
LANGUAGES: tuple[Language, ...] = ("ru", "en")


def page(template: str, language: Language = "en", *, idle_s: int | None = None, **about: Any) -> str:
    """A whole page of identity, as a request gets it."""
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "server": ("identity", 80), "path": "/sign-in/x",
        "query_string": f"lang={language}".encode(), "headers": [],
    }  # fmt: skip
    who = Principal(ID, frozenset({"operator"}), "Oleg", "oleg@example.com", idle_s=idle_s)
    shown: dict[str, Any] = {"who": who, "said": None} | about
    return bytes(pages_of(IdentitySettings()).render(Request(scope), template, **shown).body).decode()


def at_bench(step: str, language: Language = "en", **about: Any) -> str:
    shown: dict[str, Any] = {
        "step": step, "here": BENCH, "next": "/mes/", "by_password": "/sign-in?with=password", "tries_max": 5,
        "digits": (4, 8), "waits_s": 120,
    }  # fmt: skip
    return page("sign_in_badge.html", language, **(shown | about))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", ["scan", "pin", "first"])
def test_each_step_is_a_form_that_needs_no_script(step: str, language: Language) -> None:
    text = at_bench(step, language, who=None)
    assert "Bench 3" in text and '<form method="post" action="/sign-in/badge' in text
    # Buttons that only a script can serve are shown by the script.
    assert all("hidden" in tag for tag in re.findall(r"<div[^>]*data-keypad[^>]*>", text))


def test_elsewhere_there_is_only_the_way_to_the_password() -> None:
    text = at_bench("elsewhere", here=None, who=None)
    assert 'href="/sign-in?with=password"' in text and "<form" not in text.split("<main")[1]


def test_a_session_by_badge_can_be_handed_on_with_one_press_from_every_page() -> None:
    text = at_bench("scan", idle_s=600)
    assert 'action="/sign-in/badge/change"' in text and 'data-idle-s="600"' in text
    assert "/sign-in/pin" not in text, "a badge does not open the own PIN"
    alone = at_bench("scan")
    assert "/sign-in/badge/change" not in alone and "data-idle-s" not in alone and "/sign-in/pin" in alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_holds_the_code_and_the_one_time_code_stays_off_the_paper(language: Language) -> None:
    given = OneTimeCode("48291307", NOW)
    text = page("badge_card.html", language, person=PERSON, code=CODE, picture=qr_code(CODE), one_time=given)
    paper = text.split("<article")[1].split("</article>")[0]
    assert f'data-badge-code="{CODE}"' in paper and "<svg" in paper and "Oleg &lt;Smirnov&gt;" in paper
    assert "48291307" in text and "4829" not in paper and "oleg@example.com" not in paper


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (BadgeState(), {"issue"}),
        (BadgeState(ID, NOW, "Anna (1)", NOW, has_pin=True), {"issue", "one-time-code", "revoke"}),
        (BadgeState(ID, NOW, "Anna (1)", locked_at=NOW), {"issue", "one-time-code", "revoke", "unlock"}),
        (BadgeState(ID, NOW, "Anna (1)", one_time_until=NOW), {"issue", "one-time-code", "revoke"}),
    ],
)
def test_what_can_be_done_about_a_badge(state: BadgeState, offered: set[str], language: Language) -> None:
    text = page(
        "person_badge.html",
        language,
        person=PERSON,
        badge=BadgeView.of(state).model_dump(mode="json"),
        one_time=None,
        said=Said("badge-changed", "It was changed."),
    )
    assert set(re.findall(r'data-action="([a-z-]+)"', text)) == offered
    assert "It was changed." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_browser_that_is_a_workstation_is_not_made_one_again(language: Language) -> None:
    items = [WorkstationView.of(BENCH).model_dump(mode="json")]
    text = page("workstations.html", language, here=str(ID), items=items, name="")
    assert 'data-workstation="Bench 3"' in text and 'action="/people/workstations"' not in text
    assert 'action="/people/workstations"' in page("workstations.html", language, here="", items=[], name="Bench 4")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_own_pin(language: Language) -> None:
    assert "data-done" in page("pin.html", language, done=True, digits=(4, 8))
    assert "data-done" not in page("pin.html", language, done=False, digits=(4, 8))
