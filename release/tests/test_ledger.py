"""The ledger is append-only, all or nothing, and shared by several processes."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from release import signing
from release.errors import EvidenceInvalid
from release.home import Home
from release.ledger import Ledger
from release.statement import NOTHING_BEFORE, CandidateBuilt, Repaired, TestResult, Waiver
from release.tests.evidence import DIGEST, NOW, OTHER_DIGEST, Pipeline, passing
from release.verdict import Verdict


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return passing(tmp_path)


def test_entries_come_back_in_order_and_chained(pipeline: Pipeline) -> None:
    entries = Ledger(pipeline.home).read()
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [entry.previous for entry in entries] == [NOTHING_BEFORE, entries[0].line, entries[1].line]
    assert Ledger(pipeline.home).head() == entries[-1].line


def test_an_empty_ledger_has_the_head_of_nothing(tmp_path: Path) -> None:
    ledger = Ledger(Home(tmp_path))
    assert (ledger.read(), ledger.head()) == ((), NOTHING_BEFORE)
    ledger.verify_anchor(NOTHING_BEFORE)


def test_entries_are_found_by_kind_digest_and_gate(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(), digest=OTHER_DIGEST)
    pipeline.waive("unit")
    ledger = pipeline.ledger
    assert [entry.sequence for entry, _ in ledger.entries(TestResult)] == [2, 3, 4]
    assert [entry.sequence for entry, _ in ledger.entries(TestResult, digest=DIGEST, gate="unit")] == [2]
    assert [entry.sequence for entry, _ in ledger.entries(Waiver, gate="unit")] == [5]
    assert [entry.sequence for entry, _ in ledger.entries(CandidateBuilt, gate="unit")] == []


def test_a_mapping_is_appended_like_its_model(pipeline: Pipeline) -> None:
    said = pipeline.ledger.read()[0].predicate
    entry = pipeline.ledger.append(CandidateBuilt.TYPE, DIGEST, said.document(), pipeline.key)
    assert entry.predicate == said


@pytest.mark.parametrize(
    ("predicate_type", "said", "words"),
    [
        (CandidateBuilt.TYPE, {"commit": "c" * 40}, "not CandidateBuilt"),
        (Waiver.TYPE, Repaired(file="x", size_bytes=1, at=NOW), "It is Repaired, not Waiver"),
        ("https://alexandrite.example/other/v1", {}, "unknown"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(
    pipeline: Pipeline, predicate_type: str, said: Repaired | dict[str, object], words: str
) -> None:
    before = pipeline.home.ledger.read_bytes()
    with pytest.raises(EvidenceInvalid, match=words):
        pipeline.ledger.append(predicate_type, DIGEST, said, pipeline.key)
    assert pipeline.home.ledger.read_bytes() == before


def test_the_wrong_signer_cannot_append(pipeline: Pipeline) -> None:
    said = pipeline.ledger.read()[0].predicate
    waiver = Waiver(gate="unit", owner="vera", reason="It was agreed.", at=NOW, expires_at=NOW)
    before = pipeline.home.ledger.read_bytes()
    with pytest.raises(EvidenceInvalid, match="only the pipeline can say this"):
        pipeline.ledger.append(said.TYPE, DIGEST, said, pipeline.person)
    with pytest.raises(EvidenceInvalid, match="only a person can waive"):
        pipeline.ledger.append(Waiver.TYPE, DIGEST, waiver, pipeline.key)
    with pytest.raises(EvidenceInvalid, match="in the name of vera"):
        pipeline.ledger.append(Waiver.TYPE, DIGEST, waiver, signing.new_person_key(pipeline.home, "boris"))
    assert pipeline.home.ledger.read_bytes() == before


def test_nothing_is_appended_to_a_broken_chain(pipeline: Pipeline) -> None:
    first, second, third = pipeline.lines()
    pipeline.write_lines([second, first, third])
    with pytest.raises(EvidenceInvalid, match=r"line 1\. It has the sequence 2.*Restore it"):
        pipeline.record(pipeline.unit())
    assert pipeline.lines() == [second, first, third]


def test_an_edit_is_noticed_by_a_process_that_read_it_before(pipeline: Pipeline) -> None:
    ledger = Ledger(pipeline.home)
    ledger.read()
    first, second, third = pipeline.lines()
    pipeline.write_lines([first, second[:40] + b"A" + second[41:], third])
    with pytest.raises(EvidenceInvalid, match="line 2"):
        ledger.read()


def test_a_withdrawn_key_is_noticed_by_a_process_that_trusted_it_before(pipeline: Pipeline) -> None:
    pipeline.waive("unit")
    pipeline.ledger.read()
    (pipeline.home.keys / "trusted" / "people" / "vera.pub.pem").unlink()
    with pytest.raises(EvidenceInvalid, match="untrusted key"):
        pipeline.ledger.read()


def test_anchors_are_lines_of_the_ledger(pipeline: Pipeline) -> None:
    for entry in pipeline.ledger.read():
        pipeline.ledger.verify_anchor(entry.line)
    with pytest.raises(EvidenceInvalid, match="truncated or replaced"):
        pipeline.ledger.verify_anchor("f" * 64)


@pytest.mark.parametrize("kept_bytes", [1, 300, -1])
def test_a_torn_append_is_repaired_and_recorded(pipeline: Pipeline, kept_bytes: int) -> None:
    whole = pipeline.home.ledger.read_bytes()
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    last = pipeline.home.ledger.read_bytes()[len(whole) :]
    torn = last[:kept_bytes]
    pipeline.home.ledger.write_bytes(whole + torn)
    with pytest.raises(EvidenceInvalid, match=r"interrupted.*release ledger repair"):
        pipeline.ledger.read()
    with pytest.raises(EvidenceInvalid, match="interrupted"):
        pipeline.record(pipeline.unit())
    (record,) = pipeline.ledger.repair(pipeline.key, NOW)
    assert isinstance(record.predicate, Repaired)
    assert (pipeline.home.path / record.predicate.file).read_bytes() == torn
    assert pipeline.home.ledger.read_bytes().startswith(whole)
    assert [entry.sequence for entry in Ledger(pipeline.home).read()] == [1, 2, 3, 4]
    assert pipeline.ledger.repair(pipeline.key, NOW) == ()


def test_a_repair_that_was_killed_is_finished_by_the_next(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with pipeline.home.ledger.open("ab") as stream:
        stream.write(b'{"payload":"half')

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.ledger.repair(pipeline.key, NOW)
    (record,) = pipeline.ledger.repair(pipeline.key, NOW)
    assert isinstance(record.predicate, Repaired)
    assert record.predicate.size_bytes == len(b'{"payload":"half')


def test_repair_mends_no_edit(pipeline: Pipeline) -> None:
    first, _, third = pipeline.lines()
    pipeline.write_lines([first, third])
    before = pipeline.home.ledger.read_bytes()
    with pytest.raises(EvidenceInvalid, match="line 2"):
        pipeline.ledger.repair(pipeline.key, NOW)
    assert pipeline.home.ledger.read_bytes() == before


def test_a_full_disk_leaves_the_ledger_as_it_was(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pipeline.home.ledger.read_bytes()
    real = os.pwrite

    def half_then_full(descriptor: int, content: bytes, offset: int) -> int:
        if len(content) > 100:
            return real(descriptor, content[:-100], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half_then_full)
    with pytest.raises(OSError, match="No space"):
        pipeline.record(pipeline.unit())
    assert pipeline.home.ledger.read_bytes() == before


def _record_often(path: Path, times: int) -> None:
    home = Home(path)
    ledger, key = Ledger(home), signing.pipeline_key(home)
    said = ledger.read()[0].predicate
    for _ in range(times):
        ledger.append(said.TYPE, DIGEST, said, key)


def test_processes_append_one_after_the_other(pipeline: Pipeline) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_record_often, args=(pipeline.home.path, 10)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(Ledger(pipeline.home).read()) == 3 + 20
