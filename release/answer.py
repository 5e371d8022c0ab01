"""What a gate's own command leaves behind: `verdict.json` in RELEASE_OUT, and the exit status that must agree with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from release.errors import NotReady, ReleaseError
from release.verdict import Verdict
from tools.prepare import state

EXIT_STATUS = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.ERRORED: 2, Verdict.INCONCLUSIVE: 3}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one gate's question."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Sentences for people; what is said beside a PASSED goes no further than the reader."""
    figures: Mapping[str, float] = field(default_factory=dict)
    checked: int = 0
    """How many things were looked at."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the runner told a gate's command."""

    out: Path
    digest: str
    commit: str
    image: str
    previous_commit: str
    previous_image: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Run:
        """Raises NotReady when a variable that every run has is missing."""
        missing = [name for name in ("RELEASE_OUT", "RELEASE_DIGEST", "RELEASE_COMMIT") if not environment.get(name)]
        if missing:
            raise NotReady(
                f"{', '.join(missing)} must be set: this command runs as a gate.",
                remedy="Run it with: python -m release gate NAME.",
            )
        return cls(
            out=Path(environment["RELEASE_OUT"]),
            digest=environment["RELEASE_DIGEST"],
            commit=environment["RELEASE_COMMIT"],
            image=environment.get("RELEASE_IMAGE", ""),
            previous_commit=environment.get("RELEASE_PREVIOUS_COMMIT", ""),
            previous_image=environment.get("RELEASE_PREVIOUS_IMAGE", ""),
        )

    @property
    def has_previous(self) -> bool:
        """Whether production runs anything yet."""
        return bool(self.previous_commit)


NO_PREVIOUS = Answer(
    Verdict.INCONCLUSIVE, ("Production runs nothing yet: there is no previous release to compare with.",)
)


def leave(gate: str, answer: Answer, run: Run) -> int:
    """Writes the verdict, prints it for people, and returns the exit status that goes with it."""
    run.out.mkdir(parents=True, exist_ok=True)
    written = {
        "gate": gate,
        "digest": run.digest,
        "verdict": answer.verdict.value,
        "reasons": list(answer.reasons),
        "figures": dict(answer.figures),
        "checked": answer.checked,
    }
    text = json.dumps(written, ensure_ascii=False, indent=2) + "\n"
    state.write_file(run.out / "verdict.json", text)
    print(f"{gate}: {answer.verdict.value} ({answer.checked} checked)", flush=True)
    for reason in answer.reasons:
        print(f"  {reason}", flush=True)
    return EXIT_STATUS[answer.verdict]


def main_of(gate: str, argv: Sequence[str], answer: Callable[[Run, Path], Answer], *, usage: str | None) -> int:
    """A gate's command: asks for the answer in the candidate's checkout and leaves it. What it cannot find out is ERRORED."""
    if argv:
        print(usage, file=sys.stderr)
        return EXIT_STATUS[Verdict.ERRORED]
    try:
        run = Run.from_environment()
    except NotReady as error:
        print(error, file=sys.stderr)
        return EXIT_STATUS[Verdict.ERRORED]
    try:
        found = answer(run, Path.cwd())
    except ReleaseError as error:
        found = Answer(Verdict.ERRORED, (str(error),))
    return leave(gate, found, run)
