"""A scenario that CRM exported, in a developer's hands: unpacked, and run by pytest against the system of this run."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from step_defs.drivers.address import ROOT, STATE, SystemAddress

RUN_WITHIN_S = 240
LANGUAGES = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended: exit status and words of pytest, scenarios that passed, and of each other one its steps and the failed one."""

    status: int
    said: str
    passed: int
    failed: tuple[tuple[list[str], str], ...]


class Exported:
    """An archive, unpacked into a tree of features of its own below this checkout."""

    def __init__(self, archive: bytes) -> None:
        self.root = STATE / "exported" / uuid.uuid4().hex[:12]
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            packed.extractall(self.root)

    def remove(self) -> None:
        """Takes the tree away again."""
        shutil.rmtree(self.root, ignore_errors=True)

    def features(self, *languages: str) -> list[Path]:
        """The feature files in these languages."""
        return [path for language in languages for path in self.root.glob(f"*/*.{language}.feature")]

    def run(self, address: SystemAddress, *languages: str, marks: str = "") -> Run:
        """A run of its features as README.txt says, on a system that runs already."""
        features = self.features(*(languages or LANGUAGES))
        assert features, f"the archive holds no feature: {sorted(path.name for path in self.root.rglob('*'))}"
        report = self.root / "report"
        command = [sys.executable, "-m", "pytest", *map(str, features), "-p", "no:xdist", "-p", "no:randomly", "-q"]
        command += ["-o", f"bdd_features={self.root}", "--bdd-report", str(report), *(["-m", marks] if marks else [])]
        done = subprocess.run(  # noqa: S603  the command is ours
            command,
            cwd=ROOT,
            env=_environment(address),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=RUN_WITHIN_S,
            check=False,
        )
        messages = report / "messages.ndjson"
        told = [json.loads(line) for line in messages.read_text().splitlines()] if messages.exists() else []
        counts = json.loads((report / "counts.json").read_text()) if (report / "counts.json").exists() else {}
        return Run(done.returncode, done.stdout + done.stderr, int(counts.get("passed", 0)), tuple(_failed(told)))


def _environment(address: SystemAddress) -> dict[str, str]:
    # What this run of pytest told its own workers is none of the other's business.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"ALEXANDRITE_ADDRESS": json.dumps(address.to_dict())}


def _failed(told: list[dict[str, Any]]) -> Iterator[tuple[list[str], str]]:
    """Of each scenario with a failed step: the sentences of its steps, and the one that failed."""
    pickles = {one["pickle"]["id"]: one["pickle"] for one in told if "pickle" in one}
    for case in (one["testCase"] for one in told if "testCase" in one):
        texts = {step["id"]: step["text"] for step in pickles[case["pickleId"]]["steps"]}
        steps = {step["id"]: texts.get(step.get("pickleStepId", ""), "") for step in case["testSteps"]}
        for finished in (one["testStepFinished"] for one in told if "testStepFinished" in one):
            if finished["testStepId"] in steps and finished["testStepResult"]["status"] == "FAILED":
                yield list(texts.values()), steps[finished["testStepId"]]
                break


def passes(exported: Exported | None, address: SystemAddress) -> None:
    """Every scenario of the archive passes, in both languages."""
    assert exported is not None, "nothing was exported"
    run = exported.run(address)
    assert run.status == 0 and run.passed, f"the exported scenario ended with {run.status}:\n{run.said[-4000:]}"


def fails_where_it_hangs(exported: Exported | None, address: SystemAddress) -> None:
    """The order's own road goes well up to the last step, which says what should have happened, and that one fails."""
    assert exported is not None, "nothing was exported"
    run = exported.run(address, LANGUAGES[0], marks="not exclusive")
    assert run.status == 1 and len(run.failed) == 1, (
        f"the exported scenario ended with {run.status} and {len(run.failed)} failures:\n{run.said[-4000:]}"
    )
    [(steps, failed)] = run.failed
    assert failed == steps[-1], f"it failed at {failed!r}, and not at its end, {steps[-1]!r}:\n{run.said[-4000:]}"
