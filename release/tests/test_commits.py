"""The table of commits fits today's tree and today's gates; the machine that tries them says what happened, and only that."""

from __future__ import annotations

import argparse
import ast
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from release.commits import bad, harmless
from release.commits.__main__ import TABLES, chosen
from release.commits.commit import Commit, Edit, NewFile, OutOfDate, named, touched
from release.commits.ground import BASE_VARIABLE, Ground, Said, ground
from release.commits.trial import (
    BUILD,
    NOBODY,
    Finding,
    Trial,
    by_run,
    cheapest_first,
    gates_in_order,
    outcome_of,
    page,
    recalled,
    remember,
)
from release.errors import NotReady
from release.home import Home
from release.pipeline import DECLARATION, DEPENDS_ON
from release.policy import Gate, Policy, load
from release.repository import Repository
from release.tests.evidence import Pipeline, candidate_of
from release.verdict import Verdict
from tools.prepare import state

ALL = (*bad.COMMITS, *harmless.COMMITS)
BASE = "b" * 40


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(DECLARATION, depends_on=DEPENDS_ON)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that the commits touch: as they are today, and during a trial as they were before it."""
    base = os.environ.get(BASE_VARIABLE)
    there = set(Repository(state.ROOT).ask("ls-tree", "-r", "-z", "--name-only", base).split("\0")) if base else set()
    for name in touched(ALL):
        if base and name in there:
            content = Repository(state.ROOT).text(base, name)
        elif not base and (state.ROOT / name).is_file():
            content = (state.ROOT / name).read_text(encoding="utf-8")
        else:
            continue
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


# -- the table --------------------------------------------------------------------------------------------------------


def test_there_are_as_many_as_promised_each_with_a_name_of_its_own() -> None:
    assert (len(bad.COMMITS), len(harmless.COMMITS)) == (24, 10)
    assert len({commit.name for commit in ALL}) == len(ALL)
    assert all(commit.says and commit.effect and commit.changes for commit in ALL)


@pytest.mark.parametrize("commit", ALL, ids=lambda commit: commit.name)
def test_commit_applies_to_todays_tree_and_leaves_python_that_compiles(commit: Commit, tree: Path) -> None:
    tried = [other for other in ALL if other.is_in(tree)]
    if touched(tried) & touched([commit]):
        # This very tree is a trial of that commit: the files are no longer as the row knows them.
        return
    before = {name: (tree / name).read_text() for name in touched([commit]) if (tree / name).is_file()}
    assert not commit.is_in(tree)
    commit.apply(tree)
    assert commit.is_in(tree)
    for name in touched([commit]):
        after = (tree / name).read_text()
        assert after != before.get(name)
        if name.endswith(".py"):
            ast.parse(after, name)


@pytest.mark.parametrize("commit", ALL, ids=lambda commit: commit.name)
def test_commit_changes_nothing_that_judges_it(commit: Commit) -> None:
    judges = (
        "release/",
        "perf/",
        "tools/",
        "step_defs/kit/",
        "step_defs/drivers/",
        "contracts/live/",
        "contracts/tests/",
    )
    assert [name for name in touched([commit]) if name.startswith(judges)] == []


@pytest.mark.parametrize("commit", bad.COMMITS, ids=lambda commit: commit.name)
def test_bad_commit_names_a_blocking_gate_and_what_it_must_say(commit: Commit, policy: Policy) -> None:
    assert commit.stopped_by is not None
    assert policy.gate(commit.stopped_by).is_blocking
    assert commit.because


def test_harmless_commit_names_none() -> None:
    assert [commit.name for commit in harmless.COMMITS if commit.is_bad] == []


def test_every_gate_has_a_bad_commit(policy: Policy) -> None:
    assert {gate.name for gate in gates_in_order(policy)} == {commit.stopped_by for commit in bad.COMMITS}


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["nothing of it", "twice twice"])
def test_text_that_is_not_there_once_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "file.py").write_text(content)
    with pytest.raises(OutOfDate, match="not once"):
        Edit("file.py", "twice", "thrice").apply(tmp_path)
    assert (tmp_path / "file.py").read_text() == content


def test_missing_file_is_refused_and_so_is_a_new_one_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(OutOfDate):
        Edit("gone.py", "text", "other").apply(tmp_path)
    NewFile("new/file.py", "here\n").apply(tmp_path)
    with pytest.raises(OutOfDate, match="exists by now"):
        NewFile("new/file.py", "again\n").apply(tmp_path)
    assert (tmp_path / "new" / "file.py").read_text() == "here\n"


def test_unknown_name_is_refused() -> None:
    assert [one.name for one in named(ALL, ["speedup", "message-lost"])] == ["message-lost", "speedup"]
    with pytest.raises(NotReady, match="no commit spedup"):
        named(ALL, ["spedup"])


# -- the gates --------------------------------------------------------------------------------------------------------


def test_gates_are_asked_in_the_order_of_a_release(policy: Policy) -> None:
    names = [gate.name for gate in gates_in_order(policy)]
    assert names.index("static") == 0
    assert max(names.index(gate.name) for gate in policy.needed_for("dev")) < names.index("performance")
    assert [gate.name for gate in gates_in_order(policy, up_to="unit")] == names[: names.index("unit") + 1]
    assert [gate.name for gate in gates_in_order(policy, only="contracts")] == ["contracts"]


def test_one_command_answers_all_gates_of_its_run(policy: Policy) -> None:
    runs = by_run(gates_in_order(policy))
    assert [gate.name for gate in runs["system"]] == ["scenarios", "pages", "contracts"]


def test_cheap_ones_come_first_and_harmless_ones_last(policy: Policy) -> None:
    order = [one.name for one in cheapest_first([*harmless.COMMITS, *reversed(bad.COMMITS)], policy)]
    assert order.index("secret-committed") < order.index("margin-on-cost") < order.index("slower-by-a-quarter")
    assert {*order[24:]} == {one.name for one in harmless.COMMITS}


# -- the judgement ----------------------------------------------------------------------------------------------------

MARGIN = next(commit for commit in bad.COMMITS if commit.name == "margin-on-cost")
PASSED = Finding("static", Verdict.PASSED)
FAILED = Finding("unit", Verdict.FAILED, (f"system.pricing.tests.unit.test_costing::{MARGIN.because}: assert 1 == 2",))
SPEEDUP = next(commit for commit in harmless.COMMITS if commit.name == "speedup")


@pytest.mark.parametrize(
    ("commit", "found", "stopped_by", "right"),
    [
        (MARGIN, [PASSED, FAILED], "unit", True),
        (MARGIN, [PASSED, replace(FAILED, verdict=Verdict.ERRORED)], "unit", True),
        (MARGIN, [PASSED, replace(FAILED, gate="integration")], "integration", False),
        (MARGIN, [PASSED, replace(FAILED, reasons=("1130 tests must be executed",))], "unit", False),
        (MARGIN, [PASSED, replace(FAILED, verdict=Verdict.PASSED)], NOBODY, False),
        (MARGIN, [], NOBODY, False),
        (SPEEDUP, [PASSED], NOBODY, True),
        (SPEEDUP, [PASSED, FAILED], "unit", False),
        (SPEEDUP, [], NOBODY, False),
    ],
)
def test_only_what_was_named_beforehand_is_right(
    commit: Commit, found: Sequence[Finding], stopped_by: str, right: bool
) -> None:
    outcome = outcome_of(commit, found, seconds=1.25, base=BASE)
    assert (outcome.stopped_by, outcome.right) == (stopped_by, right)


def test_page_shows_what_was_not_tried_and_what_was_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    remember(outcome_of(MARGIN, [PASSED, FAILED], seconds=61, base=BASE), file)
    found = remember(outcome_of(SPEEDUP, [FAILED], seconds=5, base=BASE), file)
    assert recalled(file) == found
    lines = page("Commits", [MARGIN, SPEEDUP, bad.COMMITS[0]], found).splitlines()
    assert "| margin-on-cost | unit | unit | FAILED | 61 | yes |" in lines[6]
    assert "| speedup | nobody | unit | FAILED | 5 | NO |" in lines[7]
    assert "| not tried |" in lines[8]
    assert "1 of 3 as named beforehand." in lines


def test_what_was_found_on_another_commit_is_not_shown_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    remember(outcome_of(MARGIN, [FAILED], seconds=1, base="a" * 40), file)
    assert list(remember(outcome_of(SPEEDUP, [PASSED], seconds=1, base=BASE), file)) == ["speedup"]


@pytest.mark.parametrize(("flags", "count"), [({}, 34), ({"bad": True}, 24), ({"harmless": True}, 10)])
def test_tables_are_chosen(flags: dict[str, bool], count: int) -> None:
    asked = argparse.Namespace(names=[], **{name: flags.get(name, False) for name in TABLES})
    assert len(chosen(asked)) == count


# -- the ground -------------------------------------------------------------------------------------------------------


def checkout(path: Path) -> Repository:
    """A small repository that has what the ground shares."""
    path.mkdir()
    repository = Repository(path)
    repository.ask("init", "--quiet", "--initial-branch=main")
    for name, text in {
        "requirements/dev.txt": "tool==1\n",
        "requirements/system.txt": "library==1\n",
        "package-lock.json": "{}\n",
        ".gitignore": "/.alexandrite/\n/.venv/\nnode_modules/\n",
        "shop.py": "PRICE = 1\n",
    }.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    repository.ask("add", "--all")
    repository.ask("commit", "--quiet", "--message", "first")
    stamps = path / ".alexandrite" / "stamps"
    stamps.mkdir(parents=True)
    dev, node = path / "requirements" / "dev.txt", path / "package-lock.json"
    (stamps / "venv").write_text(state.digest_of_files([dev], relative_to=path))
    (stamps / "node").write_text(state.digest_of_files([node, dev], relative_to=path))
    (path / ".venv").mkdir()
    return repository


DEARER = Commit("dearer", "Dearer", "Nobody buys.", (Edit("shop.py", "= 1", "= 2"), NewFile("new.py", "")), "unit")


def test_commit_is_made_on_the_base_and_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    source = checkout(tmp_path / "source")
    with ground(Home(tmp_path / "home"), root=source.path) as place:
        first = place.check_out(DEARER)
        assert place.repository.ask("show", "--format=%P", "--name-only", first).split() == [
            place.base,
            "new.py",
            "shop.py",
        ]
        assert place.repository.ask("status", "--porcelain") == ""
        assert (place.directory / ".venv").resolve() == source.path / ".venv"
        assert place._environment({"GIT_DIR": "elsewhere"})[BASE_VARIABLE] == place.base
        other = place.check_out(replace(DEARER, name="other", changes=(Edit("shop.py", "= 1", "= 3"),)))
        assert not (place.directory / "new.py").exists()
        assert place.repository.ask("diff", "--name-only", place.base, other).split() == ["shop.py"]
        assert place.check_out(DEARER) == first
        directory = place.directory
    assert not directory.exists()
    assert source.ask("branch", "--format=%(refname:short)").split() == ["main"]


def test_the_tree_as_it_is_can_be_the_base(tmp_path: Path) -> None:
    source = checkout(tmp_path / "source")
    (source.path / "later.py").write_text("")
    (source.path / "shop.py").unlink()
    with ground(Home(tmp_path / "home"), root=source.path, with_uncommitted=True) as place:
        place.check_out_base()
        assert (place.directory / "later.py").is_file()
        assert not (place.directory / "shop.py").exists()
        assert place.base != source.commit("HEAD")


def test_commit_that_would_change_the_shared_tools_is_refused(tmp_path: Path) -> None:
    source = checkout(tmp_path / "source")
    newer = Commit("newer-tool", "Newer", "None.", (Edit("requirements/dev.txt", "tool==1", "tool==2"),))
    with (
        ground(Home(tmp_path / "home"), root=source.path) as place,
        pytest.raises(NotReady, match="not what the commit locks"),
    ):
        place.check_out(newer)


def test_checkout_with_other_tools_than_it_locks_is_refused(tmp_path: Path) -> None:
    source = checkout(tmp_path / "source")
    (source.path / ".alexandrite" / "stamps" / "venv").write_text("0" * 64)
    with pytest.raises(NotReady, match="make prepare"), ground(Home(tmp_path / "home"), root=source.path):
        pass


# -- one session ------------------------------------------------------------------------------------------------------


@pytest.fixture
def played(tmp_path: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> tuple[Trial, list[str]]:
    """A session in which `unit` fails for whoever is not the base; and the list of what was asked."""
    asked: list[str] = []
    place = Ground(tmp_path, Home(tmp_path / "home"), BASE, "project")
    trial = Trial(place, say=lambda text: None)
    monkeypatch.setattr(Trial, "release", lambda self: None)
    monkeypatch.setattr(Trial, "policy", lambda self: policy)
    monkeypatch.setattr(Trial, "_require_base", lambda self, gates: asked.append(f"base {gates[0].run}"))
    monkeypatch.setattr(Ground, "check_out", lambda self, commit: "c" * 40)
    monkeypatch.setattr(Ground, "built", lambda self, commit, name: object())

    def run(self: Trial, run: str, gates: Sequence[object], candidate: object, name: str) -> list[Finding]:
        asked.append(run)
        return [FAILED] if run == "unit" else [Finding(run, Verdict.PASSED)]

    monkeypatch.setattr(Trial, "run", run)
    return trial, asked


def test_gates_after_the_first_that_stops_are_not_asked(played: tuple[Trial, list[str]]) -> None:
    trial, asked = played
    outcome = trial.try_commit(MARGIN)
    assert outcome.right
    assert asked[-1] == "unit"
    assert "base unit" in asked
    assert "performance" not in asked


def test_quick_asks_the_named_gate_alone(played: tuple[Trial, list[str]]) -> None:
    trial, asked = played
    assert trial.try_commit(MARGIN, quick=True).right
    assert asked == ["base unit", "unit"]


def test_candidate_that_cannot_be_built_is_stopped_by_that(
    played: tuple[Trial, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, _ = played
    monkeypatch.setattr(Ground, "built", lambda self, commit, name: Said(2, "no space left", tmp_path))
    outcome = trial.try_commit(MARGIN)
    assert (outcome.stopped_by, outcome.verdict, outcome.right) == (BUILD, "ERRORED", False)
    assert "no space left" in outcome.reason


class Gates:
    """What the gates of a played pipeline leave in its ledger, one verdict for each time they are asked."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, *verdicts: Verdict | None) -> None:
        self.pipeline = Pipeline.at(path)
        self.verdicts = list(verdicts)
        self.asked: list[tuple[str, ...]] = []
        self.trial = Trial(Ground(path, self.pipeline.home, BASE, "project"), say=lambda text: None)
        monkeypatch.setattr(Ground, "run", self._run)
        monkeypatch.setattr(Ground, "check_out_base", lambda ground: BASE)
        monkeypatch.setattr(Trial, "policy", lambda trial: self.pipeline.policy)
        monkeypatch.setattr(Trial, "release", lambda trial: candidate_of())

    def _run(self, name: str, *command: str) -> Said:
        self.asked.append(command)
        verdict = self.verdicts.pop(0)
        if verdict is not None:
            self.pipeline.record(self.pipeline.unit(verdict=verdict))
        return Said(0, "nobody knows why", self.pipeline.home.path)

    @property
    def unit(self) -> list[Gate]:
        """The one gate that is asked."""
        return [self.pipeline.policy.gate("unit")]


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED])
def test_what_a_gate_said_is_read_from_its_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    gates = Gates(tmp_path, monkeypatch, verdict)
    assert [one.verdict for one in gates.trial.run("unit", gates.unit, candidate_of(), "margin")] == [verdict]
    assert gates.asked == [("release", "gate", "unit")]


def test_gate_that_leaves_no_evidence_is_errored_and_older_evidence_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = Gates(tmp_path, monkeypatch, None, None)
    gates.pipeline.record(gates.pipeline.unit())
    [found] = gates.trial.run("unit", gates.unit, candidate_of(), "margin")
    assert found.verdict is Verdict.ERRORED
    assert "nobody knows why" in found.reasons[0]


def test_what_could_not_tell_is_asked_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = Gates(tmp_path, monkeypatch, Verdict.INCONCLUSIVE, Verdict.PASSED)
    assert [one.verdict for one in gates.trial.run("unit", gates.unit, candidate_of(), "margin")] == [Verdict.PASSED]
    assert len(gates.asked) == 2


def test_gate_that_stops_the_untouched_commit_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = Gates(tmp_path, monkeypatch, Verdict.FAILED)
    with pytest.raises(NotReady, match="The untouched commit does not pass unit"):
        gates.trial._require_base(gates.unit)


def test_untouched_commit_is_asked_once_under_one_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = Gates(tmp_path, monkeypatch, Verdict.PASSED, Verdict.PASSED)
    gates.trial._require_base(gates.unit)
    gates.trial._require_base(gates.unit)
    assert len(gates.asked) == 1
    gates.pipeline.policy = replace(gates.pipeline.policy, digest="0" * 64)
    gates.trial._require_base(gates.unit)
    assert len(gates.asked) == 2
