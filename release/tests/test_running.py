"""Running a gate's command: what it is given, when it is stopped, and what is believed of it. Everything here fails once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from release import policy, running
from release.blobs import Blobs
from release.candidate import Candidate, Release
from release.errors import NotReady, PolicyInvalid
from release.home import Home
from release.policy import Policy
from release.results import GateResult
from release.verdict import Verdict

GREEN = '<testsuite tests="1" failures="0"><testcase name="a"/></testsuite>'
RED = '<testsuite tests="1" failures="1"><testcase name="a"><failure message="no"/></testcase></testsuite>'
# A command in a few words: writes files into its results, then ends as told.
WRITE = "import os, sys, json; out = os.environ['RELEASE_OUT']; write = lambda n, t: open(os.path.join(out, n), 'w').write(t)\n"


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A committed checkout."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet")
    (checkout / "README").write_text("one\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    return checkout


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def candidate_of(root: Path) -> Candidate:
    digest = "sha256:" + "c" * 64
    return Candidate(
        digest, git(root, "rev-parse", "HEAD").strip(), f"here/system@{digest}", datetime.now(UTC), "0" * 64
    )


def previous_of(candidate: Candidate) -> Release:
    digest = "sha256:" + "b" * 64
    return Release(digest, candidate.commit, f"here/system@{digest}")


def declared(tmp_path: Path, script: str, *, budget_s: int = 30, **gates: str) -> Policy:
    """One run of a Python script, and gates as `name="report.xml"`; extra lines of a gate follow after a newline."""
    lines = ["[runs.it]", f"command = [{json.dumps(sys.executable)}, '-c', {json.dumps(WRITE + script)}]"]
    lines.append(f"budget_s = {budget_s}")
    for name, text in gates.items():
        report, _, extra = text.partition("\n")
        lines += [f"[gates.{name}]", 'run = "it"', 'question = "?"', 'before = "dev"', 'severity = "blocking"']
        lines += [f'reports = ["{report}"]', "tests_min = 1", "max_age_h = 1", extra or 'reads = "junit"']
    path = tmp_path / "gates.toml"
    path.write_text("\n".join(lines))
    return policy.load(path)


Run = Callable[..., list[GateResult]]


@pytest.fixture
def run(tmp_path: Path, root: Path, home: Home) -> Run:
    """Runs a script as the run `it`; nothing is fetched from a registry."""

    def running_it(script: str, *, budget_s: int = 30, previous: bool = False, **gates: str) -> list[GateResult]:
        candidate = candidate_of(root)
        what = declared(tmp_path, script, budget_s=budget_s, **(gates or {"one": "one.xml"}))
        before = previous_of(candidate) if previous else None
        return running.run("it", candidate, before, what, home, root=root, fetch=lambda image: None)

    return running_it


def test_green_run_passes_and_keeps_output_and_reports(run: Run, home: Home) -> None:
    (result,) = run(f"print('hello'); write('one.xml', '{GREEN}')")
    assert (result.verdict, result.checked, result.exit_status, result.reasons) == (Verdict.PASSED, 1, 0, ())
    assert Blobs(home).get(result.raw["output.log"]) == b"hello\n"
    assert Blobs(home).get(result.raw["one.xml"]).decode() == GREEN
    assert {"python", "pytest", "kernel"} <= set(result.tools) and result.command[0] == sys.executable
    assert list(home.work.iterdir()) == [], "nothing of the run is left"


def test_red_run_fails(run: Run) -> None:
    (result,) = run(f"write('one.xml', '{RED}'); sys.exit(1)")
    assert (result.verdict, result.failed, result.reasons) == (Verdict.FAILED, 1, ("a: no",))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        pytest.param("pass", "missing", id="succeeds and leaves nothing"),
        pytest.param(
            f"write('one.xml', '{GREEN}'); sys.exit(1)", "ended with status 1", id="green report, red command"
        ),
        pytest.param(f"write('one.xml', '{RED}')", "ended with status 0", id="red report, green command"),
        pytest.param(f"write('one.xml', '{RED}'); sys.exit(2)", "ended with status 2", id="interrupted"),
        pytest.param("sys.exit(4)", "Not executed, because the run ended with status 4", id="never began"),
        pytest.param("os.kill(os.getpid(), 9)", "status -9", id="killed from outside"),
    ],
)
def test_run_that_contradicts_itself_is_errored(run: Run, script: str, why: str) -> None:
    (result,) = run(script)
    assert result.verdict is Verdict.ERRORED and why in " ".join(result.reasons)


def test_results_of_an_earlier_run_cannot_be_mistaken_for_this_one(run: Run) -> None:
    assert run(f"write('one.xml', '{GREEN}')")[0].verdict is Verdict.PASSED
    assert run("pass")[0].verdict is Verdict.ERRORED


def test_run_over_its_budget_is_killed_with_its_children_and_says_nothing_of_the_candidate(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GRACE_S", 1)
    begun = time.monotonic()
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    (result,) = run(
        f"import subprocess, time; write('one.xml', '{GREEN}')\n"
        f"child = subprocess.Popen([sys.executable, '-c', {stubborn!r}])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(600)",
        budget_s=2,
    )
    assert time.monotonic() - begun < 60
    assert (result.verdict, result.exit_status) == (Verdict.ERRORED, None)
    assert result.reasons[0] == "The run was killed after its budget of 2 s."
    assert not runs(int((tmp_path / "pid").read_text()))


def test_child_that_outlives_its_command_is_ended(run: Run, tmp_path: Path) -> None:
    run(
        "import subprocess; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); write('one.xml', '{GREEN}')"
    )
    assert not runs(int((tmp_path / "pid").read_text()))


def runs(pid: int) -> bool:
    """False when the process is gone, or dead and merely not collected by its new parent yet. Waits a little for that."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if status == "Z":
            return False
        os.sched_yield()
    return True


def test_command_that_does_not_exist_is_errored(tmp_path: Path, root: Path, home: Home) -> None:
    what = declared(tmp_path, "pass", one="one.xml")
    what = replace(what, runs={"it": replace(what.runs["it"], command=("no-such-program",))})
    (result,) = running.run("it", candidate_of(root), None, what, home, root=root, fetch=lambda image: None)
    assert result.verdict is Verdict.ERRORED and "could not begin" in result.reasons[0]


def test_image_that_cannot_be_fetched_is_errored(tmp_path: Path, root: Path, home: Home) -> None:
    def gone(image: str) -> None:
        raise NotReady(f"{image} is gone.")

    what = declared(tmp_path, f"write('one.xml', '{GREEN}')", one="one.xml")
    (result,) = running.run("it", candidate_of(root), None, what, home, root=root, fetch=gone)
    assert result.verdict is Verdict.ERRORED and "is gone" in result.reasons[0] and result.exit_status is None


def test_siblings_are_told_apart(run: Run) -> None:
    gates = {"scenarios": "scenarios.xml", "contracts": "contracts.xml", "faults": "faults.xml"}
    results = run(f"write('scenarios.xml', '{RED}'); write('contracts.xml', '{GREEN}'); sys.exit(1)", **gates)
    assert [result.verdict for result in results] == [Verdict.FAILED, Verdict.PASSED, Verdict.ERRORED]
    assert results[2].reasons[0] == "Not executed, because the run ended with status 1."
    assert set(results[1].raw) == {"output.log", "contracts.xml"}, "a sibling's report is no evidence of mine"


def test_command_sees_the_candidate_by_digest_and_no_redirection(
    run: Run, root: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in running.REDIRECTIONS:
        monkeypatch.setenv(name, "elsewhere")
    (result,) = run(f"print(json.dumps(dict(os.environ))); write('one.xml', '{GREEN}')", previous=True)
    seen = json.loads(Blobs(home).get(result.raw["output.log"]))
    candidate = candidate_of(root)
    assert seen["RELEASE_DIGEST"] == candidate.digest and seen["RELEASE_COMMIT"] == candidate.commit
    assert seen["RELEASE_IMAGE"] == seen["ALEXANDRITE_IMAGE_SYSTEM"] == candidate.image
    assert seen["RELEASE_PREVIOUS_IMAGE"] == previous_of(candidate).image
    assert not set(seen) & running.REDIRECTIONS


def test_placeholders_are_filled_in_and_other_braces_kept() -> None:
    it = policy.Run("it", ("{python}", "{out}/x.xml", "{digest}", '{"a": {}}', "{other}"), 1)
    filled = running.fill_in(it, {"python": "py", "out": "/o", "digest": "sha256:1"})
    assert filled == ("py", "/o/x.xml", "sha256:1", '{"a": {}}', "{other}")


VERDICT = 'verdict.json\nreads = "verdict"\nneeds_previous = true'


def test_without_a_previous_release_a_comparison_is_inconclusive_and_does_not_run(run: Run) -> None:
    (result,) = run("raise SystemExit('ran')", one=VERDICT)
    assert (
        result.verdict is Verdict.INCONCLUSIVE and result.command == () and "no previous release" in result.reasons[0]
    )


def test_pass_without_the_needed_previous_release_is_not_believed(run: Run) -> None:
    results = run(
        f"write('two.xml', '{GREEN}'); write('one.xml', '{GREEN}')",
        one='one.xml\nreads = "junit"\nneeds_previous = true',
        two="two.xml",
    )
    assert [result.verdict for result in results] == [Verdict.INCONCLUSIVE, Verdict.PASSED]


def test_verdict_of_a_command_is_taken_with_its_figures(run: Run, root: Path) -> None:
    said = {"gate": "one", "digest": candidate_of(root).digest, "verdict": "FAILED", "reasons": ["slower"]}
    text = json.dumps(said | {"figures": {"p95": 1.5}, "checked": 3})
    (result,) = run(f"write('verdict.json', {text!r}); sys.exit(1)", previous=True, one=VERDICT)
    assert (result.verdict, result.reasons, result.figures, result.checked) == (
        Verdict.FAILED,
        ("slower",),
        {"p95": 1.5},
        3,
    )


@pytest.mark.parametrize("what", ["edited", "new"])
def test_checkout_that_is_not_the_commit_is_refused_before_anything_runs(run: Run, root: Path, what: str) -> None:
    (root / ("README" if what == "edited" else "stray.py")).write_text("two\n")
    with pytest.raises(NotReady, match=r"README|stray\.py"):
        run("raise SystemExit('ran')")


def test_checkout_of_another_commit_is_refused(tmp_path: Path, root: Path, home: Home) -> None:
    candidate = candidate_of(root)
    (root / "README").write_text("two\n")
    git(root, "commit", "--quiet", "-am", "two")
    with pytest.raises(NotReady, match="was built from"):
        running.run("it", candidate, None, declared(tmp_path, "pass", one="one.xml"), home, root=root)


def test_edit_during_the_run_voids_it(run: Run, root: Path) -> None:
    (result,) = run(f"open({str(root / 'README')!r}, 'w').write('two'); write('one.xml', '{GREEN}')")
    assert result.verdict is Verdict.ERRORED and "changed during the run" in result.reasons[0]


def test_unknown_run_is_refused_with_the_known_ones(tmp_path: Path, root: Path, home: Home) -> None:
    with pytest.raises(PolicyInvalid, match=r"no run 'that'.*There are: it"):
        running.run("that", candidate_of(root), None, declared(tmp_path, "pass", one="one.xml"), home, root=root)


def test_progress_is_one_line_now_and_then(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TOLD_EVERY_S", 0.2)
    run(f"import time; print('half way', flush=True); time.sleep(1.5); write('one.xml', '{GREEN}')")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "it: at most 30 s" and lines[-1].startswith("it: ended with status 0 (")
    assert any(line.endswith("of 30 s: half way") for line in lines)
