"""The old code on the new schema: how the mixed system is started, and what is made of how it went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from release import old_on_new
from release.old_on_new import inside, judged, never_healthy, old_tree, variables_of
from release.scenario_run import Ending, Outcome
from release.tests.history import History
from release.verdict import Verdict
from tools.prepare import topology

PASSED, FAILED, BROKEN = (
    Outcome(Ending.PASSED),
    Outcome(Ending.FAILED, "no such column"),
    Outcome(Ending.BROKEN, "KeyError"),
)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"a": PASSED, "b": PASSED}, Verdict.PASSED),
        ({"a": PASSED, "b": FAILED}, Verdict.FAILED),
        ({"a": FAILED, "b": BROKEN}, Verdict.FAILED),
        ({"a": PASSED, "b": BROKEN}, Verdict.ERRORED),
        ({"a": Outcome(Ending.PROPOSED)}, Verdict.ERRORED),
        ({}, Verdict.ERRORED),
    ],
)
def test_the_verdict(found: dict[str, Outcome], verdict: Verdict) -> None:
    assert judged(found).verdict is verdict


def test_a_failure_is_named_and_proposals_are_not_counted() -> None:
    answer = judged({"a": PASSED, "b": FAILED, "c": Outcome(Ending.PROPOSED)})
    assert answer.checked == 2
    assert answer.reasons == ("The previous release fails on this candidate's schema: b: no such column",)


UNHEALTHY = "the system did not become healthy:\n"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (f"{UNHEALTHY}--- crm: Up 3 seconds (unhealthy)\n--- migrate: Exited (1)\n", Verdict.FAILED),
        (f"{UNHEALTHY}--- postgres: Exited (1)\n--- crm: Up (unhealthy)\n", Verdict.ERRORED),
        (UNHEALTHY, Verdict.ERRORED),
        (f"{UNHEALTHY}an image of the present code is missing\n--- crm: Created\n", None),
        ("system: all healthy after 30 s", None),
    ],
)
def test_who_is_to_blame_for_a_system_that_does_not_start(said: str, verdict: Verdict | None) -> None:
    answer = never_healthy(said)
    assert (answer.verdict if answer else None) is verdict


def test_the_old_tree_is_the_old_commit_with_this_machines_tools(tmp_path: Path) -> None:
    history = History(tmp_path / "repo")
    old = history.commit({"features/a.feature": "old"})
    history.commit({"features/a.feature": "new"})
    (history.path / "node_modules").mkdir()
    old_tree(history.path, old, tmp_path / "tree")
    assert (tmp_path / "tree/features/a.feature").read_text() == "old"
    assert (tmp_path / "tree/node_modules").resolve() == history.path / "node_modules"
    assert not (tmp_path / "tree/.git").exists()


def test_old_scenarios_run_in_their_own_tree_and_find_the_system_by_variables(tmp_path: Path) -> None:
    address = {
        "url": "https://localhost:1",
        "ca_file": "/ca.pem",
        "project": "p",
        "demo_password": "x",
        "prometheus_url": "",
    }
    program = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]), file=open('said.json', 'w'))"
    given = {**os.environ, "ALEXANDRITE_ADDRESS": json.dumps(address)}
    assert inside(tmp_path, [sys.executable, "-c", program], given) == 0
    directory, variables = json.loads((tmp_path / "said.json").read_text())
    assert directory == str(tmp_path.resolve())
    assert variables["PYTHONPATH"] == str(tmp_path)
    assert {name: variables[name] for name in variables_of(address)} == {
        "ALEXANDRITE_URL": "https://localhost:1",
        "ALEXANDRITE_CA": "/ca.pem",
        "ALEXANDRITE_COMPOSE_PROJECT": "p",
        "ALEXANDRITE_DEMO_PASSWORD": "x",
    }
    assert "ALEXANDRITE_ADDRESS" not in variables


def test_its_exit_status_is_the_commands(tmp_path: Path) -> None:
    given = {**os.environ, "ALEXANDRITE_ADDRESS": "{}"}
    assert inside(tmp_path, [sys.executable, "-c", "raise SystemExit(5)"], given) == 5


@pytest.fixture
def run_of_a_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    history = History(tmp_path / "repo")
    monkeypatch.chdir(history.path)
    monkeypatch.setenv("RELEASE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEASE_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("RELEASE_DIGEST", f"sha256:{'1' * 64}")
    monkeypatch.setenv("RELEASE_IMAGE", "new")
    monkeypatch.setenv("RELEASE_PREVIOUS_IMAGE", "old")
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", history.commit({"features/a.feature": "old"}))
    monkeypatch.setenv("RELEASE_COMMIT", history.commit({"features/a.feature": "new"}))
    (tmp_path / "out").mkdir()
    return history


def test_services_are_old_and_jobs_are_new(
    run_of_a_gate: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}

    def run(commands: list[list[str]], variables: dict[str, str], log: Path) -> tuple[int, str]:
        tree = Path(commands[0][commands[0].index("--inside") + 1])
        given.update(variables, feature=(tree / "features/a.feature").read_text())
        return 1, "no engine"

    monkeypatch.setattr(old_on_new, "against_fresh_system", run)
    assert old_on_new.main([]) == 2
    assert given == {"ALEXANDRITE_IMAGE_SYSTEM": "old", "ALEXANDRITE_JOBS_IMAGE": "new", "feature": "old"}
    assert not list((tmp_path / "home" / "work").iterdir()), "the old tree is removed"


def test_the_first_release_ever_is_inconclusive(run_of_a_gate: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", "")
    assert old_on_new.main([]) == 3


def images(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, str]:
    """What compose makes of the topology's images; no engine is asked."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environment = {**os.environ, **topology.environment("p", {}, None)}
    command = ["docker", "compose", "--file", str(topology.COMPOSE_FILE), "--profile", "*", "config"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {name: spec["image"] for name, spec in yaml.safe_load(done.stdout)["services"].items()}


def test_the_topology_takes_another_image_for_its_jobs_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALEXANDRITE_JOBS_IMAGE", raising=False)
    alike = images(monkeypatch, ALEXANDRITE_IMAGE_SYSTEM="old")
    assert {alike[name] for name in ("migrate", "declare", "seed", "crm", "pricing-worker", "files-worker")} == {"old"}
    mixed = images(monkeypatch, ALEXANDRITE_IMAGE_SYSTEM="old", ALEXANDRITE_JOBS_IMAGE="new")
    assert {name for name, image in mixed.items() if image == "new"} == {"migrate", "declare"}
