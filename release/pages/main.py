"""`python -m release pages`: writes the pages into `RELEASE_HOME/pages`, where a browser opens them without a server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from release.pages.facts import Sources, gather
from release.pages.site import Site
from release.pipeline import Pipeline
from release.repository import Repository


def main(argv: Sequence[str]) -> int:
    """Prints where the first page is. Exit status 1 when the ledger cannot be relied upon: the pages say that and no more."""
    parser = argparse.ArgumentParser(prog="python -m release pages", description=__doc__)
    parser.add_argument("--out", type=Path, help="another directory than RELEASE_HOME/pages")
    parser.add_argument("--figures", type=Path, help="what measurements printed, <module>.txt; RELEASE_HOME/figures")
    asked = parser.parse_args(argv)
    pipeline = Pipeline.of_checkout()
    repository = Repository(pipeline.root)
    facts = gather(Sources(pipeline.policy, pipeline.ledger, pipeline.pins, repository, datetime.now(UTC)))
    pages = Site((asked.out or pipeline.home.path / "pages").absolute(), facts).write(
        asked.figures or pipeline.home.path / "figures"
    )
    print(f"{len(pages)} pages: {pages[0].as_uri()}")
    if facts.broken:
        print(f"the ledger cannot be relied upon: {facts.broken}")
    return 1 if facts.broken else 0
