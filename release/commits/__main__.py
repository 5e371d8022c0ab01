"""`python -m release.commits [NAME...]`: tries bad and harmless commits against the gates, and says whether each did as named.

Exit status: 0 every commit tried was right, 1 one was not, 2 something is needed first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from release.commits import bad, harmless
from release.commits.commit import Commit, named
from release.commits.ground import ground
from release.commits.trial import HEADINGS, NOBODY, Outcome, Trial, cheapest_first, gates_in_order, page, remember
from release.errors import ReleaseError
from release.home import Home
from tools.prepare import state
from tools.prepare.failure import Failure

TABLES: dict[str, tuple[str, tuple[Commit, ...]]] = {
    "bad": ("Bad commits", bad.COMMITS),
    "harmless": ("Harmless commits", harmless.COMMITS),
}
COLUMNS = "{:<28} {:<12} {:<12} {:<13} {:>7}  {}"


def chosen(asked: argparse.Namespace) -> list[Commit]:
    """The commits of the tables asked for; without a table or a name: the bad and the harmless ones. Raises NotReady."""
    tables = [name for name in TABLES if getattr(asked, name)]
    if asked.names and not tables:
        return list(named((commit for _, commits in TABLES.values() for commit in commits), asked.names))
    commits = (commit for name in tables or ("bad", "harmless") for commit in TABLES[name][1])
    return list(named(commits, asked.names))


def keep(outcome: Outcome, home: Home) -> None:
    """Adds the outcome to its table's page."""
    for name, (title, commits) in TABLES.items():
        if any(commit.name == outcome.name for commit in commits):
            found = remember(outcome, home.path / "trials" / f"{name}.json")
            state.write_file(home.path / "trials" / f"{name}.md", page(title, commits, found))


def attempt(asked: argparse.Namespace, home: Home) -> list[Outcome]:
    """Tries every commit asked for, the cheap ones first. Raises NotReady, OutOfDate."""
    outcomes = []
    with ground(home, with_uncommitted=asked.uncommitted) as place:
        trial = Trial(place, say=lambda text: print(text, flush=True))
        order = [gate.name for gate in gates_in_order(trial.policy(), up_to=asked.up_to)]
        for commit in cheapest_first(chosen(asked), trial.policy()):
            if commit.stopped_by is not None and commit.stopped_by not in order:
                print(f"{commit.name}: not tried, {commit.stopped_by} comes after {asked.up_to}", flush=True)
                continue
            outcome = trial.try_commit(commit, up_to=asked.up_to, quick=asked.quick)
            keep(outcome, home)
            outcomes.append(outcome)
            print(COLUMNS.format(*outcome.cells), flush=True)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line per commit and the whole table at the end."""
    parser = argparse.ArgumentParser(prog="python -m release.commits", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    for name, (title, commits) in TABLES.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"{title.lower()} ({len(commits)})")
    parser.add_argument("--up-to", metavar="GATE", help="no gate after this one is asked")
    parser.add_argument("--quick", action="store_true", help="ask only the gate that was named for a commit")
    parser.add_argument("--uncommitted", action="store_true", help="start from the tree as it is instead of HEAD")
    parser.add_argument("--home", type=Path, default=state.STATE / "release-trials", help="ledger, registry and tables")
    asked = parser.parse_args(arguments)
    home = Home(asked.home.absolute())
    home.path.mkdir(parents=True, exist_ok=True)
    try:
        outcomes = attempt(asked, home)
    except (ReleaseError, Failure) as failure:
        print(f"commits: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print("\n" + COLUMNS.format(*HEADINGS))
    for outcome in outcomes:
        print(COLUMNS.format(*outcome.cells))
    wrong = [outcome for outcome in outcomes if not outcome.right]
    for outcome in wrong:
        said = outcome.reason if outcome.stopped_by != NOBODY else f"passed {', '.join(outcome.asked)}"
        print(f"{outcome.name}: {outcome.stopped_by} and not {outcome.expected}: {said}")
    print(f"{len(outcomes) - len(wrong)} of {len(outcomes)} as named beforehand")
    return 1 if wrong or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
