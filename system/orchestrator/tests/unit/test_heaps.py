"""Messages that need a person, heaped by what is wrong with them."""

from __future__ import annotations

from system.orchestrator.application.heaps import fingerprint, heaps_of
from system.orchestrator.tests.fake_peers import a_message


def test_one_cause_is_one_heap_and_the_largest_comes_first() -> None:
    broken = [a_message(n, service="mes", state="parked", error=f"KeyError: 'row {n}' of {n}") for n in (3, 1, 2)]
    other = a_message(4, service="mes", state="parked", error="TimeoutError")
    elsewhere = a_message(5, service="crm", state="parked", error="TimeoutError")
    heaps = heaps_of([other, *broken, elsewhere])
    assert [(heap.service, len(heap.items)) for heap in heaps] == [("mes", 3), ("mes", 1), ("crm", 1)]
    assert heaps[0].since.minute == 1
    assert heaps[0].error == "KeyError: 'row 3' of 3"


def test_another_state_or_kind_is_another_heap() -> None:
    one = a_message(1, service="mes", state="parked", error="x")
    messages = [one, one | {"state": "dead"}, one | {"type": None}, one | {"type": "crm.order_approved.v1"}]
    assert len(heaps_of(messages)) == 4


def test_a_fingerprint_leaves_out_what_differs_between_messages() -> None:
    assert fingerprint('ValueError: order 0195e000-0000-7000-8000-000000000001 has 12 rows, not "a b"') == (
        "ValueError: order * has * rows, not *"
    )
    assert fingerprint(None) == ""
