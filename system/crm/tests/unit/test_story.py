"""An order's story: what of it a seller reads, in which order, and the advice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from system.crm.entrypoints.story import MESSAGES, SERVICES, SETBACKS, TRY_AGAIN, WHY, advice_of, as_view, story_of
from system.messages import catalogue
from system.messages.orchestrator_v1 import OrderStatus

TOLD = ("worker-died", "lease-lost", "allowance-exceeded", "measuring-killed", "dependency-away", "given-up")
"""What may hold a calculation up, as pricing writes it."""
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def order(**more: Any) -> dict[str, Any]:
    return {
        "status": "MANUFACTURING_APPROVED",
        "allowed": ["MANUFACTURING_STARTED"],
        "due_at": (NOW + timedelta(hours=1)).isoformat(),
        "history": [
            {"status": "SUBMITTED", "at": at(0), "actor": "customer Clara", "reason": None},
            {"status": "MANUFACTURING_APPROVED", "at": at(4), "actor": "seller Sofia", "reason": None},
        ],
        "carrier_events": [],
        "letters": [],
        "waits_for_customer_since": None,
    } | more


def at(minute: int) -> str:
    return (NOW - timedelta(hours=1) + timedelta(minutes=minute)).isoformat()


def message(state: str, *, box: str = "inbox", service: str = "mes", minute: int = 5, **more: Any) -> dict[str, Any]:
    details = {"box": box, "state": state, "type": "orchestrator.release_work_orders.v1"} | more
    return {
        "at": at(minute),
        "service": service,
        "kind": "message",
        "title": "",
        "details": details,
        "trace_id": "a" * 32,
    }


def told(*entries: dict[str, Any], saga: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return {"entries": list(entries), "not_answering": {}, "order": {"saga": list(saga), "lines": []}} | more


def saga_step(state: str, *, attempts: int = 1, for_s: int = 60, deadline: bool = True) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=for_s)).isoformat()
    return {"state": state, "attempts": attempts, "since": since, "deadline_at": at(0) if deadline else None}


def test_what_went_well_is_apart_and_what_did_not_is_part_of_the_story() -> None:
    fine, sent = message("done"), message("published", box="outbox", service="orchestrator")
    story = story_of(order(), told(fine, sent, message("retry", attempts=3, error="ValueError: broken")), now=NOW)
    assert [(line.kind, line.facts.get("state")) for line in story.lines] == [
        ("trouble", "retry"),
        ("status", None),
        ("status", None),
    ]
    assert [(line.facts["service"], line.facts["state"]) for line in story.messages] == [
        ("orchestrator", "published"),
        ("mes", "done"),
    ]
    assert story.lines[0].reason == "ValueError: broken"


def test_notes_stand_where_they_were_written_with_who_and_about_what() -> None:
    def note(minute: int, order_id: str | None, **more: Any) -> dict[str, Any]:
        author = {"id": "1", "name": "Sofia"}
        return {
            "at": at(minute),
            "order_id": order_id,
            "author": author,
            "text": "100 % sure",
            "corrected": False,
        } | more

    story = story_of(order(), told(), now=NOW, notes=[note(2, "o-1"), note(1, None, corrected=True)])
    shown = [(line.kind, line.actor, line.facts.get("about"), line.facts.get("corrected")) for line in story.lines]
    assert shown[1:3] == [("note", "seller Sofia", "order", False), ("note", "seller Sofia", "customer", True)]
    assert as_view(story)["lines"][1]["text"] == "100 % sure"


def test_the_newest_comes_first_and_the_carrier_is_heard() -> None:
    said = {
        "carrier": "CDEK",
        "tracking_number": "T1",
        "event": "delivered",
        "occurred_at": at(50),
        "received_at": at(59),
    }
    view = as_view(story_of(order(carrier_events=[said]), told(), now=NOW))
    assert [line["text"] for line in view["lines"]] == ["CDEK T1: delivered", "MANUFACTURING_APPROVED", "SUBMITTED"]


def test_what_came_at_one_moment_is_told_in_its_order() -> None:
    steps = [{"status": status, "at": at(3), "actor": "", "reason": None} for status in ("PACKAGING", "SHIPPED")]
    story = story_of(order(history=steps), told(), now=NOW)
    assert [line.text for line in story.lines] == ["SHIPPED", "PACKAGING"]


def test_without_the_orchestrator_the_own_history_is_told_and_the_gap_is_named() -> None:
    story = story_of(order(), None, now=NOW)
    assert [line.text for line in story.lines] == ["MANUFACTURING_APPROVED", "SUBMITTED"]
    assert story.not_heard == ("orchestrator",)


def test_services_that_did_not_answer_are_named() -> None:
    story = story_of(order(), told(not_answering={"pricing": "away", "mes": "away"}), now=NOW)
    assert story.not_heard == ("mes", "pricing")


@pytest.mark.parametrize("code", sorted(TOLD))
def test_what_held_the_price_up_is_told(code: str) -> None:
    details = {"setback": code, "attempt": 2, "quote_id": "q", "worker": 7}
    entry = message("done", service="pricing") | {"kind": "retry", "details": details}
    [line] = [each for each in as_view(story_of(order(), told(entry), now=NOW))["lines"] if each["kind"] == "trouble"]
    assert (line["service"], line["state"], line["type"]) == ("pricing", code, None)
    assert line["text"] == SETBACKS[code] % {"attempts": 2}


def test_a_setback_of_a_later_release_is_left_out() -> None:
    entry = message("done", service="pricing") | {"kind": "retry", "details": {"setback": "moon-too-full"}}
    story = story_of(order(), told(entry), now=NOW)
    assert all(line.kind == "status" for line in story.lines) and not story.messages


def test_who_had_it_tried_again_is_told() -> None:
    note = {
        "at": at(9),
        "service": "orchestrator",
        "kind": "retry",
        "title": "",
        "details": {"note": "resent", "actor": "Sofia"},
        "trace_id": None,
    }
    other = note | {"details": {"note": "late_fact"}}
    story = story_of(order(), told(note, other), now=NOW)
    assert [(line.kind, line.actor) for line in story.lines if line.kind == "deed"] == [("deed", "Sofia")]


def test_an_order_in_time_needs_no_advice() -> None:
    assert advice_of(order(), told(), now=NOW) is None
    assert advice_of(order(due_at=None), told(), now=NOW) is None


@pytest.mark.parametrize("status", sorted(WHY))
def test_a_late_order_has_advice_for_its_status(status: str) -> None:
    due = NOW - timedelta(minutes=1)
    advice = advice_of(order(status=status, due_at=due.isoformat()), told(), now=NOW)
    assert advice is not None
    assert (advice.why, advice.what_to_do, advice.action) == WHY[status]
    assert advice.since == due


def test_an_order_whose_customer_was_asked_waits_for_the_customer() -> None:
    due, asked = NOW - timedelta(minutes=1), NOW - timedelta(hours=2)
    late = order(status="PRICE_CALCULATED", due_at=due.isoformat(), waits_for_customer_since=asked.isoformat())
    advice = advice_of(late, told(), now=NOW)
    assert advice is not None
    assert (advice.action, advice.since) == ("call", asked)


def test_letters_are_part_of_the_story_as_they_were_written() -> None:
    written = {"letter_id": "1", "side": "customer", "author": "Clara", "text": "100 % gold, please", "at": at(7)}
    [line] = [
        each
        for each in as_view(story_of(order(letters=[written]), told(), now=NOW))["lines"]
        if each["kind"] == "letter"
    ]
    assert (line["text"], line["actor"]) == ("100 % gold, please", "customer Clara")


def test_an_order_that_has_ended_is_never_late() -> None:
    past = (NOW - timedelta(days=9)).isoformat()
    assert advice_of(order(status="CLOSED", allowed=[], due_at=past), told(), now=NOW) is None


def test_what_is_set_aside_comes_before_what_is_late() -> None:
    late = order(due_at=(NOW - timedelta(minutes=1)).isoformat())
    advice = advice_of(late, told(message("parked", attempts=10)), now=NOW)
    assert advice is not None
    assert (advice.action, advice.what_to_do) == ("repair", TRY_AGAIN)


@pytest.mark.parametrize(
    ("step", "is_silent"),
    [
        (saga_step("STUCK", attempts=6, deadline=False), True),
        (saga_step("UNDO_STUCK", attempts=6, deadline=False), True),
        (saga_step("UNDOING"), False),
        (saga_step("UNDOING", attempts=2, for_s=4), True),
        (saga_step("RUNNING", for_s=100), False),
        (saga_step("RUNNING", attempts=2, for_s=100), True),
        # Asked for anew: the attempts count on, and this one has only begun.
        (saga_step("RUNNING", attempts=2, for_s=3), False),
        # It waits for a person, not for a service.
        (saga_step("RUNNING", attempts=2, for_s=100, deadline=False), False),
        (saga_step("DONE", attempts=4, deadline=False), False),
    ],
)
def test_a_service_that_was_asked_again_and_is_silent_is_noticed(step: dict[str, Any], is_silent: bool) -> None:
    advice = advice_of(order(), told(saga=(step,)), now=NOW)
    assert (advice is not None and advice.action == "repair") is is_silent


def test_every_message_and_status_has_its_words() -> None:
    assert set(MESSAGES) == set(catalogue.BY_TYPE)
    assert set(SERVICES) >= set(catalogue.services())
    assert set(WHY) <= {str(each) for each in OrderStatus}


def test_an_unreadable_message_is_told_in_words() -> None:
    entry = message("dead", box="dead_letter", error="not JSON")
    del entry["details"]["type"]
    [line] = [one for one in as_view(story_of(order(), told(entry), now=NOW))["lines"] if one["kind"] == "trouble"]
    assert line["text"] == (
        "production could not read this; an administrator has to mend it: a message that cannot be read"
    )
    assert (line["reason"], line["type"]) == ("not JSON", None)


def test_why_there_is_no_price_keeps_its_code_for_the_readers_language() -> None:
    failed = {
        "status": "PRICE_FAILED",
        "at": at(3),
        "actor": "pricing",
        "reason": "Holes.",
        "reason_code": "mesh-not-closed",
    }
    earlier = {"status": "SUBMITTED", "at": at(0), "actor": "customer Clara", "reason": None}
    story = story_of(order(status="PRICE_FAILED", allowed=[], history=[earlier, failed]), told(), now=NOW)
    assert [line.reason_code for line in story.lines] == ["mesh-not-closed", None]
