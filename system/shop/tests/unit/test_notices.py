"""What the letters say, in both languages; and that what somebody typed stays words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from system.kernel.ids import new_id
from system.pagekit.letters import Letters
from system.plumbing.mail.envelope import message_of
from system.plumbing.mail.notice import Language, Notice
from system.shop.domain.milestones import OF_STATUS, Milestone
from system.shop.entrypoints.notices import letters_of
from system.shop.entrypoints.pages import pages_of
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.settings import ShopSettings

ORIGIN = "https://shop.example"
ABOUT = new_id()
LINKS = PrivateLinks(SecretStr("a key"))
FACTS: dict[str, Any] = {
    "number": "A-26000123",
    "promise_at": "2099-01-20T09:00:00+00:00",
    "total": {"amount": "31500.00", "currency": "RUB"},
    "reason": None,
    "pieces": [{"title": {"ru": "Кольцо & <Ко>", "en": "Ring & <Co>"}, "quantity": 2}],
    "question": {
        "reasons": ["metal_moved"],
        "agreed_total": {"amount": "30000.00", "currency": "RUB"},
        "total": {"amount": "31500.00", "currency": "RUB"},
    },
    "parcels": [{"carrier": "CDEK", "tracking_number": "SP123"}],
}


@pytest.fixture(scope="module")
def letters() -> Letters:
    return letters_of(pages_of(ShopSettings(public_url=ORIGIN)), LINKS, public_url=f"{ORIGIN}/")


def notice(kind: str, language: Language = "en", **facts: Any) -> Notice:
    return Notice(kind, ABOUT, "anna@example.com", language, FACTS | facts)


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("kind", list(Milestone))
def test_every_letter_names_its_order_says_what_comes_next_and_leads_to_it(
    letters: Letters, kind: str, language: Language
) -> None:
    written = letters.write(notice(kind, language))
    assert "A-26000123" in written.subject and "\n" not in written.subject
    assert f"{ORIGIN}/shop/track/{LINKS.token_of(ABOUT)}" in written.text
    assert len([part for part in written.text.split("\n\n") if part.strip()]) >= 3
    assert ("Следить" in written.text) == (language == "ru")
    assert "\n\n\n" not in written.text and "{" not in written.text and "&lt;" not in written.text
    message_of(notice(kind, language), written, sender="Us <us@shop.example>", now=datetime(2026, 1, 1, tzinfo=UTC))


def test_every_milestone_has_its_letter(letters: Letters) -> None:
    assert letters.kinds == {each.value for each in Milestone}
    assert {each.value for each in OF_STATUS.values()} | {Milestone.NEWS.value} == letters.kinds


def test_what_each_letter_must_not_leave_out(letters: Letters) -> None:
    said = {kind: letters.write(notice(kind, reason="too thin")).text for kind in Milestone}
    assert "Ring & <Co>, 2" in said[Milestone.RECEIVED] and "RUB 31,500" in said[Milestone.RECEIVED]
    assert "CDEK, SP123" in said[Milestone.SHIPPED]
    for kind in (Milestone.REJECTED, Milestone.PRICE_FAILED, Milestone.CANCELLED):
        assert "too thin" in said[kind] and "owe nothing" in said[kind]
    assert "RUB 30,000" in said[Milestone.PRICE_QUESTION] and "RUB 31,500" in said[Milestone.PRICE_QUESTION]
    for kind in (Milestone.PRICE_QUESTION, Milestone.NEWS, Milestone.REJECTED, Milestone.PRICE_FAILED):
        assert f"{ORIGIN}/shop/orders/{ABOUT}" in said[kind]
    for kind in (Milestone.RECEIVED, Milestone.APPROVED, Milestone.SHIPPED):
        assert "Jan 20" in said[kind]


def test_a_promise_that_is_broken_is_owned_up_to(letters: Letters) -> None:
    late = letters.write(notice(Milestone.SHIPPED, promise_at="2020-01-20T09:00:00+00:00"))
    assert "late" in late.text and "It is promised by" not in late.text


def test_a_reason_of_ours_is_said_in_the_readers_language(letters: Letters) -> None:
    sold_out = letters.write(notice(Milestone.CANCELLED, "ru", reason="Sold out: ring-solitaire-950"))
    assert "Sold out" not in sold_out.text and "Другие успели раньше" in sold_out.text


def test_an_unknown_kind_has_no_words(letters: Letters) -> None:
    with pytest.raises(KeyError):
        letters.write(notice("order-engraved"))
