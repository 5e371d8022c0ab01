"""The label of a piece: what its code says, and what is understood of what a scanner types."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi import Request

from system.mes.entrypoints import labels
from system.mes.entrypoints.pages import pages_of
from system.mes.settings import MesSettings
from system.mes.tests.harness import OLEG
from system.mes.tests.unit.test_cards import FREE, held, shown
from system.pagekit.codes import qr_code
from system.pagekit.reader import Language
from system.plumbing.auth import Principal

ID = UUID("0190f0a0-0000-7000-8000-00000000000f")
ADDRESS = f"https://alexandrite.example/mes/work-orders/{ID}"


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (ADDRESS, ID),
        (f"  {ADDRESS}\n", ID),
        (f"{ADDRESS.upper()}/slip", ID),
        # The same keys, with the Russian layout on.
        (f"реезыЖ..фдучфтвкшеуюучфьздуюьуы.цщкл-щквукы.{ID}".replace("f", "а"), ID),
        (f"/mes/work-orders/{ID}", ID),
        ("a-26000123", "A-26000123"),
        (" A-26000123 ", "A-26000123"),
        ("Ф-26000123", "A-26000123"),
        (str(ID), str(ID).upper()),
        ("", ""),
    ],
)
def test_what_a_scanner_or_a_person_types_is_understood(typed: str, understood: UUID | str) -> None:
    assert labels.read(typed) == understood


def test_the_code_holds_the_cards_address() -> None:
    assert labels.card_address("https://alexandrite.example/", ID) == ADDRESS
    code = qr_code(ADDRESS)
    assert code.startswith("<svg viewBox=") and "style=" not in code
    assert code == qr_code(ADDRESS) != qr_code(ADDRESS[:-1] + "e")


def page(template: str, language: Language = "en", **about: Any) -> str:
    """A whole page of MES, as a request gets it."""
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "server": ("mes", 80), "path": "/mes/x",
        "query_string": f"lang={language}".encode(), "headers": [],
    }  # fmt: skip
    who = Principal(OLEG.id, frozenset({"operator"}), "Oleg", "oleg@alexandrite.example")
    return bytes(pages_of(MesSettings()).render(Request(scope), template, who=who, **about).body).decode()


def test_the_label_says_what_it_is_and_neither_price_nor_name() -> None:
    text = page("slip.html", "ru", w=shown(held()), address=ADDRESS, code=qr_code(ADDRESS))
    label = text.split("<article")[1].split("</article>")[0]
    for word in ("A-26000001", "Ring", "Золото 585", "17.5", f'data-address="{ADDRESS}"', "<svg"):
        assert word in label
    for word in ("500", "RUB", "₽", "Oleg", "2.62"):
        assert word not in label.split("<svg")[0]


def test_an_order_of_several_pieces_lets_one_choose() -> None:
    several = page("scan.html", items=[shown(FREE), shown(held())], code="A-26000001")
    assert several.count("/mes/work-orders/") == 2 and "Which piece of A-26000001?" in several
    nothing = page("scan.html", items=[], code="A-1")
    assert "Nothing has this number" in nothing and 'name="code"' in nothing
