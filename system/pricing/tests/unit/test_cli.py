"""`analyse FILE` says what pricing would find."""

from __future__ import annotations

import json

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


def test_missing_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        analyse(["no-such-file.stl"])
    assert ended.value.code == 2
    assert "no-such-file.stl" in capsys.readouterr().err
