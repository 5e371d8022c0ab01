"""What the pages show of a work order, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from system.kernel.ids import new_id
from system.kernel.money import Money
from system.mes.application.views import work_order_view
from system.mes.domain import rules
from system.mes.domain.work_order import Claim, Operator, WorkOrder, WorkOrderState
from system.mes.entrypoints.pages import pages_of
from system.mes.entrypoints.sentences import own_reason
from system.mes.settings import MesSettings
from system.mes.tests.harness import OLEG, OLGA, START, TERMS
from system.pagekit.pages import Pages, Said
from system.pagekit.reader import Language
from system.plumbing.auth import Principal

FREE = WorkOrder(
    id=new_id(),
    order_id=new_id(),
    line_id=new_id(),
    order_number="A-26000001",
    channel="shop",
    title="Ring",
    kind="custom",
    material="gold_585",
    quantity=1,
    ring_size="17.5",
    file_id=None,
    sku=None,
    weight_g=Decimal("2.62"),
    approved_at=START,
    promise_at=START + timedelta(days=21),
    released_at=START,
)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return pages_of(MesSettings())


def held(by: Operator = OLEG, *, state: WorkOrderState = WorkOrderState.CLAIMED) -> WorkOrder:
    return replace(FREE, state=state, state_since=START, claim_no=1, claim=Claim(by, START))


def shown(work_order: WorkOrder, *, now: datetime = START) -> dict[str, Any]:
    return work_order_view(work_order, pay=Money.of("500.00", "RUB"), now=now, terms=TERMS)


def row(pages: Pages, work_order: WorkOrder, said: Said | None) -> str:
    return pages.fragment("en", "board_row.html", w=shown(work_order), viewer=None, said=said)


def card(
    pages: Pages,
    work_order: WorkOrder,
    *,
    past: str | None = None,
    language: Language = "ru",
    role: str = "operator",
    operators: Sequence[Operator] = (),
    now: datetime = START,
) -> str:
    history = [{"at": START.isoformat(), "state": "CLAIMED", "claim_no": 1, "actor": "mes", "reason": past}]
    who = Principal(OLEG.id, frozenset({role}), "Oleg", "oleg@alexandrite.example")
    about = {"w": shown(work_order, now=now) | {"history": history}, "viewer": str(OLEG.id), "who": who}
    about["operators"] = [{"operator_id": str(each.id), "name": each.name} for each in operators]
    return pages.fragment(language, "card_piece.html", said=None, own_reason=own_reason, **about)


def test_a_free_row_that_was_refused_says_why_and_can_still_be_taken(pages: Pages) -> None:
    said = Said("claim-limit-reached", "You have enough.")
    refused = row(pages, FREE, said)
    assert 'role="alert">You have enough.' in refused and "/claim" in refused
    assert "refused" in refused and "lost-it" not in refused
    lost = row(pages, held(), said)
    assert "lost-it" in lost and "/claim" not in lost


def test_the_limit_is_told_with_what_is_in_hand(pages: Pages) -> None:
    body = {"code": "claim-limit-reached", "detail": "", "limit": 2, "in_hand": ["A-1", "A-2"]}
    assert "at once, 2: A-1, A-2." in pages.says("en", body)
    assert "сразу, 2: A-1, A-2." in pages.says("ru", body)


def test_a_card_says_what_the_piece_gets_besides_its_metal(pages: Pages) -> None:
    extras = {
        "stones": {"diamond_1_3mm": 2, "opal_9mm": 1},
        "plating": "rhodium",
        "engraving": {"text": "A <b> Б", "height_mm": "1.5"},
    }
    told = card(pages, replace(FREE, extras=extras))
    assert "2 × Бриллиант 1,3 мм, 1 × opal 9mm" in told and "Родирование" in told
    assert "A &lt;b&gt; Б</q>, высота 1,5 мм" in told
    assert "data-engraving" not in card(pages, FREE)
    gone = extras | {"engraving": {"text": None, "height_mm": "1.5"}}
    assert "удалённый текст, высота 1,5 мм" in card(pages, replace(FREE, extras=gone))


@pytest.mark.parametrize(
    ("reason", "russian"),
    [
        (rules.LAPSED, "с ним слишком долго ничего не происходило"),
        (rules.GOES_ON, "изделие ещё в работе"),
        (rules.UNDONE, "отменено: отмечено готовым по ошибке"),
        ("assigned to Olga", "поручено: Olga"),
        ("handed over from Oleg to Olga", "передано: Oleg → Olga"),
    ],
)
def test_what_mes_itself_writes_into_the_history_is_said_in_the_readers_language(
    pages: Pages, reason: str, russian: str
) -> None:
    assert russian in card(pages, held(), past=reason)


def test_what_people_wrote_is_shown_as_they_wrote_it(pages: Pages) -> None:
    assert "100%(sure)s &lt;b&gt; broken_torch" in card(pages, held(), past="100%(sure)s <b> broken_torch")


def test_the_card_says_when_its_claim_lapses(pages: Pages) -> None:
    said = card(pages, held())
    assert "Само вернётся на доску" in said and "4 мар., 12:00" in said
    assert 'data-action="progress"' in said
    assert "Само вернётся" not in card(pages, held(state=WorkOrderState.PACKING))
    assert 'data-action="progress"' not in card(pages, held(Operator(new_id(), "Petra")))


def test_who_leads_the_shift_gives_out_what_is_free_and_hands_over_what_is_held(pages: Pages) -> None:
    free, taken = (
        card(pages, each, role="seller", operators=[OLGA], language="en")
        for each in (FREE, held(Operator(new_id(), "P")))
    )
    assert 'data-action="assignment"' in free and 'data-action="handover"' not in free
    assert 'data-action="handover"' in taken and 'data-action="assignment"' not in taken
    assert f'<option value="{OLGA.id}">Olga' in taken and "P loses the pay" in taken
    assert "handover" not in card(pages, held(state=WorkOrderState.PACKING), role="seller", operators=[OLGA])


def test_a_completion_is_undone_while_there_is_time(pages: Pages) -> None:
    made = held(state=WorkOrderState.COMPLETED)
    in_time = card(pages, made, language="en")
    assert 'data-action="undo"' in in_time and "can be undone until 12:10" in in_time
    assert 'data-action="undo"' not in card(pages, made, now=START + timedelta(minutes=10))
    assert 'data-action="undo"' not in card(pages, replace(made, claim=Claim(OLGA, START)))
