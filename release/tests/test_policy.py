"""A declaration is obeyed to the letter, or refused with the letter named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from release.errors import PolicyInvalid
from release.policy import Policy, load
from release.tests.evidence import GATES_TOML


def _load(path: Path, text: str) -> Policy:
    declaration = path / "gates.toml"
    declaration.write_text(text, encoding="utf-8")
    return load(declaration)


def test_it_is_read(tmp_path: Path) -> None:
    policy = _load(tmp_path, GATES_TOML)
    assert policy.runs["unit"].command[-1] == "{out}/unit.xml"
    assert policy.run_of("style") == policy.runs["unit"]
    gate = policy.gate("unit")
    assert (gate.tests_min, gate.max_age_h, gate.counted, gate.needs_previous) == (3, 24.0, True, False)
    assert gate.is_blocking and not policy.gate("style").is_blocking


@pytest.mark.parametrize(
    ("environment", "gates"),
    [("dev", ["unit", "style"]), ("release", ["unit", "style"]), ("production", ["unit", "upgrade", "style"])],
)
def test_later_environments_need_what_earlier_ones_need(tmp_path: Path, environment: str, gates: list[str]) -> None:
    assert [gate.name for gate in _load(tmp_path, GATES_TOML).needed_for(environment)] == gates


@pytest.mark.parametrize(
    ("asked_in", "words"),
    [("release", "asked in release, which the candidate enters too late"), ("staging", "'asked_in' is 'staging'")],
)
def test_a_gate_is_asked_in_an_environment_that_comes_before_it_is_needed(
    tmp_path: Path, asked_in: str, words: str
) -> None:
    asked = GATES_TOML.replace("[gates.unit]\n", f'[gates.unit]\nasked_in = "{asked_in}"\n', 1)
    asked = asked.replace('before = "dev"', 'before = "release"', 1)
    with pytest.raises(PolicyInvalid, match=re.escape(words)):
        _load(tmp_path, asked)


def test_an_unknown_environment_or_gate_is_refused(tmp_path: Path) -> None:
    policy = _load(tmp_path, GATES_TOML)
    with pytest.raises(PolicyInvalid, match="no environment 'prod'"):
        policy.needed_for("prod")
    with pytest.raises(PolicyInvalid, match=r"no gate 'unti'. 'unit', perhaps\?"):
        policy.gate("unti")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("counted = true", "countd = true", "unknown key 'countd'. 'counted', perhaps?"),
        ("needs_previous = true", "need_previous = true", "unknown key 'need_previous'"),
        ('severity = "blocking"', 'severty = "blocking"', "unknown key 'severty'. 'severity', perhaps?"),
        ("tests_min = 3\n", "", "Gate 'unit' has no 'tests_min'"),
        ("tests_min = 3", "tests_min = 0", "'tests_min' is 0"),
        ("tests_min = 3", "tests_min = true", "'tests_min' is True"),
        ("max_age_h = 24", "max_age_h = 0", "'max_age_h' is 0"),
        ("max_age_h = 24", "max_age_h = inf", "'max_age_h' is inf"),
        ("budget_s = 120", "budget_s = 0", "'budget_s' is 0"),
        ("budget_s = 120", 'budget_s = "2m"', "'budget_s' is '2m'"),
        ("budget_s = 120\n", "", "Run 'unit' has no 'budget_s'"),
        ('run = "upgrade"', 'run = "upgrad"', "reads the run 'upgrad', which is not declared"),
        ('before = "dev"', 'before = "staging"', "'before' is 'staging'"),
        ('severity = "blocking"', 'severity = "important"', "'severity' is 'important'"),
        ('reads = "junit"', 'reads = "exit status"', "'reads' is 'exit status'"),
        ('reads = "verdict"', 'reads = "verdict"\ncounted = true', "counted but reads no junit"),
        ('reports = ["unit.xml"]', "reports = []", "'reports' is []"),
        ('reports = ["unit.xml"]', 'reports = "unit.xml"', "'reports' is 'unit.xml'"),
        ('question = "Does each part work?"', 'question = " "', "'question' is ' '"),
        ("{out}", "{output}", "{output}, which nothing provides"),
        ("counted = true", "counted = 1", "'counted' is 1"),
        ("[gates.unit]", "[gate.unit]", "unknown key 'gate'"),
        ("[gates.unit]", "[gates.Unit]", "'Unit' cannot be a name"),
        ("[runs.unit]", "[runs.spare]\ncommand = ['true']\nbudget_s = 1\n[runs.unit]", "Run 'spare' answers no gate"),
        ('before = "dev"\nseverity = "blocking"', 'before = "dev"\nseverity = "advisory"', "No blocking gate"),
        ("[runs.unit]", "[runs.unit", "cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GATES_TOML
    with pytest.raises(PolicyInvalid, match=re.escape(words)):
        _load(tmp_path, GATES_TOML.replace(old, new, 1))


def test_a_missing_declaration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match=r"gates\.toml cannot be read"):
        load(tmp_path / "gates.toml")
    with pytest.raises(PolicyInvalid, match="has no 'runs'"):
        _load(tmp_path, "")


def test_the_digest_follows_meaning_and_not_spelling(tmp_path: Path) -> None:
    digest = _load(tmp_path, GATES_TOML).digest
    assert _load(tmp_path, "# A comment.\n" + GATES_TOML.replace(" = ", "=")).digest == digest
    assert _load(tmp_path, GATES_TOML.replace("tests_min = 3", "tests_min = 2")).digest != digest


def test_the_digest_follows_what_verdicts_depend_on(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    budgets = tmp_path / "budgets.toml"
    (tmp_path / "a" / "gates.toml").write_text(GATES_TOML, encoding="utf-8")

    def digest() -> str:
        return load(tmp_path / "a" / "gates.toml", depends_on=[budgets]).digest

    budgets.write_text("p95_ms_max = 250\n", encoding="utf-8")
    strict = digest()
    budgets.write_text("p95_ms_max = 900\n", encoding="utf-8")
    assert digest() != strict
    budgets.unlink()
    with pytest.raises(PolicyInvalid, match=r"budgets\.toml, which verdicts depend on"):
        digest()
