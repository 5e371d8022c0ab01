"""One screen answers: where is it, what stopped it, who mends what, which command is next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from release.errors import EvidenceInvalid
from release.ledger import Ledger
from release.statement import Outcome, Promotion, Superseded
from release.tests.evidence import DIGEST, GATES_TOML, NOW, OTHER_DIGEST, Pipeline, passing
from release.verdict import Verdict
from release.why import COLUMNS_MAX, LINES_MAX, why

EVERYWHERE = {"dev": DIGEST, "release": DIGEST, "production": DIGEST}
WAITING = {"dev": DIGEST, "release": DIGEST, "production": OTHER_DIGEST}


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return passing(tmp_path)


def _why(pipeline: Pipeline, pins: Mapping[str, str | None] = WAITING) -> str:
    text = why(pipeline.policy, Ledger(pipeline.home), DIGEST, pins, NOW, anchors=pipeline.anchors)
    assert len(text.splitlines()) <= LINES_MAX
    assert max(map(len, text.splitlines())) <= COLUMNS_MAX
    return text


def test_it_says_where_the_candidate_is_and_what_is_next(pipeline: Pipeline) -> None:
    text = _why(pipeline)
    assert "Candidate  aaaaaaaaaaaa, commit cccccccccccc, built 3 h ago" in text
    assert "dev: this one, release: this one, production: bbbbbbbbbbbb" in text
    assert "PASSED into production: nothing stops it" in text
    assert "python -m release promote production aaaaaaaaaaaa" in text


def test_an_unknown_candidate_is_asked_for_everything(tmp_path: Path) -> None:
    text = _why(Pipeline.at(tmp_path), {"dev": None, "release": None, "production": None})
    assert "does not say how it was built" in text
    assert "INCONCLUSIVE into dev: still unknown" in text
    assert "python -m release gate unit" in text


def test_a_bad_candidate_is_told_from_a_broken_gate(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    bad = _why(pipeline)
    assert "FAILED into production: the candidate is bad" in bad
    assert (
        "The author mends unit" in bad
        and "python -m release culprit --good COMMIT --bad cccccccccccc -- COMMAND" in bad
    )
    pipeline.record(pipeline.unit(verdict=Verdict.ERRORED))
    broken = _why(pipeline)
    assert "neither good nor bad" in broken
    assert (
        "Mend the gate, not the candidate (run unit), then in a checkout of cccccccccccc:" in broken
        and "python -m release gate unit" in broken
    )
    assert "The author mends" not in broken


def test_a_first_release_is_sent_to_a_person(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.upgrade(verdict=Verdict.INCONCLUSIVE))
    text = _why(pipeline, WAITING | {"production": None})
    assert "Production runs nothing to compare with. For upgrade a person signs" in text
    assert "python -m release waive first-release aaaaaaaaaaaa --owner NAME --reason REASON" in text
    assert "release gate" not in text


def test_waivers_in_force_are_shown(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.upgrade(verdict=Verdict.INCONCLUSIVE))
    pipeline.waive("upgrade")
    assert "Waived     upgrade (INCONCLUSIVE) by vera until 2030-05-24 12:00 UTC: It was agreed upon." in _why(pipeline)


def test_a_broken_ledger_is_told_with_its_remedy(pipeline: Pipeline) -> None:
    pipeline.write_lines(pipeline.lines()[:1])
    text = _why(pipeline)
    assert "the evidence cannot be relied upon" in text
    assert "truncated or replaced" in text
    assert "python -m release ledger verify" in text


def test_a_torn_ledger_is_sent_to_its_repair(pipeline: Pipeline) -> None:
    with pipeline.home.ledger.open("ab") as stream:
        stream.write(b"{")
    assert "python -m release ledger repair" in _why(pipeline)


def test_what_was_rolled_back_says_so(pipeline: Pipeline) -> None:
    said = Promotion(
        environment="production",
        origin=OTHER_DIGEST,
        to=DIGEST,
        step="canary",
        share=0,
        outcome=Outcome.ROLLED_BACK,
        why="5 % of the answers were errors.",
        at=NOW - timedelta(minutes=10),
    )
    pipeline.ledger.append(said.TYPE, DIGEST, said, pipeline.key)
    newer = Superseded(environment="production", by=OTHER_DIGEST, why="It mends the errors.", at=NOW)
    pipeline.ledger.append(newer.TYPE, DIGEST, newer, pipeline.key)
    text = _why(pipeline)
    assert "Last step  production, canary at 0 %: rolled back 10 min ago. 5 % of the answers were errors." in text
    assert "Superseded by bbbbbbbbbbbb" in text


def test_what_runs_in_production_is_done(pipeline: Pipeline) -> None:
    assert "Nothing: it is where candidates go." in _why(pipeline, EVERYWHERE)


def test_many_bad_gates_still_fit_the_screen(tmp_path: Path) -> None:
    gate = GATES_TOML[GATES_TOML.index("[gates.unit]") : GATES_TOML.index("[gates.upgrade]")]
    many = "".join(gate.replace("gates.unit", f"gates.a-gate-with-quite-a-long-name-{number}") for number in range(40))
    pipeline = Pipeline.at(tmp_path, gates_toml=GATES_TOML + many)
    pipeline.record(dataclasses.replace(pipeline.unit(verdict=Verdict.FAILED), reasons=("Long. " * 60,)))
    pipeline.record(pipeline.upgrade(verdict=Verdict.ERRORED))
    for number in range(10):
        pipeline.waive(f"a-gate-with-quite-a-long-name-{number}")
    text = _why(pipeline)
    assert text.splitlines()[2].startswith("Verdict    FAILED")
    assert "more: python -m release judge production" in text
    assert "The author mends unit" in text


def test_what_is_no_digest_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(EvidenceInvalid, match="not an image digest"):
        why(pipeline.policy, pipeline.ledger, "latest", WAITING, NOW)
