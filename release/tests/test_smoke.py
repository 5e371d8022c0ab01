"""Smoke of a slot: the right release, healthy, reached by the header, and scenarios whose report is believed only when whole."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from release.blobs import Blobs
from release.home import Home
from release.results import GateResult
from release.smoke import BUDGET_S, Halt, Ring, Scenarios, Synthetic, smoke
from release.tests.ring_world import START, release_of
from release.verdict import Verdict
from tools.prepare.names import SERVICES

RELEASE = release_of("b")
GOOD = """
import os
import pytest

pytestmark = [pytest.mark.{tag}]

@pytest.mark.parametrize("number", range({count}))
def test_customers_do_what_they_do(number):
    assert os.environ["ALEXANDRITE_RING"] == "only the pipeline knows"
    assert os.environ["ALEXANDRITE_URL"] == "https://localhost:1"
"""


@dataclass
class Slot:
    """A slot and the gateway before it."""

    digests: list[str | None] = field(default_factory=lambda: [RELEASE.digest])
    unwell: Mapping[str, str] = field(default_factory=dict)
    reached: bool = True
    shut: Sequence[str] = ()
    answered: int = 0

    def ring(self) -> Ring:
        variables = {"ALEXANDRITE_URL": "https://localhost:1", "ALEXANDRITE_RING": "only the pipeline knows"}
        door = httpx.Client(base_url="https://gateway.example", transport=httpx.MockTransport(self._answer))
        digest = lambda: self.digests.pop(0) if len(self.digests) > 1 else self.digests[0]  # noqa: E731
        return Ring("production", "green", variables, digest, lambda: self.unwell, lambda: self.answered, door)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.answered += self.reached
        service = request.url.path.split("/")[2]
        return httpx.Response(502 if service in self.shut else 200)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def scenarios_of(directory: Path, text: str) -> Scenarios:
    tests = directory / "scenarios"
    tests.mkdir()
    (tests / "test_scenarios.py").write_text(text)
    (tests / "pytest.ini").write_text("[pytest]\nmarkers =\n  smoke: a\n  synthetic: b\n  exclusive: c\n")
    return Scenarios(root=tests, arguments=("test_scenarios.py", "-c", "pytest.ini", "-p", "no:randomly"))


def run(home: Home, slot: Slot, scenarios: Scenarios, *, tag: str = "smoke", halt: Halt | None = None) -> GateResult:
    return smoke(slot.ring(), RELEASE, tag, work=home.work, blobs=Blobs(home), scenarios=scenarios, halt=halt)


@pytest.mark.parametrize("tag", ["smoke", "synthetic"])
def test_scenarios_of_the_tag_run_against_the_ring_and_leave_their_evidence(
    tmp_path: Path, home: Home, tag: str
) -> None:
    result = run(home, Slot(), scenarios_of(tmp_path, GOOD.format(tag=tag, count=5)), tag=tag)
    assert (result.gate, result.verdict, result.reasons) == (f"{tag}-production", Verdict.PASSED, ())
    assert (result.passed, result.checked, result.exit_status) == (5, 5, 0)
    assert set(result.raw) == {"smoke.xml", "smoke.counts.json", "output.txt"}
    assert b"test_customers_do_what_they_do" in Blobs(home).get(result.raw["smoke.xml"])
    assert list(home.work.iterdir()) == []


def test_a_scenario_that_fails_fails_the_release(tmp_path: Path, home: Home) -> None:
    broken = GOOD.format(tag="smoke", count=5) + "\ndef test_price():\n    assert 0, 'no price'\n"
    result = run(home, Slot(), scenarios_of(tmp_path, broken))
    assert (result.verdict, result.failed) == (Verdict.FAILED, 1)
    assert "no price" in result.reasons[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(GOOD.format(tag="smoke", count=2), "at least 5", id="too few"),
        pytest.param(GOOD.format(tag="synthetic", count=9), "Nothing was executed", id="none of this tag"),
        pytest.param("import nothing_of_this_name", "", id="does not load"),
        pytest.param("import os; os._exit(0)", "missing", id="no report"),
    ],
)
def test_a_run_that_says_nothing_is_no_pass(tmp_path: Path, home: Home, text: str, said: str) -> None:
    result = run(home, Slot(), scenarios_of(tmp_path, text))
    assert result.verdict in (Verdict.ERRORED, Verdict.FAILED)
    assert any(said in reason for reason in result.reasons)


NEVER = "import time\nimport pytest\n@pytest.mark.smoke\ndef test_long():\n    time.sleep(60)\n"


def test_a_run_that_does_not_end_is_ended(tmp_path: Path, home: Home) -> None:
    scenarios = replace(scenarios_of(tmp_path, NEVER), budgets_s={"smoke": 1.0})
    result = run(home, Slot(), scenarios)
    assert (result.verdict, result.exit_status) == (Verdict.ERRORED, None)
    assert "killed after 1 s" in result.reasons[0]


def test_a_halted_run_ends_at_once_and_is_no_pass(tmp_path: Path, home: Home) -> None:
    halt = Halt()
    halt.now()
    result = run(home, Slot(), scenarios_of(tmp_path, NEVER), halt=halt)
    assert result.verdict is Verdict.ERRORED
    assert result.elapsed_s < BUDGET_S["smoke"] / 10


# -- who is asked ---------------------------------------------------------------------------------------------------------------

NOBODY = Scenarios(arguments=("/nowhere",))


@pytest.mark.parametrize("digest", [None, release_of("c").digest])
def test_another_release_in_the_slot_says_nothing_of_this_one(home: Home, digest: str | None) -> None:
    result = run(home, Slot(digests=[digest]), NOBODY)
    assert result.verdict is Verdict.ERRORED
    assert RELEASE.digest in result.reasons[0]


def test_a_slot_exchanged_meanwhile_makes_it_somebody_else_s_result(tmp_path: Path, home: Home) -> None:
    slot = Slot(digests=[RELEASE.digest, release_of("c").digest])
    assert run(home, slot, scenarios_of(tmp_path, GOOD.format(tag="smoke", count=5))).verdict is Verdict.ERRORED


def test_an_unhealthy_service_is_named(home: Home) -> None:
    result = run(home, Slot(unwell={"shop": "running unhealthy"}), NOBODY)
    assert result.verdict is Verdict.FAILED
    assert "shop: running unhealthy" in result.reasons[0]


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_must_answer_through_the_ring(home: Home, service: str) -> None:
    result = run(home, Slot(shut=[service]), NOBODY)
    assert (result.verdict, result.failed) == (Verdict.FAILED, 1)
    assert f"{service} answers 502" in result.reasons[0]


def test_answers_of_another_slot_do_not_count(home: Home) -> None:
    result = run(home, Slot(reached=False), NOBODY)
    assert result.verdict is Verdict.ERRORED
    assert "does not reach green" in result.reasons[0]


# -- synthetic customers --------------------------------------------------------------------------------------------------------


def rounds(*verdicts: Verdict) -> tuple[Synthetic, threading.Event]:
    """Rounds that end so; after the last one the event is set."""
    left, ended = list(verdicts), threading.Event()

    def one_round(halt: Halt) -> GateResult:
        verdict = left.pop(0)
        if not left:
            ended.set()
            customers._enough.set()
        return GateResult("smoke-production", verdict, ("no price",), START, START)

    customers = Synthetic(one_round)
    return customers, ended


def test_they_come_round_after_round_until_it_is_enough() -> None:
    customers, ended = rounds(Verdict.PASSED, Verdict.PASSED, Verdict.PASSED)
    with customers:
        assert ended.wait(10)
        customers.finish()
    assert (customers.rounds, customers.failed()) == (3, "")


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERRORED])
def test_a_round_that_does_not_pass_is_told(verdict: Verdict) -> None:
    customers, ended = rounds(Verdict.PASSED, verdict)
    with customers:
        assert ended.wait(10)
        customers.finish()
    assert customers.failed() == f"synthetic customers: {verdict}: no price"


def test_customers_who_cannot_even_be_sent_are_told() -> None:
    def broken(halt: Halt) -> GateResult:
        raise OSError("no python here")

    with Synthetic(broken) as customers:
        customers.finish()
    assert "no python here" in customers.failed()


def test_scenarios_that_break_shared_parts_are_never_sent_into_an_environment() -> None:
    command = Scenarios().command("smoke", Path("/out"))
    assert command[:4] == (sys.executable, "-m", "pytest", "features")
    assert "smoke and not exclusive" in command
