"""What became of a commit, read from the ledger's statements alone."""

from __future__ import annotations

from typing import Any

import pytest

from tools.workflow_drill import _fate

MINE, OTHER = "a" * 64, "b" * 64


def said(kind: str, digest: str = MINE, **predicate: Any) -> dict[str, Any]:
    return {
        "predicateType": f"https://example/{kind}",
        "subject": [{"digest": {"sha256": digest}}],
        "predicate": predicate,
    }


def promoted(environment: str, step: str, outcome: str, digest: str = MINE) -> dict[str, Any]:
    return said("promotion/v1", digest, environment=environment, step=step, outcome=outcome)


@pytest.mark.parametrize(
    ("statements", "fate"),
    [
        ([], "nobody knows"),
        ([said("candidate/v1", commit="c")], "nobody knows"),
        ([said("superseded/v1", environment="dev", by=OTHER)], "superseded"),
        ([said("superseded/v1", OTHER, environment="dev", by=MINE)], "nobody knows"),
        ([said("test-result/v0.1", gate="unit", verdict="FAILED")], "FAILED by unit"),
        ([said("test-result/v0.1", gate="unit", verdict="PASSED")], "nobody knows"),
        ([promoted("dev", "settle", "done")], "nobody knows"),
        ([promoted("production", "share 50", "done")], "nobody knows"),
        ([promoted("production", "settle", "stopped")], "nobody knows"),
        ([promoted("production", "settle", "done", OTHER)], "nobody knows"),
        ([promoted("production", "settle", "done")], "in production"),
    ],
)
def test_every_commit_is_accounted_for_or_it_is_said(statements: list[dict[str, Any]], fate: str) -> None:
    assert _fate(statements, MINE) == fate
