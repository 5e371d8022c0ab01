"""What CRM exports is what the steps say: asked of CRM by its command line, since judges import nothing of the system."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.models3d import expected
from step_defs.drivers.address import ROOT
from step_defs.dsl import exported
from step_defs.dsl.exported import Exported
from step_defs.dsl.models import Models
from step_defs.dsl.pieces import Piece, model_called, pieces_of
from step_defs.dsl.words import PIECE_COLUMNS
from step_defs.kit import checks
from step_defs.kit.features import read_feature
from step_defs.kit.suite import STEPS_DEFAULT, Suite, load_suite

STORIES = sorted((Path(__file__).parent / "stories").glob("*.json"))


def crm(*command: str) -> Any:
    asked = [sys.executable, "-m", "system.crm.entrypoints.telling", *command]
    answer = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  the command is ours
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(root=ROOT, features="features", steps=[STEPS_DEFAULT])


@pytest.fixture(scope="module")
def phrases() -> Any:
    return crm("phrases")


def test_every_sentence_that_crm_may_write_is_a_sentence_of_exactly_one_step(suite: Suite, phrases: Any) -> None:
    told = phrases["sentences"]
    assert len(told) > 200, "CRM knows hardly any phrase"
    wrong = [each["text"] for each in told if not _is_ones_own(each, suite)]
    assert not wrong, f"no sentence of exactly one step, or not with its table: {wrong}"


def _is_ones_own(said: dict[str, Any], suite: Suite) -> bool:
    found = checks.matches(said["text"], said["position"], suite.definitions)
    if len(found) != 1:
        return False
    [(definition, phrase)] = found
    # A value that has no word in the vocabulary fails here.
    assert phrase.captures(said["text"]) is not None
    return phrase.language == said["language"] and definition.takes("datatable") is said["has_table"]


def test_exported_features_pass_the_kits_own_checks(suite: Suite, tmp_path: Path) -> None:
    for told in crm("scenario", *map(str, STORIES)):
        for language in ("en", "ru"):
            path = tmp_path / told["capability"] / f"{told['name']}.{language}.feature"
            path.parent.mkdir(exist_ok=True)
            path.write_text(told[language], encoding="utf-8")
    features = [read_feature(path, tmp_path) for path in sorted(tmp_path.rglob("*.feature"))]
    assert [feature.language for feature in features] == ["en", "ru"] * len(STORIES)
    problems = list(checks.feature_problems([*suite.features, *features], suite.definitions))
    assert not problems, problems
    for english, russian in zip(features[::2], features[1::2], strict=True):
        assert [len(case.steps) for case in english.cases] == [len(case.steps) for case in russian.cases]
        for case in (*english.cases, *russian.cases):
            assert case.steps[-1].position == "then", "a scenario ends with what is expected"


def test_every_word_of_its_tables_is_known_to_the_steps(phrases: Any) -> None:
    words = phrases["tables"]
    assert {PIECE_COLUMNS[column] for column in words["column"] if column in PIECE_COLUMNS} == set(
        PIECE_COLUMNS.values()
    )
    assert set(words["column"]) - set(PIECE_COLUMNS) == {"status", "статус"}
    for good in words["good"]:
        assert pieces_of([["piece"], [good]])[0].sku
    for fixture in words["fixture"]:
        assert expected(model_called(fixture)).closed
    for material in words["material"]:
        assert pieces_of([["piece", "material"], ["plain ring", material]])[0].material
    for unit in words["unit"]:
        assert pieces_of([["piece", "material", "unit"], ["plain ring", "gold 585", unit]])[0].unit


def test_a_row_of_pieces_means_the_same_in_both_languages() -> None:
    words = (
        [["piece", "material", "quantity", "ring size", "unit"], ["изделие", "материал", "количество", "размер", "единица"]],
        [["order-1.stl", "gold 585", "2", "17.5", "mm"], ["гладкое кольцо из 100k треугольников", "свой сплав", "1", "", "дюйм"]],
    )  # fmt: skip
    [english], [russian] = (pieces_of([header, row]) for header, row in zip(*words, strict=True))
    assert english == Piece(model="order-1.stl", material="gold_585", quantity=2, ring_size="17.5", unit="mm")
    assert russian == Piece(model="torus-ring-100k", material="own", unit="in")
    assert pieces_of([["piece", "quantity"], ["gold band", "3"]]) == [Piece(sku="ring-band-750", quantity=3)]
    for wrong in ([["what"], ["gold band"]], [["piece", "material"], ["a photo", "gold 585"]]):
        with pytest.raises(AssertionError, match="there are"):
            pieces_of(wrong)


def test_a_model_beside_the_feature_is_read_from_there_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "ring.stl").write_bytes(b"a ring")
    models = Models("unique", tmp_path / ".")
    assert models.bytes_of("ring.stl") == b"a ring"
    assert models.bytes_of("../elsewhere/ring.stl") == b"a ring"
    with pytest.raises(AssertionError, match="lies beside the feature"):
        models.bytes_of("other.stl")
    with pytest.raises(AssertionError, match="no feature is running"):
        Models("unique").bytes_of("ring.stl")


PASSING = "Feature: F\n\n  Scenario: Nobody is asked\n    Given Anna is a customer\n"


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Exported]:
    monkeypatch.setattr(exported, "STATE", tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as content:
        content.writestr("making/order-1.en.feature", PASSING)
        content.writestr("README.txt", "how to run it")
    made = Exported(packed.getvalue())
    yield made
    made.remove()
    assert not made.root.exists()


def test_an_archive_is_unpacked_into_a_tree_of_its_own(archive: Exported) -> None:
    assert [path.name for path in archive.features("en", "ru")] == ["order-1.en.feature"]
    assert not archive.features("ru")


def test_the_step_that_failed_is_found_in_what_a_run_left_behind() -> None:
    told: list[dict[str, Any]] = [
        {"pickle": {"id": "p", "steps": [{"id": "s1", "text": "it is ordered"}, {"id": "s2", "text": "it is made"}]}},
        {"testCase": {"pickleId": "p", "testSteps": [{"id": f"t{n}", "pickleStepId": f"s{n}"} for n in (1, 2)]}},
        {"testStepFinished": {"testStepId": "t1", "testStepResult": {"status": "PASSED"}}},
        {"testStepFinished": {"testStepId": "t2", "testStepResult": {"status": "FAILED"}}},
    ]  # fmt: skip
    assert list(exported._failed(told)) == [(["it is ordered", "it is made"], "it is made")]
