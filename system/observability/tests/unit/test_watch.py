"""The watch over alerts: when they are silent, what a start changes, and who is written to how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import pytest

from system.kernel.ids import new_id
from system.observability.application.watch import HEARD_AGAIN, SILENT, Standing, Watches, Watching
from system.observability.domain.alerts import Told
from system.observability.domain.watch import WATCHDOG, Listening, Reaching, Silence, Watch
from system.observability.entrypoints.notices import letters_of
from system.observability.entrypoints.pages import pages_of
from system.observability.settings import ObservabilitySettings
from system.plumbing.mail.notice import Notice, Notices

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SILENT_AFTER = timedelta(minutes=3)
LOOKED_EVERY = timedelta(seconds=10)
OLD = NOON - timedelta(days=1)
TO = "on-call@alexandrite.example"


@pytest.mark.parametrize(
    ("watch", "listening_since", "state"),
    [
        pytest.param(Watch(NOON - MINUTE), OLD, Reaching.HEARD, id="heard"),
        pytest.param(Watch(NOON - SILENT_AFTER), OLD, Reaching.HEARD, id="heard-just-in-time"),
        pytest.param(Watch(NOON - 4 * MINUTE), OLD, Reaching.SILENT, id="silent"),
        pytest.param(Watch(), OLD, Reaching.SILENT, id="never-heard"),
        pytest.param(Watch(), NOON - MINUTE, Reaching.LISTENING, id="never-heard-and-just-started"),
        pytest.param(Watch(OLD), NOON - MINUTE, Reaching.LISTENING, id="heard-before-a-start"),
        pytest.param(Watch(NOON - MINUTE), NOON, Reaching.HEARD, id="heard-just-before-a-start"),
        pytest.param(Watch(OLD, Silence(new_id(), OLD)), NOON, Reaching.SILENT, id="others-know-it-is-silent"),
        pytest.param(Watch(NOON + MINUTE), OLD, Reaching.HEARD, id="heard-by-a-clock-ahead"),
    ],
)
def test_alerts_reach_us_or_not(watch: Watch, listening_since: datetime, state: Reaching) -> None:
    assert watch.state(now=NOON, listening_since=listening_since, silent_after=SILENT_AFTER) is state


def test_a_process_that_could_not_look_listens_anew() -> None:
    listening = Listening(now=NOON, pause_max=3 * LOOKED_EVERY)
    for step in range(1, 5):
        listening.looks(NOON + step * 3 * LOOKED_EVERY)
    assert listening.since == NOON, "looks that came late are no pause"
    listening.looks(NOON + timedelta(hours=1))
    assert listening.since == NOON + timedelta(hours=1)


class Memory:
    """The row and the letters, and a unit of work over both that is undone unless it is committed."""

    def __init__(self) -> None:
        self.kept, self.letters = Watch(), list[Notice]()
        self.withdrawn: list[tuple[str, UUID]] = []
        self.now = NOON
        self.watch: Watches = self
        self.notices: Notices = self

    async def __aenter__(self) -> Self:
        self._before = (self.kept, list(self.letters))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kept, self.letters = self._before

    async def commit(self) -> None:
        self._before = (self.kept, list(self.letters))

    async def held(self) -> Watch:
        return self.kept

    async def keep(self, watch: Watch) -> None:
        self.kept = watch

    async def post(self, notice: Notice) -> bool:
        self.letters.append(notice)
        return True

    async def withdraw(self, kind: str, *, about: UUID) -> int:
        self.withdrawn.append((kind, about))
        return 0


class Bench:
    """A process that started at noon, and its time."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.watching = self.started()

    def started(self) -> Watching:
        return Watching(
            Reads(self.memory),
            Listening(now=self.memory.now, pause_max=3 * LOOKED_EVERY),
            silent_after=SILENT_AFTER,
            to=TO,
            clock=lambda: self.memory.now,
        )

    async def passes(self, time: timedelta, *, looking: bool = True) -> None:
        until = self.memory.now + time
        while looking and self.memory.now + LOOKED_EVERY <= until:
            self.memory.now += LOOKED_EVERY
            await self.watching.look(self.memory)
        self.memory.now = until

    async def hears(self, *told: Told) -> Sequence[Told]:
        return await self.watching.hear(told or (ALWAYS,), self.memory)

    def written(self) -> list[str]:
        return [notice.kind for notice in self.memory.letters]


class Reads:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def now(self) -> Watch:
        return self._memory.kept


ALWAYS = Told("f0", WATCHDOG, "none", {"alertname": WATCHDOG}, {}, OLD, None)
OTHER = replace(ALWAYS, fingerprint="a1", name="DeadLetters")


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_while_it_is_heard_nobody_is_written_to(bench: Bench) -> None:
    for _ in range(10):
        assert await bench.hears() == []
        await bench.passes(MINUTE)
    assert bench.written() == []
    assert await bench.watching.standing() == Standing(Reaching.HEARD, bench.memory.now - MINUTE, None)


async def test_a_silence_is_one_letter_and_its_end_another(bench: Bench) -> None:
    await bench.hears()
    await bench.passes(SILENT_AFTER)
    assert bench.written() == []
    await bench.passes(timedelta(hours=2))
    assert bench.written() == [SILENT], "once, however long it lasts"
    assert await bench.watching.standing() == Standing(Reaching.SILENT, NOON, NOON)
    await bench.hears()
    await bench.hears()
    await bench.passes(MINUTE)
    assert bench.written() == [SILENT, HEARD_AGAIN]
    first, second = bench.memory.letters
    assert first.about == second.about and first.to == second.to == TO
    assert bench.memory.withdrawn == [(SILENT, first.about)], "one that still waits says what is no longer so"
    await bench.passes(timedelta(hours=1))
    assert bench.written() == [SILENT, HEARD_AGAIN, SILENT]
    assert bench.memory.letters[2].about != first.about, "another silence"


async def test_after_a_start_nothing_is_said_until_it_could_have_been_heard(bench: Bench) -> None:
    bench.memory.kept = Watch(OLD)
    await bench.passes(SILENT_AFTER)
    assert bench.written() == []
    assert (await bench.watching.standing()).state is Reaching.LISTENING
    await bench.passes(LOOKED_EVERY)
    assert bench.written() == [SILENT] and bench.memory.letters[0].facts == {"since": OLD.isoformat()}


async def test_one_that_was_never_heard_is_silent_since_we_listen(bench: Bench) -> None:
    await bench.passes(timedelta(hours=1))
    assert bench.written() == [SILENT] and bench.memory.letters[0].facts == {"since": NOON.isoformat()}


async def test_a_restart_within_a_silence_writes_nothing_again(bench: Bench) -> None:
    await bench.passes(timedelta(hours=1))
    bench.watching = bench.started()
    await bench.passes(timedelta(hours=1))
    assert bench.written() == [SILENT]
    await bench.hears()
    assert bench.written() == [SILENT, HEARD_AGAIN]


async def test_a_machine_that_slept_blames_nobody(bench: Bench) -> None:
    await bench.hears()
    await bench.passes(timedelta(hours=8), looking=False)
    await bench.passes(MINUTE)
    assert bench.written() == []
    await bench.hears()
    await bench.passes(SILENT_AFTER)
    assert bench.written() == []


async def test_only_the_alert_that_always_fires_counts_and_it_is_no_alert(bench: Bench) -> None:
    assert await bench.hears(OTHER) == [OTHER]
    assert await bench.hears(replace(ALWAYS, ended_at=NOON)) == []
    assert bench.memory.kept == Watch(), "one that ended is not one that fires"
    assert await bench.hears(OTHER, ALWAYS) == [OTHER]
    assert bench.memory.kept == Watch(NOON)


async def test_a_clock_that_goes_back_forgets_nothing(bench: Bench) -> None:
    await bench.hears()
    bench.memory.now = NOON - timedelta(hours=1)
    await bench.hears()
    assert bench.memory.kept == Watch(NOON)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("kind", [SILENT, HEARD_AGAIN])
def test_letters_say_since_when_and_where_to_look(kind: str, language: str) -> None:
    settings = ObservabilitySettings()
    letters = letters_of(pages_of(settings), public_url="https://localhost:8443/")
    assert letters.kinds == {SILENT, HEARD_AGAIN}
    facts = {"since": NOON.isoformat(), "heard_at": (NOON + timedelta(hours=1)).isoformat()}
    written = letters.write(Notice(kind, new_id(), TO, "en" if language == "en" else "ru", facts))
    assert ("Alerts" in written.subject) is (language == "en"), "each in its language"
    assert "15:00" in written.text, "the workshop's time"
    links = {
        SILENT: ("/observability/runbooks/watchdog", "/operations/", "/observability/"),
        HEARD_AGAIN: ("/observability/alerts",),
    }
    assert all(f"https://localhost:8443{link}\n" in written.text for link in links[kind])
    if kind == HEARD_AGAIN:
        assert "16:00" in written.text
