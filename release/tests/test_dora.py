"""The four figures, each on a ledger made for it: what counts, what does not, and what is no figure at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from release import dora
from release.candidate import Release
from release.dora import Change, Window, attempts, measure
from release.ledger import Entry
from release.repository import Repository
from release.signing import SignerKind
from release.statement import CandidateBuilt, Outcome, Predicate, Promotion

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def release(number: int) -> Release:
    """A release that nobody built."""
    digest = f"sha256:{number:064x}"
    return Release(digest, f"{number:040x}", f"registry/alexandrite/system@{digest}")


class Ledger:
    """Entries, as a ledger that was found right has them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def say(self, digest: str, predicate: Predicate) -> None:
        number = len(self.entries) + 1
        self.entries.append(Entry(number, f"{number:064x}", "", digest, predicate, "pipeline", SignerKind.PIPELINE))

    def built(self, number: int) -> None:
        one = release(number)
        said = CandidateBuilt(commit=one.commit, image=one.image, built_at=NOW, sbom="d" * 64, materials={})
        self.say(one.digest, said)

    def step(
        self, number: int, step: str, at: datetime, outcome: Outcome = Outcome.DONE, *, origin: int | None = None,
        share: int = 0, environment: str = "production",
    ) -> None:  # fmt: skip
        said = Promotion.model_validate(
            {
                "environment": environment,
                "from": release(origin).digest if origin is not None else None,
                "to": release(number).digest,
                "step": step,
                "share": share,
                "outcome": outcome,
                "why": "done",
                "at": at,
            }
        )
        self.say(release(number).digest, said)

    def way(self, number: int, at: datetime, *, until: str = "settle", origin: int | None = None) -> datetime:
        """The steps of a promotion, a minute each; returns when the last one ended."""
        for step in ("judge", "start", "smoke", "share 5", "share 100", "settle"):
            at += MINUTE
            share = 100 if step == "settle" else int(step.split()[1]) if step.startswith("share") else 0
            self.step(number, step, at, origin=origin, share=share)
            if step == until:
                break
        return at

    def window(self, days: int = 7, changes: dora.Changes = lambda before, commit: ()) -> Window:
        found = measure(self.entries, changes, NOW)
        return next(one for one in found.windows if one.days == days)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_nothing_measured_is_no_zero(ledger: Ledger) -> None:
    window = ledger.window()
    assert (window.deployments, window.reached_customers) == (0, 0)
    assert window.failure_rate is None
    assert window.lead_median_s is None
    assert window.restore_median_s is None


def test_a_release_counts_in_the_windows_it_lies_in(ledger: Ledger) -> None:
    for number, days in enumerate((2, 5, 20, 80, 100)):
        ledger.way(number, NOW - timedelta(days=days))
    counted = {one.days: one.deployments for one in measure(ledger.entries, lambda before, commit: (), NOW).windows}
    assert counted == {7: 2, 30: 3, 90: 4}
    assert ledger.window(30).per_day == pytest.approx(0.1)


def test_other_environments_are_not_production(ledger: Ledger) -> None:
    ledger.step(1, "settle", NOW - MINUTE, share=100, environment="release")
    assert ledger.window().deployments == 0


def test_stopped_before_the_first_customer_is_no_failure(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="start")
    ledger.step(1, "smoke", at + MINUTE, Outcome.ROLLED_BACK)
    window = ledger.window()
    assert (window.reached_customers, window.failures, window.failure_rate) == (0, 0, None)
    assert window.caught_before_customers == 1


def test_taken_back_at_a_share_is_a_failure_restored_within_its_minutes(ledger: Ledger) -> None:
    ledger.way(1, NOW - timedelta(days=2))
    at = ledger.way(2, NOW - timedelta(days=1), until="share 5")
    ledger.step(2, "share 100", at + MINUTE, Outcome.ROLLED_BACK)
    window = ledger.window()
    assert (window.deployments, window.reached_customers, window.failures) == (1, 2, 1)
    assert window.failure_rate == 0.5
    # From the end of the smoke, when `share 5` began, to the end of the undo.
    assert window.restore_median_s == 120


def test_the_very_first_share_is_customers_although_its_line_says_none_are_left(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="smoke")
    ledger.step(1, "share 5", at + MINUTE, Outcome.ROLLED_BACK, share=0)
    assert (ledger.window().reached_customers, ledger.window().failures) == (1, 1)


def test_a_rollback_afterwards_turns_a_deployment_into_a_failure(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1))
    ledger.step(1, "rollback", at + timedelta(hours=3), Outcome.ROLLED_BACK)
    window = ledger.window()
    assert (window.deployments, window.failures) == (1, 1)
    assert window.restore_longest_s == timedelta(hours=3, minutes=3).total_seconds()


def test_a_promotion_halted_by_a_rollback_is_one_failure(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="share 5")
    ledger.step(1, "share 100", at + MINUTE, Outcome.ROLLED_BACK)
    ledger.step(1, "rollback", at + 2 * MINUTE, Outcome.ROLLED_BACK)
    assert ledger.window().failures == 1
    assert ledger.window().restore_longest_s == 120


def test_a_killed_promotion_is_restored_by_whoever_found_it(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="share 5")
    ledger.step(1, "recover", at + timedelta(minutes=10), Outcome.ROLLED_BACK)
    assert ledger.window().failures == 1
    (attempt,) = attempts(ledger.entries, "production")
    assert attempt.stopped and not attempt.settled


def test_a_guard_that_saw_nothing_changes_nothing(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1))
    ledger.step(1, "guard", at + timedelta(hours=1), share=100)
    assert (ledger.window().deployments, ledger.window().failures) == (1, 0)


def test_let_in_and_not_tidied_up_is_in_and_counts_once(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="share 100")
    ledger.step(1, "settle", at + MINUTE, Outcome.STOPPED, share=100)
    ledger.step(1, "settle", at + 2 * MINUTE, share=100)
    assert (ledger.window().deployments, ledger.window().failures) == (1, 0)


def test_the_same_candidate_may_come_twice(ledger: Ledger) -> None:
    at = ledger.way(1, NOW - timedelta(days=1), until="share 5")
    ledger.step(1, "share 100", at + MINUTE, Outcome.ROLLED_BACK)
    ledger.way(1, at + timedelta(hours=1))
    window = ledger.window()
    assert (window.reached_customers, window.deployments, window.failures) == (2, 1, 1)


def test_lead_time_is_of_every_commit_that_came_with_a_release(ledger: Ledger) -> None:
    ledger.built(1)
    ledger.built(2)
    settled = ledger.way(2, NOW - timedelta(days=1), origin=1)
    asked: list[tuple[str | None, str]] = []

    def changes(before: str | None, commit: str) -> Sequence[Change]:
        asked.append((before, commit))
        return [Change(commit, settled - timedelta(hours=hours), "A change") for hours in (1, 2, 10)]

    window = ledger.window(changes=changes)
    assert asked == [(release(1).commit, release(2).commit)]
    assert (window.lead_median_s, window.lead_p90_s) == (2 * 3600, 10 * 3600)
    assert (window.changes, window.changes_unknown) == (3, 0)


def test_a_release_whose_commits_nobody_knows_is_told(ledger: Ledger) -> None:
    ledger.built(1)
    ledger.way(1, NOW - timedelta(days=1))
    ledger.way(2, NOW - timedelta(hours=5))
    assert (ledger.window().lead_median_s, ledger.window().changes_unknown) == (None, 2)


def test_git_says_what_came_with_a_release(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.ask("init", "--quiet", "--initial-branch=main")
    for subject in ("First", "Second", "Third"):
        repository.ask("commit", "--quiet", "--allow-empty", "--message", subject)
    first, third = repository.commit("HEAD~2"), repository.commit("HEAD")
    changes = dora.changes_of(repository)
    assert [one.subject for one in changes(first, third)] == ["Third", "Second"]
    assert [one.subject for one in changes(None, third)] == ["Third"]
    assert [one.subject for one in changes(third, first)] == ["First"]
    assert changes(first, "0" * 40) == ()
    assert all(one.committed.tzinfo is UTC for one in changes(first, third))
