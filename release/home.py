"""Where the pipeline keeps what outlives a run: ledger, raw results, keys, the state of each environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tools.prepare import state

VARIABLE = "RELEASE_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """One directory. `RELEASE_HOME` names another than the checkout's own, so that several checkouts share one pipeline."""

    path: Path

    @classmethod
    def of_checkout(cls) -> Home:
        """The directory in use; made when it is not there."""
        home = cls(Path(os.environ.get(VARIABLE) or state.STATE / "release").absolute())
        home.path.mkdir(parents=True, exist_ok=True)
        return home

    @property
    def ledger(self) -> Path:
        """One signed statement per line, only ever appended to."""
        return self.path / "ledger.jsonl"

    @property
    def blobs(self) -> Path:
        """Raw results by their SHA-256."""
        return self.path / "blobs" / "sha256"

    @property
    def keys(self) -> Path:
        """Signing keys; only the owner of the process can enter."""
        return self.path / "keys"

    @property
    def work(self) -> Path:
        """Directories of runs, removed when they end."""
        return self.path / "work"

    def environment(self, name: str) -> Path:
        """Secrets, certificates, ports and routes of one environment."""
        return self.path / "environments" / name
