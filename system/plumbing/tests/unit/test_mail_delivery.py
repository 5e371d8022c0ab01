"""What one try to send a notice comes to, and when the next one is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, cast
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from system.plumbing.mail.delivery import HOUR, UNKNOWN_KIND_S, Delivery, TryAgain
from system.plumbing.mail.notice import KeptNotice, Notice, NoticeState, Written
from system.plumbing.mail.smtp import LetterRefused, PostUnavailable
from system.plumbing.mail.worker import OURS_FAILED_S, AsTold
from system.plumbing.tests.post import mail_settings

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ANNA = "anna@example.com"


@dataclass
class MemoryKept:
    """Notices in a dictionary."""

    notices: dict[UUID, KeptNotice] = field(default_factory=dict)

    def has(self, occasion: str = "", *, kind: str = "order-received", to: str = ANNA, **more: Any) -> UUID:
        notice = Notice(kind, UUID(int=7), to, "en", {"piece": "words"}, occasion)
        values: dict[str, Any] = {"state": NoticeState.WAITING, "created_at": START}
        self.notices[notice.id] = KeptNotice(notice, **(values | more))
        return notice.id

    async def get(self, notice_id: UUID) -> KeptNotice | None:
        return self.notices.get(notice_id)

    async def sent_to(self, address: str, *, since: datetime) -> tuple[int, datetime | None]:
        at = [
            each.settled_at
            for each in self.notices.values()
            if each.notice.to == address and each.state is NoticeState.SENT and each.settled_at
        ]
        found = [one for one in at if one > since]
        return len(found), min(found, default=None)

    async def settle(self, notice_id: UUID, state: NoticeState, *, said: str | None, now: datetime) -> None:
        self.notices[notice_id] = replace(self.notices[notice_id], state=state, said=said, settled_at=now)

    async def not_taken(self, notice_id: UUID, *, said: str) -> None:
        kept = self.notices[notice_id]
        self.notices[notice_id] = replace(kept, attempts=kept.attempts + 1, said=said)


@dataclass
class FakePost:
    """Takes letters, or raises what a test says."""

    sent: list[EmailMessage] = field(default_factory=list)
    trouble: Exception | None = None

    async def send(self, message: EmailMessage, *, to: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.sent.append(message)


class FakeWriter:
    kinds = frozenset({"order-received"})

    def write(self, notice: Notice) -> Written:
        return Written("A subject", f"A ring of {notice.facts['piece']}")


@dataclass
class Desk:
    kept: MemoryKept = field(default_factory=MemoryKept)
    post: FakePost = field(default_factory=FakePost)
    now: datetime = START

    def delivery(self, **settings: Any) -> Delivery:
        return Delivery(self.kept, self.post, FakeWriter(), mail_settings(**settings), now=lambda: self.now)

    def one(self, notice_id: UUID) -> KeptNotice:
        return self.kept.notices[notice_id]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_letter_is_sent_once_however_often_it_is_tried(desk: Desk) -> None:
    notice_id = desk.kept.has()
    for _ in range(3):
        await desk.delivery().attempt(notice_id)
    assert len(desk.post.sent) == 1
    assert (desk.one(notice_id).state, desk.one(notice_id).settled_at) == (NoticeState.SENT, START)


@pytest.mark.parametrize("state", [each for each in NoticeState if each is not NoticeState.WAITING])
async def test_what_is_over_is_not_sent(desk: Desk, state: NoticeState) -> None:
    await desk.delivery().attempt(desk.kept.has(state=state, settled_at=START))
    await desk.delivery().attempt(UUID(int=9))
    assert desk.post.sent == []


async def test_a_death_between_the_servers_word_and_ours_repeats_the_same_message(desk: Desk) -> None:
    notice_id = desk.kept.has()
    settle = desk.kept.settle

    async def dies(*_: Any, **__: Any) -> None:
        raise ConnectionError("the database is away")

    desk.kept.settle = dies  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await desk.delivery().attempt(notice_id)
    desk.kept.settle = settle  # type: ignore[method-assign]
    await desk.delivery().attempt(notice_id)
    first, second = desk.post.sent
    assert first["Message-ID"] == second["Message-ID"] and desk.one(notice_id).state is NoticeState.SENT


async def test_a_refused_letter_is_final_and_keeps_the_servers_word(desk: Desk) -> None:
    notice_id = desk.kept.has()
    desk.post.trouble = LetterRefused("550 no such mailbox")
    await desk.delivery().attempt(notice_id)
    assert (desk.one(notice_id).state, desk.one(notice_id).said) == (NoticeState.REFUSED, "550 no such mailbox")


async def test_an_address_that_is_none_is_refused_and_no_fault(desk: Desk) -> None:
    notice_id = desk.kept.has(to="anna@example.com\nBcc: x@y.example")
    await desk.delivery().attempt(notice_id)
    assert desk.one(notice_id).state is NoticeState.REFUSED and desk.post.sent == []


async def test_a_letter_that_is_not_taken_waits_longer_each_time(desk: Desk) -> None:
    notice_id = desk.kept.has()
    desk.post.trouble = PostUnavailable("451 later")
    waits = []
    for _ in range(6):
        with pytest.raises(TryAgain) as again:
            await desk.delivery(mail_retry_base_s=10, mail_retry_max_s=100).attempt(notice_id)
        waits.append(again.value.after_s)
    ceilings = [10, 20, 40, 80, 100, 100]
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True)), waits
    assert (desk.one(notice_id).state, desk.one(notice_id).attempts) == (NoticeState.WAITING, 6)
    desk.post.trouble = None
    await desk.delivery().attempt(notice_id)
    assert desk.one(notice_id).state is NoticeState.SENT


async def test_a_letter_that_nobody_takes_is_given_up(desk: Desk) -> None:
    notice_id = desk.kept.has(said="451 later")
    desk.now = START + timedelta(seconds=101)
    await desk.delivery(mail_give_up_after_s=100).attempt(notice_id)
    assert (desk.one(notice_id).state, desk.one(notice_id).said) == (NoticeState.GIVEN_UP, "451 later")
    assert desk.post.sent == []


async def test_one_address_gets_so_many_letters_an_hour_and_another_is_not_held_back(desk: Desk) -> None:
    for number in range(2):
        desk.kept.has(f"sent {number}", state=NoticeState.SENT, settled_at=START + timedelta(minutes=10 * number))
    more, other = desk.kept.has("more"), desk.kept.has("other", to="boris@example.com")
    desk.now = START + timedelta(minutes=30)
    delivery = desk.delivery(mail_per_address_hourly_max=2)
    with pytest.raises(TryAgain) as again:
        await delivery.attempt(more)
    assert again.value.after_s == (START + HOUR - desk.now).total_seconds()
    await delivery.attempt(other)
    assert len(desk.post.sent) == 1
    desk.now = START + HOUR + timedelta(seconds=1)
    await delivery.attempt(more)
    assert desk.one(more).state is NoticeState.SENT


async def test_a_kind_of_a_younger_release_waits_for_it(desk: Desk) -> None:
    notice_id = desk.kept.has(kind="order-engraved")
    with pytest.raises(TryAgain) as again:
        await desk.delivery().attempt(notice_id)
    assert again.value.after_s == UNKNOWN_KIND_S and desk.one(notice_id).state is NoticeState.WAITING


async def test_the_log_has_neither_address_nor_words(desk: Desk) -> None:
    with capture_logs() as lines:
        for occasion, trouble in (
            ("a", None),
            ("b", LetterRefused(f"550 {ANNA} unknown")),
            ("c", PostUnavailable(f"451 {ANNA} later")),
        ):
            desk.post.trouble = trouble
            try:
                await desk.delivery().attempt(desk.kept.has(occasion))
            except TryAgain:
                assert occasion == "c"
    assert len(lines) == 3 and ANNA not in str(lines) and "words" not in str(lines)


@pytest.mark.parametrize(
    ("error", "after_s"),
    [(TryAgain(2.5), 2.5), (ValueError("a fault of ours"), OURS_FAILED_S), (asyncio.CancelledError(), 0)],
)
def test_the_queue_comes_again_when_it_is_told(error: BaseException, after_s: float) -> None:
    decision = AsTold().get_retry_decision(exception=error, job=cast(Any, None))
    assert decision is not None
    left_s = (decision.retry_at - datetime.now(UTC)).total_seconds() if decision.retry_at else 0.0
    assert left_s == pytest.approx(after_s, abs=1.0)
