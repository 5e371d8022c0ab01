"""`analyse FILE` says what pricing would find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.models3d import model
from system.pricing.entrypoints.cli import analyse


def test_ring_is_weighed_in_every_material(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyse([str(model("torus-ring"))]) == 0
    printed = capsys.readouterr().out
    assert "verdict: ready" in printed
    assert "0.1910 cm3" in printed
    assert "2.62 g in gold_585" in printed


def test_json_carries_the_disclosures(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyse([str(model("inside-out-ring")), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["mesh"]["disclosures"][0]["code"] == "facets-turned"
    assert report["first_look_volume_cm3"] < report["mesh"]["volume_cm3"]


def test_refused_model_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyse([str(model("not-a-model"))]) == 1
    assert "not-a-model" in capsys.readouterr().out


def test_unit_answers_the_question_about_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyse([str(model("inch-ring"))]) == 1
    assert "size-implausible" in capsys.readouterr().out
    assert analyse([str(model("inch-ring")), "--unit", "in"]) == 0
    assert "2.62 g in gold_585" in capsys.readouterr().out


def test_what_is_no_file_is_told_among_the_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = ["no-such-file.stl", str(tmp_path), str(model("not-a-model"))]
    assert analyse([*names, "--json"]) == 1
    reports = json.loads(capsys.readouterr().out)
    assert [report["file"] for report in reports] == names
    assert [report["problems"][0]["code"] for report in reports] == ["file-unavailable"] * 2 + ["not-a-model"]
    assert all(report["bodies"] is None and report["verdicts"] == {} for report in reports)


def test_no_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        analyse([])
    assert ended.value.code == 2
    assert "FILE" in capsys.readouterr().err


def test_walls_bodies_and_verdicts_are_told_to_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    hollow, pendant = str(model("hollow-pendant")), str(model("pendant"))
    assert analyse([hollow, pendant, "--json", "--points"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["thickness_mm"]["p1"] == pytest.approx(0.9, rel=0.05)
    assert (first["bodies"], first["cavities"], first["oriented"], first["closed"]) == (1, 1, True, True)
    assert first["verdicts"]["gold_585"]["verdict"] == "needs_review"
    assert [reason["code"] for reason in first["verdicts"]["platinum_950"]["reasons"]] == ["wall-thin", "cavity-closed"]
    assert 1000 < len(first["thickness_points"]) <= 2000
    assert second["volume_mm3"] - second["priced_volume_mm3"] == pytest.approx(0.777, abs=0.01)
    assert second["verdicts"]["gold_585"] == {"verdict": "castable", "reasons": []}
    assert analyse([hollow]) == 0
    printed = capsys.readouterr().out
    assert "casting: needs_review in platinum_950" in printed and "walls:   1 % below 0.89 mm" in printed
