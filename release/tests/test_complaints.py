"""The board of complaints: whole, true, and honest about what is not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from release import complaints
from release.changes import Scenario, scenarios_in
from release.complaints import FILE, IDS, NOT_RUN, Results, board, endings_of, judged
from release.errors import PolicyInvalid
from release.tests.history import History
from release.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
TEXT = FILE.read_text(encoding="utf-8")
FILES = [path.relative_to(ROOT).as_posix() for path in (ROOT / "perf").glob("*.py")]


def all_scenarios() -> list[Scenario]:
    return [
        scenario
        for path in sorted((ROOT / "features").rglob("*.feature"))
        for scenario in scenarios_in(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]


SCENARIOS = all_scenarios()


def test_the_file_is_whole_and_true() -> None:
    answer = judged(TEXT, SCENARIOS, FILES)
    assert answer.reasons == ()
    assert (answer.verdict, answer.checked, len(IDS)) == (Verdict.PASSED, 14, 14)


CLAIMS = '"features/making/claiming.feature::Оператор возвращает заказ, и его берёт другой"'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (CLAIMS, '"features/making/claiming.feature::Никто не берёт"', "who-was-first: there is no scenario"),
        ('"perf.claims"', '"perf.dreams"', "who-was-first: there is no command perf.dreams"),
        ('id = "slow-board"', 'id = "slow-bored"', "The complaint slow-board is missing"),
        ('id = "slow-board"', 'id = "slow-bored"', "slow-bored is not among those"),
        ('id = "slow-board"', 'id = "late-orders"', "late-orders is there twice"),
        ('who = "support"', 'who = ""', "only-words: who is empty"),
        ('command = "perf.claims"', 'figures = "perf.claims"', "who-was-first: figures is not a key"),
    ],
)
def test_a_file_that_is_not_true_fails(old: str, new: str, said: str) -> None:
    assert old in TEXT
    answer = judged(TEXT.replace(old, new), SCENARIOS, FILES)
    assert answer.verdict is Verdict.FAILED
    assert any(said in reason for reason in answer.reasons)


def test_a_complaint_without_a_scenario_fails() -> None:
    bare = TEXT.replace(
        'scenarios = ["features/making/board.feature::Долгий расчёт цены не мешает операторам"]', "scenarios = []"
    )
    answer = judged(bare, SCENARIOS, FILES)
    assert answer.verdict is Verdict.FAILED
    assert answer.reasons == (
        "pricing-freezes-mes: no scenario would show that it is solved, not even a proposed one.",
    )


def test_a_scenario_that_was_removed_is_missed() -> None:
    fewer = [scenario for scenario in SCENARIOS if not scenario.name.startswith("One partner's burst")]
    assert judged(TEXT, fewer, FILES).verdict is Verdict.FAILED


def test_an_empty_file_fails_and_no_file_is_refused() -> None:
    assert len(judged("", SCENARIOS, FILES).reasons) == len(IDS)
    with pytest.raises(PolicyInvalid):
        judged("[[complaint", SCENARIOS, FILES)


def test_the_board_shows_what_is_known_and_nothing_more() -> None:
    claiming = "features/making/claiming.feature::"
    results = Results(
        scenarios={f"{claiming}Два оператора берут один заказ — платят только первому": "passed"},
        figures={"perf.claims": "winners=100 double=0"},
    )
    rows = {row.id: row for row in board(results)}
    assert list(rows) == list(IDS)
    assert [held.ending for held in rows["who-was-first"].scenarios] == ["passed", NOT_RUN]
    assert rows["who-was-first"].figure == "winners=100 double=0"
    assert not rows["who-was-first"].held
    assert rows["late-orders"].figure == ""


@pytest.mark.parametrize(
    ("ending", "held"), [("passed", True), ("failed", False), ("quarantined", False), ("proposed", False)]
)
def test_only_passes_hold_a_complaint(ending: str, held: bool) -> None:
    endings = {scenario.node: ending for scenario in SCENARIOS}
    rows = {row.id: row for row in board(Results(endings))}
    assert rows["nobody-took-it"].held is held
    assert not rows["who-was-first"].held, "its figure is not known"


def messages(directory: Path, *, tags: str = "", status: str = "PASSED", finished: bool = True) -> Path:
    """What a run of one scenario leaves."""
    envelopes = [
        {"pickle": {"id": "p", "uri": "features/a.feature", "name": "A", "tags": [{"name": tags}] if tags else []}},
        {"testCase": {"id": "c", "pickleId": "p"}},
        {"testCaseStarted": {"id": "r", "testCaseId": "c"}},
        {"testStepFinished": {"testCaseStartedId": "r", "testStepResult": {"status": status}}},
    ]
    if finished:
        envelopes.append({"testCaseFinished": {"testCaseStartedId": "r"}})
    file = directory / "messages.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in envelopes))
    return file


@pytest.mark.parametrize(
    ("tags", "status", "finished", "ending"),
    [
        ("", "PASSED", True, "passed"),
        ("", "FAILED", True, "failed"),
        ("@proposed", "PENDING", True, "proposed"),
        ("@quarantine", "PASSED", True, "quarantined"),
        ("", "PASSED", False, "broken"),
    ],
)
def test_endings_are_read_from_what_a_run_left(
    tmp_path: Path, tags: str, status: str, finished: bool, ending: str
) -> None:
    file = messages(tmp_path, tags=tags, status=status, finished=finished)
    assert endings_of([file]) == {"features/a.feature::A": ending}


def test_the_gate_judges_the_commit_and_not_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path / "repo")
    files: dict[str, str | None] = {"release/complaints.toml": TEXT, **dict.fromkeys(FILES, "")}
    files |= {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "features").rglob("*.feature")
    }
    monkeypatch.setenv("RELEASE_COMMIT", history.commit(files))
    monkeypatch.setenv("RELEASE_DIGEST", "d")
    monkeypatch.setenv("RELEASE_OUT", str(tmp_path / "out"))
    monkeypatch.chdir(history.path)
    history.write({"release/complaints.toml": ""})
    assert complaints.main([]) == 0
    monkeypatch.setenv("RELEASE_COMMIT", history.commit({}))
    assert complaints.main([]) == 1
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["verdict"] == "FAILED"
