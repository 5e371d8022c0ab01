"""Every kind of disagreement is found, and agreement is silent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from system.kernel.errors import Invalid
from system.orchestrator.application import reconciliation
from system.orchestrator.application.fan_out import SERVICES
from system.orchestrator.application.reconciliation import reconcile
from system.orchestrator.domain.reconciliation import READERS, WORK_STATE, Finding, Truth, compare
from system.orchestrator.domain.status import Status
from system.orchestrator.domain.work import Stage
from system.orchestrator.tests.fake_peers import FakePeers, a_message
from system.orchestrator.tests.saga_play import ORDER_ID, START

WORK = UUID("0195e000-0000-7000-8000-00000000000a")
TRUTH = Truth(ORDER_ID, "A-26000001", Status.MANUFACTURING_STARTED, 6, {WORK: Stage.CLAIMED})
SAME: dict[str, Any] = {"status": "MANUFACTURING_STARTED", "version": 6}
IN_WORK: dict[str, Any] = SAME | {"work_orders": {str(WORK): {"state": "CLAIMED", "claim_no": 1}}}


def _believed(**changed: Any) -> dict[str, dict[str, Any]]:
    agreed: dict[str, Any] = {"shop": SAME, "crm": SAME, "mes": IN_WORK}
    return {
        service: {str(ORDER_ID): belief} if belief is not None else {} for service, belief in (agreed | changed).items()
    }


def test_agreement_is_silent() -> None:
    assert compare([TRUTH], _believed()) == []


@pytest.mark.parametrize(
    ("service", "belief", "kind"),
    [
        ("shop", None, "not_heard"),
        ("crm", {"status": None, "version": 0}, "not_heard"),
        ("shop", SAME | {"version": 5}, "behind"),
        ("crm", SAME | {"version": 7}, "ahead"),
        ("shop", SAME | {"status": "PACKAGING"}, "disagrees"),
        ("mes", SAME | {"work_orders": {}}, "work_order_missing"),
        ("mes", SAME | {"work_orders": {str(WORK): {"state": "RELEASED"}}}, "work_order_disagrees"),
        ("mes", SAME | {"work_orders": IN_WORK["work_orders"] | {str(ORDER_ID): {}}}, "work_order_disagrees"),
    ],
)
def test_each_disagreement_is_named(service: str, belief: dict[str, Any] | None, kind: str) -> None:
    findings = compare([TRUTH], _believed(**{service: belief}))
    assert [(finding.kind, finding.service, finding.order_id) for finding in findings] == [
        (kind, service, str(ORDER_ID))
    ]


def test_an_order_that_only_the_shop_knows_is_a_vanished_order() -> None:
    findings = compare([], {"shop": {str(ORDER_ID): SAME}})
    assert [finding.kind for finding in findings] == ["unknown_here"]


def test_the_work_of_a_cancelled_order_is_withdrawn() -> None:
    cancelled = Truth(ORDER_ID, "A-26000001", Status.CANCELLED, 7, {WORK: Stage.WAITING})
    belief = {"status": "CANCELLED", "version": 7}
    withdrawn = belief | {"work_orders": {str(WORK): {"state": "WITHDRAWN"}}}
    assert compare([cancelled], {"mes": {str(ORDER_ID): withdrawn}}) == []
    forgotten = belief | {"work_orders": {str(WORK): {"state": "RELEASED"}}}
    assert [f.kind for f in compare([cancelled], {"mes": {str(ORDER_ID): forgotten}})] == ["work_order_disagrees"]


def test_every_stage_has_a_name_in_mes() -> None:
    assert set(WORK_STATE) == set(Stage)


class Decided:
    """The orchestrator's own side; each look may see another truth."""

    def __init__(self, *looks: list[Truth]) -> None:
        self.looks = list(looks)

    async def truths(self, *, since: datetime, also: Iterable[UUID]) -> list[Truth]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    async def broken_histories(self, *, since: datetime) -> list[Finding]:
        return []


async def test_a_message_still_on_its_way_is_no_finding() -> None:
    peers = FakePeers()
    peers.believed = _believed()
    ahead = Truth(ORDER_ID, "A-26000001", Status.MANUFACTURING_COMPLETED, 7, {WORK: Stage.COMPLETED})
    report = await reconcile(Decided([ahead], [TRUTH]), peers, since=START, grace_s=0.001)
    assert report.ok
    lasting = await reconcile(Decided([ahead]), peers, since=START, grace_s=0.001)
    assert {finding.kind for finding in lasting.findings} == {"behind", "work_order_disagrees"}


@pytest.mark.parametrize("state", ["parked", "dead", "held", "refused"])
async def test_a_message_without_an_effect_is_a_finding(state: str) -> None:
    peers = FakePeers()
    peers.believed = _believed()
    peers.held["mes"] = [a_message(1, state=state, order_id=str(ORDER_ID)), a_message(2)]
    report = await reconcile(Decided([TRUTH]), peers, since=START, grace_s=0)
    assert [(finding.kind, finding.service) for finding in report.findings] == [(f"message_{state}", "mes")]


async def test_a_service_that_does_not_answer_cannot_be_called_well() -> None:
    peers = FakePeers()
    peers.believed = _believed()
    peers.away = {"crm"}
    report = await reconcile(Decided([TRUTH]), peers, since=START, grace_s=0)
    assert not report.ok
    assert [(finding.kind, finding.service) for finding in report.findings] == [("not_answering", "crm")]


def test_every_reader_also_has_messages() -> None:
    assert set(READERS) <= set(SERVICES)


async def test_more_orders_than_one_look_holds_are_not_half_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "ORDERS_MAX", 1)
    peers = FakePeers()
    peers.believed = _believed()
    with pytest.raises(Invalid, match="window-too-wide"):
        await reconcile(Decided([TRUTH]), peers, since=START, grace_s=0)
