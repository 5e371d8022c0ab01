"""Models damaged at random: whatever comes, it is measured or refused with a problem that has words, in time, within memory."""

from __future__ import annotations

import struct

import pytest

from fixtures.models3d.hostile.fuzz import KINDS, fuzzed
from system.pricing.domain.mesh import problem_codes
from system.pricing.tests.unit.hurting import MEMORY_OVER_IDLE_BYTES_MAX, SECONDS_MAX, Answer, Asked

FEW, MANY = range(16), range(16, 1_016)
"""Seeds of each format: for each pull request, and for the night."""


def amiss(told: Answer) -> str | None:
    """What is wrong with an answer; None: it is one that may be given to a stranger's file."""
    *findings, ended = told["findings"] or [{}]
    last = findings[-1] if findings else {}
    if told["status"] or ended.get("stage") != "ended":
        return f"ended with {told['status']}: {last}"
    if told["cpu_s"] >= SECONDS_MAX or ended["memory_bytes"] >= MEMORY_OVER_IDLE_BYTES_MAX:
        return f"took {told['cpu_s']:.1f} s and {ended['memory_bytes'] >> 20} MB"
    if last.get("stage") == "refused" and last["code"] not in problem_codes():
        return f"a problem without words: {last}"
    if last.get("stage") not in ("checked", "refused"):
        return f"neither a measure nor a problem: {last}"
    return None


def answers(kind: str, seeds: range, answer_to: Asked) -> tuple[list[str], set[str]]:
    """What is amiss, and the stages that the files ended with."""
    found, ended_with = [], set()
    for seed in seeds:
        body = fuzzed(kind, seed)
        told = answer_to(lambda file, body=body: file.write(body))  # type: ignore[misc]
        wrong = amiss(told)
        if wrong:
            found.append(f"`python -m fixtures.models3d fuzz {kind} {seed} --to /tmp`: {wrong}")
        else:
            ended_with.add(told["findings"][-2]["stage"])
    return found, ended_with


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_is_answered(kind: str, answer_to: Asked) -> None:
    found, ended_with = answers(kind, FEW, answer_to)
    assert not found, "\n".join(found)
    assert "refused" in ended_with


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_in_a_night_is_answered(kind: str, answer_to: Asked) -> None:
    found, ended_with = answers(kind, MANY, answer_to)
    assert not found, "\n".join(found)
    assert ended_with == {"checked", "refused"}


@pytest.mark.parametrize("kind", KINDS)
def test_good_model_is_measured(kind: str, answer_to: Asked) -> None:
    told = answer_to(lambda file: file.write(KINDS[kind]))
    assert amiss(told) is None
    assert told["findings"][-2]["stage"] == "checked"


@pytest.mark.parametrize("kind", KINDS)
def test_seed_repeats_its_file(kind: str) -> None:
    assert fuzzed(kind, 3) == fuzzed(kind, 3)
    assert len({fuzzed(kind, seed) for seed in range(30)}) > 25


def test_changes_reach_lengths_and_numbers() -> None:
    counts = {struct.unpack_from("<I", fuzzed("stl", seed).ljust(84, b"\0"), 80)[0] for seed in range(1_000)}
    assert len(counts) > 2
    assert any(b"1e308" in fuzzed("obj", seed) for seed in range(200))


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"status": -11, "cpu_s": 0.1, "findings": []}, "ended with -11"),
        (
            {
                "status": 1,
                "cpu_s": 0.1,
                "findings": [{"stage": "crashed", "error": "IndexError()"}, {"stage": "ended", "memory_bytes": 0}],
            },
            "IndexError",
        ),
        (
            {"status": 0, "cpu_s": 6.0, "findings": [{"stage": "checked"}, {"stage": "ended", "memory_bytes": 0}]},
            "6.0 s",
        ),
        (
            {
                "status": 0,
                "cpu_s": 0.1,
                "findings": [{"stage": "checked"}, {"stage": "ended", "memory_bytes": 300 << 20}],
            },
            "300 MB",
        ),
        (
            {
                "status": 0,
                "cpu_s": 0.1,
                "findings": [{"stage": "refused", "code": "hm"}, {"stage": "ended", "memory_bytes": 0}],
            },
            "without words",
        ),
        ({"status": 0, "cpu_s": 0.1, "findings": [{"stage": "at"}, {"stage": "ended", "memory_bytes": 0}]}, "neither"),
    ],
)
def test_what_may_not_be_answered_is_seen(told: Answer, what: str) -> None:
    assert what in str(amiss(told))
