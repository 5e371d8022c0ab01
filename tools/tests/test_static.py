"""Checks that cannot fail protect nothing: each of these is seen failing on a deliberate violation."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import static

SOUND = """name: gate
on: [push]
permissions: {}
concurrency: {group: gate, cancel-in-progress: true}
jobs:
  gate:
    name: gate
    runs-on: ubuntu-24.04
    steps:
      - run: make test
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the project's own baseline and one harmless file."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    shutil.copy(static.ROOT / static.BASELINE, tmp_path)
    (tmp_path / "harmless.py").write_text('colour = "blue"\n')
    return tmp_path


def private_key() -> str:
    """Put together here, so that this file holds none."""
    body = "MIIEowIBAAKCAQEAuQ3kX" * 3
    return f"-----BEGIN {'RSA'} PRIVATE KEY-----\n{body}\n-----END {'RSA'} PRIVATE KEY-----\n"


def test_tree_without_secrets_passes_and_its_baseline_is_not_edited(tree: Path) -> None:
    before = (tree / static.BASELINE).read_text()
    assert static.secrets(tree).passed
    assert (tree / static.BASELINE).read_text() == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(private_key(), id="private key"),
        pytest.param(f'key = "AKIA{"QYLPMN5HHHFPZAM2"}"\n', id="cloud key"),
        pytest.param(f'url = "https://ann:{"tr0ub4dor"}@orders.internal"\n', id="password in a URL"),
    ],
)
def test_secret_fails_even_before_it_is_committed(tree: Path, content: str) -> None:
    (tree / "settings.py").write_text(content)
    said = static.secrets(tree)
    assert not said.passed and "settings.py" in said.text


def test_ignored_files_are_nobodys_business(tree: Path) -> None:
    (tree / ".gitignore").write_text("mine/\n")
    (tree / "mine").mkdir()
    (tree / "mine" / "key.pem").write_text(private_key())
    assert static.secrets(tree).passed


def test_known_finding_on_another_line_passes(tree: Path) -> None:
    (tree / "key.pem").write_text(private_key())
    scanner = str(static.BIN / "detect-secrets")
    scan = subprocess.run([scanner, "scan", "--no-verify", "--all-files"], cwd=tree, capture_output=True, check=True)
    assert "key.pem" in json.loads(scan.stdout)["results"]
    (tree / static.BASELINE).write_bytes(scan.stdout)
    (tree / "key.pem").write_text("\n\n" + private_key())
    assert static.secrets(tree).passed


@pytest.mark.parametrize("missing", [static.BASELINE, ".git"])
def test_scan_that_cannot_be_made_is_no_pass(tree: Path, missing: str) -> None:
    path = tree / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert not static.secrets(tree).passed


def test_absent_workflows_are_said_to_be_absent(tmp_path: Path) -> None:
    assert static.workflows(tmp_path) == static.Said(True, note="there are no workflows")


def with_workflow(root: Path, text: str, *, name: str = "gate.yml") -> static.Said:
    directory = root / ".github" / "workflows"
    directory.mkdir(parents=True)
    (directory / name).write_text(text)
    return static.workflows(root)


def test_sound_workflow_passes(tmp_path: Path) -> None:
    said = with_workflow(tmp_path, SOUND)
    assert said.passed, said.text


@pytest.mark.parametrize(
    ("violation", "complaint"),
    [
        pytest.param(SOUND.replace("runs-on", "run-on"), "run-on", id="unknown key"),
        pytest.param(
            SOUND.replace("make test", 'echo "${{ github.event.issue.title }}"'), "template-injection", id="injection"
        ),
        pytest.param(
            SOUND.replace("- run: make test", "- uses: someone/something@main"), "unpinned-uses", id="action not pinned"
        ),
        pytest.param(SOUND.replace("push", "pull_request_target"), "dangerous-triggers", id="trigger with secrets"),
        pytest.param("jobs: [", "gate.yaml", id="no YAML"),
    ],
)
def test_unsound_workflow_fails(tmp_path: Path, violation: str, complaint: str) -> None:
    said = with_workflow(tmp_path, violation, name="gate.yaml")
    assert not said.passed and complaint in said.text


def test_secrets_and_workflows_are_among_the_checks() -> None:
    assert {"secrets", "workflows"} <= set(static.CHECKS)
    assert "release" in static.CODE


def test_one_failed_check_fails_the_whole_and_the_others_still_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {
        "bad": static.by("sh", "-c", "echo no such thing; exit 1"),
        "good": static.by("true"),
        "idle": lambda: static.Said(True, note="there is nothing"),
    }
    monkeypatch.setattr(static, "CHECKS", checks)
    monkeypatch.setattr("sys.argv", ["static", "--junit", str(tmp_path / "static.xml")])
    assert static.main() == 1
    said = capsys.readouterr().out
    assert "FAILED bad" in said and "no such thing" in said and "ok     good" in said and ": there is nothing" in said
    report = (tmp_path / "static.xml").read_text()
    assert report.count("<testcase") == 3 and report.count("<failure") == 1 and 'tests="3" failures="1"' in report
