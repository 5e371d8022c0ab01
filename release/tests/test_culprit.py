"""The search for the commit that broke a gate, on histories made for it, and the revert it proposes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from release import culprit
from release.culprit import Memory, find, propose_revert, pursue, search, told, trial_by
from release.errors import NotReady
from release.tests.history import History
from release.verdict import Verdict

PASSED, FAILED, ERRORED = Verdict.PASSED, Verdict.FAILED, Verdict.ERRORED
# The gate of these histories: the file `gate` says how it ends.
GATE = (sys.executable, "-c", "raise SystemExit(int(open('gate').read()))")
DEADLINE_S = 60.0


@pytest.mark.parametrize(
    ("verdicts", "suspects"),
    [
        ("PPPF", "d"),
        ("FFFF", "a"),
        ("PFFF", "b"),
        ("F", "a"),
        ("PEFF", "bc"),
        ("PEEF", "bcd"),
        ("EEEF", "abcd"),
        ("PPEPF", "e"),
        ("PEPFF", "d"),
        ("PFEFF", "b"),
    ],
)
def test_the_search_ends_with_whoever_may_have_done_it(verdicts: str, suspects: str) -> None:
    commits = "abcdefgh"[: len(verdicts)]
    said = {"P": PASSED, "F": FAILED, "E": ERRORED}
    found, _ = search(commits, lambda commit: said[verdicts[commits.index(commit)]])
    assert "".join(found) == suspects


def test_the_search_goes_by_halves() -> None:
    commits = [str(number) for number in range(1000)]
    found, tried = search(commits, lambda commit: FAILED if int(commit) >= 617 else PASSED)
    assert found == ("617",)
    assert len(tried) <= 10


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "repo")


def trial(history: History, tmp_path: Path, deadline_s: float = DEADLINE_S) -> culprit.Trial:
    return trial_by(history.repository, GATE, Memory(tmp_path / "memory", GATE), deadline_s)


def broken_line(history: History) -> tuple[str, str, str]:
    """Good, culprit and bad: six commits, the fourth breaks the gate."""
    good = history.commit({"gate": "0"}, "Good")
    history.commit({"a": "1"})
    history.commit({"b": "1"})
    guilty = history.commit({"gate": "1"}, "Breaks it")
    history.commit({"c": "1"})
    return good, guilty, history.commit({"d": "1"}, "Bad")


def test_the_culprit_is_found_and_its_revert_cures(history: History, tmp_path: Path) -> None:
    good, guilty, bad = broken_line(history)
    found = pursue(history.repository, good, "HEAD", trial(history, tmp_path))
    assert (found.commit, found.bad) == (guilty, bad)
    assert found.revert is not None and found.revert.cures is PASSED
    assert found.revert.branch == f"revert/{guilty[:12]}"
    assert history.git("show", f"{found.revert.branch}:gate") == "0"
    assert history.git("rev-parse", f"{found.revert.branch}~1") == bad
    assert history.git("log", "-1", "--format=%s", found.revert.branch) == 'Revert "Breaks it"'
    assert told(found, history.repository)[1] == f"revert: branch {found.revert.branch}; the gate passes there"


def test_the_checkout_is_not_touched(history: History, tmp_path: Path) -> None:
    good, _, bad = broken_line(history)
    history.write({"a": "not yet committed"})
    pursue(history.repository, good, bad, trial(history, tmp_path))
    assert (history.path / "a").read_text() == "not yet committed"
    assert history.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert history.git("rev-parse", "HEAD") == bad
    assert len(history.git("worktree", "list").splitlines()) == 1


def test_what_was_tried_is_not_tried_again(history: History, tmp_path: Path) -> None:
    good, guilty, bad = broken_line(history)
    log = tmp_path / "log"
    gate = (sys.executable, "-c", f"print(1, file=open({str(log)!r}, 'a')); raise SystemExit(int(open('gate').read()))")
    for _ in range(2):
        memory = Memory(tmp_path / "memory", gate)
        found = find(history.repository, good, bad, trial_by(history.repository, gate, memory, DEADLINE_S))
        assert found.commit == guilty
    assert len(log.read_text().splitlines()) == len(found.tried)


def test_a_commit_that_cannot_be_tried_is_passed_over(history: History, tmp_path: Path) -> None:
    good = history.commit({"gate": "0"})
    history.commit({"gate": "2"}, "Does not build")
    guilty = history.commit({"gate": "1"}, "Builds, and fails")
    bad = history.commit({"a": "1"})
    found = pursue(history.repository, good, bad, trial(history, tmp_path))
    assert found.suspects[-1] == guilty and len(found.suspects) == 2
    assert found.commit is None and found.revert is None
    assert told(found, history.repository)[0].startswith("One of these 2 commits")


def test_a_trial_without_end_says_nothing(history: History, tmp_path: Path) -> None:
    commit = history.commit({"gate": "0"})
    command = (sys.executable, "-c", "import signal; signal.pause()")
    memory = Memory(tmp_path / "memory", command)
    assert trial_by(history.repository, command, memory, 0.5)(commit) is ERRORED
    assert memory.known() == {}, "silence is not remembered"


def test_a_command_that_is_not_there_says_nothing(history: History, tmp_path: Path) -> None:
    commit = history.commit({"gate": "0"})
    command = ("./no-such-command",)
    assert trial_by(history.repository, command, Memory(tmp_path / "m", command), DEADLINE_S)(commit) is ERRORED


def merged(history: History, text: str) -> str:
    """Merges a branch that writes the gate, and returns the merge."""
    history.git("switch", "--quiet", "--create", "topic")
    history.commit({"x": "1"})
    history.commit({"gate": text})
    history.git("switch", "--quiet", "main")
    history.git("merge", "--quiet", "--no-ff", "--message", "Merge topic", "topic")
    return history.git("rev-parse", "HEAD")


def test_a_merge_is_tried_and_taken_back_as_one(history: History, tmp_path: Path) -> None:
    good = history.commit({"gate": "0"})
    merge = merged(history, "1")
    bad = history.commit({"a": "1"})
    found = pursue(history.repository, good, bad, trial(history, tmp_path))
    assert found.commit == merge
    assert found.revert is not None and found.revert.cures is PASSED
    assert not history.git("ls-tree", "--name-only", found.revert.branch, "x")


def test_a_revert_that_conflicts_says_so_and_leaves_no_branch(history: History, tmp_path: Path) -> None:
    good = history.commit({"gate": "0"})
    guilty = history.commit({"gate": "1\n"})
    bad = history.commit({"gate": "1 \n"})
    found = pursue(history.repository, good, bad, trial(history, tmp_path))
    assert found.commit == guilty and found.revert is not None
    assert found.revert.obstacle == f"{guilty[:12]} cannot be taken back by itself: conflicts in gate."
    assert history.git("branch", "--list", "revert/*") == ""


def test_an_existing_branch_is_not_moved(history: History) -> None:
    _, guilty, bad = broken_line(history)
    first = propose_revert(history.repository, guilty, bad)
    again = propose_revert(history.repository, guilty, bad)
    assert again.obstacle == f"The branch {first.branch} is there already."
    assert history.git("rev-parse", first.branch) == first.commit


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (("0", "0"), "does not fail"),
        (("1", "1"), "does not pass"),
        (("2", "1"), "does not pass"),
        (("0", "2"), "not fail"),
    ],
)
def test_ends_that_do_not_differ_have_no_culprit(
    history: History, tmp_path: Path, gates: tuple[str, str], said: str
) -> None:
    good, bad = (history.commit({"gate": text}) for text in gates)
    with pytest.raises(NotReady, match=said):
        find(history.repository, good, bad, trial(history, tmp_path))


def test_good_must_come_first(history: History, tmp_path: Path) -> None:
    good, _, bad = broken_line(history)
    with pytest.raises(NotReady, match="is not before"):
        find(history.repository, bad, good, trial(history, tmp_path))


def test_the_statement_says_all_that_was_found(history: History, tmp_path: Path) -> None:
    good, guilty, bad = broken_line(history)
    predicate = pursue(history.repository, good, bad, trial(history, tmp_path)).predicate()
    assert (predicate["culprit"], predicate["suspects"]) == (guilty, [guilty])
    assert predicate["tried"][good] == "PASSED" and predicate["tried"][bad] == "FAILED"
    assert predicate["revert"]["cures"] == "PASSED"


def test_the_command(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, guilty, _ = broken_line(history)
    monkeypatch.chdir(history.path)
    monkeypatch.setenv("RELEASE_HOME", str(tmp_path / "home"))
    assert culprit.main(["--good", good, "--", *GATE]) == 0
    assert f"culprit: {guilty[:7]} Alexandrite release" in capsys.readouterr().out
    assert culprit.main(["--good", "nobody", "--", *GATE]) == 2
