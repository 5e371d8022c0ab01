"""Hearing of alerts: by page and by mail, in time, with its place, and that it is over; and what does not count as that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from step_defs.dsl import on_call, watching
from step_defs.dsl.breaking import BREAKS
from step_defs.dsl.faults import Faults
from step_defs.dsl.on_call import FIRING, RESOLVED, Alarm, OnCall, tells_of
from step_defs.dsl.world import World

PARKED = Alarm("MessagesParked", "crm", 60)
STAGE = Alarm("OrderPastBudget", "PACKAGING", 60)
GONE = Alarm("ServiceMissing or ServiceDown", "mes", 60)
TEXT = """
3 messages parked in crm after all their retries
  do:      Read the reason on /operations/messages.
  runbook: docs/runbooks/messages-parked.md
  labels:  alertname=MessagesParked service=crm severity=page

Over:

1 messages parked in shop after all their retries
  do:      Read the reason on /operations/messages.
  labels:  alertname=MessagesParked service=shop severity=page
"""


def letter(
    text: str = TEXT, subject: str = "[now] MessagesParked crm", *, at: datetime | None = None
) -> dict[str, Any]:
    return {"subject": subject, "text": text, "received_at": (at or datetime.now(UTC)).isoformat()}


def row(name: str = "MessagesParked", *, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    told_at = (at or datetime.now(UTC)).isoformat()
    said = {"summary": "3 messages parked in crm", "remedy": "replay them", "runbook": "docs/runbooks/x.md"}
    return {"name": name, "labels": {"service": "crm"}, "told_at": told_at, "end_told_at": told_at} | said | more


class Answers:
    """What the page, the mailbox and Prometheus say."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {FIRING: [], RESOLVED: []}
        self.letters_: list[dict[str, Any]] = []
        self.watched_s = [0.0, 126.0]

    def value(self, promql: str) -> float:
        assert promql == "alexandrite:watched_seconds"
        return self.watched_s.pop(0)

    def get(self, path: str, *, state: str, limit: int) -> Any:
        assert path == on_call.ALERTS and limit == on_call.ROWS_MAX
        return SimpleNamespace(body={"items": self.rows[state]})

    def letters(self, to: str) -> list[dict[str, Any]]:
        assert to == on_call.ADDRESS
        return self.letters_

    def alerts(self) -> list[dict[str, Any]]:
        return [{"labels": {"alertname": "MessagesParked", "service": "crm"}, "state": "pending"}]


@pytest.fixture
def said() -> Answers:
    return Answers()


@pytest.fixture
def listener(said: Answers) -> OnCall:
    world = cast(World, SimpleNamespace(backstage=SimpleNamespace(admin=said, post=said)))
    listening = OnCall(world)
    listening.__dict__["prometheus"] = said
    listening.listens_for([PARKED])
    assert not said.watched_s, "it waits until the rules may say that something is away"
    said.watched_s = [126.0] * 9
    return listening


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_letter_tells_of_what_fires_and_of_what_is_over_in_their_own_parts(end: str) -> None:
    came = letter(TEXT.replace("\n", end))
    assert tells_of(came, PARKED, FIRING)
    assert not tells_of(came, PARKED, RESOLVED)
    shop = Alarm("MessagesParked", "shop", 60)
    assert tells_of(came, shop, RESOLVED) and not tells_of(came, shop, FIRING)


@pytest.mark.parametrize(
    ("subject", "is_told"),
    [
        ("[now] ServiceDown: mes", True),
        ("ServiceMissing: mes", True),
        ("[over] ServiceDown: mes", True),
        ("[now] NotServiceDown: mes", False),
        ("[now] ServiceDownAgain: mes", False),
    ],
)
def test_an_alert_is_known_by_its_whole_name_and_by_any_of_two(subject: str, is_told: bool) -> None:
    assert tells_of(letter("mes does not answer", subject), GONE, FIRING) is is_told


def test_told_by_both_ways_is_told(listener: OnCall, said: Answers) -> None:
    listener.breaks(PARKED, lambda _: None)
    said.rows[FIRING], said.letters_ = [row()], [letter()]
    listener.is_told()


@pytest.mark.parametrize(("rows", "letters"), [([], [letter()]), ([row()], [])])
def test_told_by_one_way_alone_is_not_told(
    listener: OnCall, said: Answers, rows: list[dict[str, Any]], letters: list[dict[str, Any]]
) -> None:
    listener.breaks(Alarm("MessagesParked", "crm", 0.05), lambda _: None)
    said.rows[FIRING], said.letters_ = rows, letters
    with pytest.raises(AssertionError, match=r"missing on the page of alerts: .*by mail: .*\n.*pending"):
        listener.is_told()


def test_mail_alone_is_enough_where_the_page_is_gone(listener: OnCall, said: Answers) -> None:
    listener.breaks(PARKED, lambda _: None)
    said.letters_ = [letter()]
    listener.is_told(by_page=False)


def test_what_was_told_before_it_was_broken_does_not_count(listener: OnCall, said: Answers) -> None:
    before = datetime.now(UTC) - timedelta(minutes=5)
    said.rows[FIRING], said.letters_ = [row(at=before)], [letter(at=before)]
    listener.breaks(Alarm("MessagesParked", "crm", 0.05), lambda _: None)
    with pytest.raises(AssertionError, match="missing on the page"):
        listener.is_told()


def test_too_late_is_not_in_time(listener: OnCall, said: Answers) -> None:
    late = datetime.now(UTC) + timedelta(seconds=90)
    listener.breaks(PARKED, lambda _: None)
    said.rows[FIRING], said.letters_ = [row()], [letter(at=late)]
    with pytest.raises(AssertionError, match=r"MessagesParked \(crm\) after \d+ s instead of 60"):
        listener.is_told()


@pytest.mark.parametrize("word", ["summary", "remedy", "runbook"])
def test_an_alert_that_leaves_people_alone_is_named(listener: OnCall, said: Answers, word: str) -> None:
    listener.breaks(PARKED, lambda _: None)
    said.rows[FIRING], said.letters_ = [row() | {word: ""}], [letter()]
    with pytest.raises(AssertionError, match=f"MessagesParked .* has no {word}"):
        listener.is_told()


def test_over_is_over_when_both_say_so_and_nothing_fires(listener: OnCall, said: Answers) -> None:
    listener.breaks(PARKED, lambda _: None)
    said.rows[RESOLVED] = [row()]
    said.letters_ = [letter("Over:\n\n1 messages parked in crm", "[over] MessagesParked: crm")]
    listener.is_told_over(within_s=1)
    said.rows[FIRING] = [row()]
    with pytest.raises(AssertionError, match=r"page of alerts: MessagesParked \(crm\); by mail: nothing"):
        listener.is_told_over(within_s=0.05)


def test_what_an_earlier_scenario_broke_is_waited_out(
    listener: OnCall, said: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_call, "QUIET_WITHIN_S", 0.05)
    said.rows[FIRING] = [row()]
    with pytest.raises(AssertionError, match="before it is broken"):
        listener.listens_for([PARKED])


def test_nothing_broken_is_no_success(listener: OnCall) -> None:
    with pytest.raises(AssertionError, match="nothing is broken"):
        listener.is_told()


HEAD = ["what", "told as", "naming", "within"]


def test_a_table_says_what_breaks_and_what_it_is_told_as() -> None:
    table = [HEAD, ["a message cannot be read", "DeadLetters", "orchestrator", "60"]]
    table += [["an order waits too long for its parcel", "OrderPastBudget", "being packed", "60"]]
    assert watching.alarms_of(table) == [
        ("a message cannot be read", Alarm("DeadLetters", "orchestrator", 60)),
        ("an order waits too long for its parcel", STAGE),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "a table of"),
        ([["the moon is away", "X", "y", "1"]], "nobody breaks"),
        ([["the database is away", "X", "y"]], "a table of"),
        ([["the database is away", "X", "y", "1"], ["a message cannot be read", "X", "y", "1"]], "two rows"),
    ],
)
def test_a_table_of_unknown_words_is_refused(rows: list[list[str]], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        watching.alarms_of([HEAD, *rows])


def test_everything_that_breaks_has_a_name_in_both_languages() -> None:
    def spoken(letters: str) -> list[Any]:
        return [break_it for words, break_it in BREAKS.items() if words[0].lower() in letters]

    english, russian = spoken("abcdefghijklmnopqrstuvwxyz"), spoken("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
    assert len(english) == len(russian) == len(BREAKS) / 2


def test_a_broken_world_is_mended_in_reverse_and_to_the_end() -> None:
    mended: list[str] = []

    def fails() -> None:
        raise AssertionError("it does not start again")

    faults = Faults(cast(World, None))
    faults.mended_by(lambda: mended.append("first"))
    faults.mended_by(fails)
    faults.mended_by(lambda: mended.append("last"))
    with pytest.raises(AssertionError, match="does not start"):
        faults.mend()
    assert mended == ["last", "first"]
