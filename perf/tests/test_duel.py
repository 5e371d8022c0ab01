"""Two systems at once: whose turn it is, what the machine's other work does to rounds, and the measure of that work."""

from __future__ import annotations

import math
import time
from pathlib import Path

import httpx
import pytest

from perf import machine
from perf.actors import Person
from perf.duel import Duel
from perf.load import Bench
from perf.machine import Watch, usage_file, used_s
from perf.system import Target


class Told(Watch):
    """Says what it was told to say."""

    said: list[float]

    def start(self) -> None:
        pass

    def foreign(self) -> float:
        return self.said.pop(0) if self.said else 0.0

    def used_by_each(self) -> list[float]:
        return [1.5, 2.5]


def told(*said: float) -> Told:
    watch = Told([[], []])
    watch.said = list(said)
    return watch


def contest(watch: Watch) -> tuple[Duel, list[str]]:
    heard: list[str] = []

    def bench(name: str) -> Bench:
        def answer(request: httpx.Request) -> httpx.Response:
            if not heard or heard[-1] != name:
                heard.append(name)
            return httpx.Response(200, json={"items": []})

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://test")
        somebody = Person(http, "a@example.com", "x")
        made = Bench(Target("https://test", "none", {}), http, somebody, somebody, [somebody])
        made.signed_in_at = 1e12
        return made

    return Duel((bench("base"), bench("candidate")), watch, rate=400, seconds=0.25), heard


async def test_the_sides_take_turns_within_a_round() -> None:
    duel, heard = contest(told())
    await duel.play(2)
    assert len(duel.pairs) == 2
    # Far more often than the four times of two rounds one after the other.
    assert len(heard) > 40 and set(heard) == {"base", "candidate"}


async def test_a_round_remembers_what_else_the_machine_did_and_what_each_system_used() -> None:
    duel, _ = contest(told(0.7))
    await duel.play(1)
    assert [one.foreign for one in duel.pairs[0]] == [0.7, 0.7]
    assert [one.cpu_s for one in duel.pairs[0]] == [1.5, 2.5]


async def test_a_quiet_moment_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.duel.SAMPLE_S", 0.001)
    monkeypatch.setattr("perf.duel.WAIT_S", 0.001)
    watch = told(0.9, 0.8, 0.1, 0.9)
    duel, _ = contest(watch)
    await duel.quiet_moment(0.25, deadline=time.monotonic() + 30)
    assert watch.said == [0.9]
    noisy = told(*[0.9] * 100_000)
    duel, _ = contest(noisy)
    await duel.quiet_moment(0.25, deadline=time.monotonic() + 0.05)
    assert noisy.said


@pytest.mark.parametrize(
    ("line", "file", "text"),
    [
        ("0::/docker/abc", "docker/abc/cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
        ("2:cpu,cpuacct:/docker/abc", "cpuacct/docker/abc/cpuacct.usage", "2500000000\n"),
    ],
)
def test_either_version_of_control_groups_tells_seconds(
    line: str, file: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    process = tmp_path / "cgroup"
    process.write_text(f"9:name=systemd:/\n{line}\n")
    found = usage_file(process)
    assert found == tmp_path / file
    assert used_s(found) == pytest.approx(2.5)
    found.unlink()
    assert used_s(found) == 0.0
    assert usage_file(tmp_path / "gone") is None


def test_work_of_another_process_is_foreign_and_our_own_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = tmp_path / "cpuacct.usage"
    ours.write_text("0")
    busy = iter((100.0, 104.0))
    clock = iter((10.0, 12.0))
    monkeypatch.setattr(machine, "busy_s", lambda: next(busy))
    monkeypatch.setattr("perf.machine.os.cpu_count", lambda: 4)
    monkeypatch.setattr("perf.machine.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("perf.machine.time.process_time", lambda: 0.0)
    watch = Watch([[ours], []])
    watch.start()
    ours.write_text("1000000000")
    # 4 s busy, 1 s of it ours, 2 s on 4 processors.
    assert watch.foreign() == pytest.approx(3 / 8)
    used = watch.used_by_each()
    assert used[0] == pytest.approx(1.0)
    assert math.isnan(used[1]), "nobody told what the other one used"
