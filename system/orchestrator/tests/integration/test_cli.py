"""The command line of people on call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from system.orchestrator.entrypoints.cli import commands
from system.orchestrator.main import service
from system.orchestrator.settings import OrchestratorSettings
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.fake_peers import FakePeers, a_message
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration

Run = Callable[..., int]


@pytest.fixture
def peers() -> FakePeers:
    return FakePeers()


@pytest.fixture
def run(settings: OrchestratorSettings, peers: FakePeers) -> Run:
    def build() -> Service:
        built = service(settings)
        built.app.state.desks.peers = peers
        return built

    return lambda name, *arguments: commands(build)[name](list(arguments))


@pytest.fixture
def facts(settings: OrchestratorSettings) -> Facts:
    """An order that was submitted and never priced."""
    made = Facts()

    async def receive() -> None:
        built = service(settings)
        await Post(built, settings).delivers(made.initiated(), made.submitted())
        await built.engine.dispose()

    asyncio.run(receive())
    return made


def test_messages_are_listed_and_the_exit_status_says_that_a_person_is_needed(
    run: Run, peers: FakePeers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("messages") == 0
    peers.held["mes"] = [a_message(1, state="parked", error="ValueError: broken"), a_message(2, state="retry")]
    assert run("messages") == 1
    assert "ValueError: broken" in capsys.readouterr().out
    assert run("messages", "--state", "retry") == 1
    assert capsys.readouterr().out.endswith("1 message(s)\n")


def test_replay_by_type_and_state(run: Run, peers: FakePeers, facts: Facts, capsys: pytest.CaptureFixture[str]) -> None:
    parked = a_message(1, state="parked", order_id=str(facts.order_id))
    peers.held["mes"] = [parked]
    wish = ["--actor", "Anna", "--type", parked["type"], "--state", "parked"]
    assert run("replay", *wish, "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["dry_run"] is True
    assert run("replay", *wish) == 0
    assert {service for service, order in peers.replayed if not order["dry_run"]} >= {"mes", "shop", "crm"}
    capsys.readouterr()
    assert run("timeline", facts.number) == 0
    told = capsys.readouterr().out
    assert "Anna had 1 message(s) delivered again" in told
    assert "SUBMITTED by customer" in told


def test_republish_asks_every_service_and_names_who_did_not_answer(
    run: Run, peers: FakePeers, capsys: pytest.CaptureFixture[str]
) -> None:
    peers.held["mes"] = [a_message(1), a_message(2)]
    wish = ["--actor", "Anna", "--since", "2026-03-02T09:00:00+03:00"]
    assert run("republish", *wish) == 0
    assert {service for service, _ in peers.republished} == {"crm", "mes", "orchestrator", "pricing", "shop"}
    asked = {"since": "2026-03-02T09:00:00+03:00", "to": None, "types": None, "actor": "Anna"}
    assert all(order == asked for _, order in peers.republished)
    assert capsys.readouterr().out.endswith("2 message(s) are published again\n")
    peers.republished.clear()
    peers.away.add("mes")
    assert run("republish", *wish, "--service", "mes", "--service", "crm", "--to", "shop", "--type", "crm.x.v1") == 1
    assert peers.republished == [("crm", asked | {"to": "shop", "types": ["crm.x.v1"]})]
    assert "mes did not answer" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run("republish", "--actor", "Anna", "--since", "2026-03-02T09:00:00")


def test_reconcile_prints_each_finding(
    run: Run, peers: FakePeers, facts: Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("reconcile") == 1
    printed = capsys.readouterr().out
    assert f"not_heard              shop          {facts.order_id}" in printed
    assert "NOT OK" in printed


def test_reconcile_is_content_when_nothing_happened(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reconcile", "--since", "2100-01-01T00:00:00+00:00") == 0
    assert capsys.readouterr().out.startswith("ok: ")


def test_stuck_orders_set_the_exit_status(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status = run("stuck")
    printed = capsys.readouterr().out
    assert printed.endswith(" stuck\n")
    assert status == (0 if printed.startswith("0 stuck") else 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "A-26999999"), "There is no order A-26999999"),
        (("reconcile", "--since", "2026-03-02T00:00:00"), "with its time zone"),
        (
            ("replay", "--actor", "Anna", "--service", "accounting", "--type", "x", "--state", "parked"),
            "There is no service",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    run: Run, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
