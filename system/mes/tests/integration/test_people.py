"""A customer's way out of MES: what was made, by whom and for how much stays; a name, a file's name and words do not."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from sqlalchemy import select

from system.conftest import Infrastructure
from system.kernel.ids import new_id
from system.mes.adapters import tables
from system.mes.application.people import erase_person
from system.mes.tests.harness import OLEG, claim, hear, release_of, spec, withdrawal_of
from system.mes.tests.integration.conftest import PostgresMes
from system.messages.envelope import EngravingV1, ExtrasV1
from system.plumbing.erasure import Reach
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.canaries import plant
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration


async def test_nobody_is_left_in_any_table_and_who_earned_what_stays(
    mes: PostgresMes, infrastructure: Infrastructure
) -> None:
    anna = plant()
    made, taken_back = new_id(), new_id()
    extras = ExtrasV1(stones={"diamond_1_3mm": 2}, engraving=EngravingV1(text=anna.words, height_mm=Decimal("1.5")))
    work = spec().model_copy(update={"title": f"{anna.name}.stl", "extras": extras})
    await hear(mes, release_of(work, order_id=made))
    await claim(mes, work.work_order_id)
    await hear(mes, release_of(spec().model_copy(update={"title": f"{anna.name}.stl"}), order_id=taken_back))
    asked = withdrawal_of(taken_back).model_copy(update={"requested_by": f"customer {anna.name}", "reason": anna.words})
    await hear(mes, asked)
    assert set(anna.traces(infrastructure, "mes")) >= {"work_order", "work_order_history", "withdrawal", "pay_ledger"}
    before = await mes.ledger(work.work_order_id)

    erased = await erase_person(new_id(), Reach(order_ids=[made, taken_back]), mes.make_uow)

    assert anna.traces(infrastructure, "mes") == {}
    assert erased.counts["work_orders"] == 2
    assert (await mes.work_order(work.work_order_id)).extras == {
        "stones": {"diamond_1_3mm": 2},
        "plating": None,
        "engraving": {"text": None, "height_mm": "1.5"},
    }
    [entry], [earned] = await mes.ledger(work.work_order_id), before
    assert (entry.operator, entry.amount, entry.at) == (earned.operator, earned.amount, earned.at)
    assert (await mes.work_order(work.work_order_id)).claim is not None
    [row] = await mes.rows(select(tables.withdrawal).where(tables.withdrawal.c.order_id == taken_back))
    assert (row["requested_by"], row["reason"], row["accepted"]) == ("customer", None, True)
    again = await erase_person(new_id(), Reach(order_ids=[made, taken_back]), mes.make_uow)
    assert set(again.counts.values()) == {0}


async def test_of_other_orders_nothing_is_forgotten(mes: PostgresMes) -> None:
    order_id = new_id()
    work = spec()
    await hear(mes, release_of(work, order_id=order_id))
    await claim(mes, work.work_order_id, OLEG)

    erased = await erase_person(new_id(), Reach(order_ids=[new_id()]), mes.make_uow)

    assert set(erased.counts.values()) == {0}
    assert (await mes.work_order(work.work_order_id)).title == work.title


async def test_identity_alone_may_ask(
    http: httpx.AsyncClient, mes: PostgresMes, infrastructure: Infrastructure
) -> None:
    order_id = new_id()
    await hear(mes, release_of(spec(), order_id=order_id))

    def asking(service: str) -> dict[str, str]:
        authority = TokenAuthority(infrastructure.settings_of(service, ServiceSettings))
        return {"Authorization": f"Bearer {authority.issue_for_service(to='mes', acting_for=None)}"}

    place, body = f"/internal/people/{new_id()}/erasure", {"order_ids": [str(order_id)]}
    assert (await http.post(place, json=body, headers=asking("shop"))).status_code == 403
    answer = await http.post(place, json=body, headers=asking("identity"))
    assert (answer.status_code, answer.json()["counts"]["work_orders"]) == (200, 1)
