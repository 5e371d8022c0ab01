"""What each environment should run, as commits on the branch `environments`: one file per environment, never checked out.

    pins = Pins()
    pinned = pins.read("production")                                  Pinned(pin, commit), or None
    pins.write(pinned.pin.with_share(25, ...), after=pinned, why="...")   refuses when somebody else was faster

    Pin.first ─▶ with_candidate ─▶ with_share ... ─▶ promoted ─▶ rolled_back
                       └──────────▶ without_candidate

The branch is the history of every environment; rolling back is one more commit. It is written with plumbing commands and a
compare-and-swap, so no working tree and no index is touched, in a bare repository as in any other.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from release.candidate import Release
from release.environments import SLOTS, other
from release.errors import EvidenceInvalid, NotReady, ReleaseError
from tools.prepare import state

BRANCH = "environments"
REMOTE_VARIABLE = "RELEASE_PINS_REMOTE"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Alexandrite pipeline",
    "GIT_AUTHOR_EMAIL": "pipeline@alexandrite.example",
    "GIT_COMMITTER_NAME": "Alexandrite pipeline",
    "GIT_COMMITTER_EMAIL": "pipeline@alexandrite.example",
}
NOBODY = "0" * 40
# Two environments' pins share a branch: a neighbour's write in between is no conflict, only a reason to try again.
ATTEMPTS = 8
GIT_TIMEOUT_S = 60
SHA256 = re.compile(r"[0-9a-f]{64}")
_RELEASE_KEYS = ("digest", "commit", "image")
_KEYS = (
    "environment", *_RELEASE_KEYS, "slot", "share", "candidate", "previous", "kept_until", "ledger", "at", "by"
)  # fmt: skip


class PinMoved(ReleaseError):
    """Somebody else changed the environment's pin meanwhile; read it again and decide again."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What an environment should run. The candidate, or else the kept previous release, lives in the other slot."""

    environment: str
    release: Release
    """The stable one: it has all traffic that the candidate has not."""
    slot: str
    """Where the stable one lives."""
    ledger: str
    """The ledger's head when this was written: SHA-256, hex."""
    at: datetime
    by: str
    candidate: Release | None = None
    share: int = 0
    """Percent of the traffic that the candidate gets; with 0 it is up, and only the ring header reaches it."""
    previous: Release | None = None
    """What a rollback goes back to."""
    kept_until: datetime | None = None
    """Until then the previous release stays up in the other slot, without traffic."""

    def __post_init__(self) -> None:
        # A judged candidate carries more than a pin says; reduced, a pin equals itself when it is read again.
        for name in ("release", "candidate", "previous"):
            given: Release | None = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, Release(given.digest, given.commit, given.image))
        if self.slot not in SLOTS:
            raise EvidenceInvalid(f"{self.slot!r} is not a slot.")
        if not 0 <= self.share <= 100 or (self.share and self.candidate is None):
            raise EvidenceInvalid(f"A share of {self.share} % needs a candidate, and lies between 0 and 100.")
        if not SHA256.fullmatch(self.ledger):
            raise EvidenceInvalid(f"{self.ledger!r} is not the head of a ledger.")
        if not self.environment or not self.by:
            raise EvidenceInvalid("A pin says of which environment it is and who wrote it.")
        if any(moment is not None and moment.tzinfo is None for moment in (self.at, self.kept_until)):
            raise EvidenceInvalid("A pin's times carry their zone.")

    @property
    def idle_slot(self) -> str:
        """The slot of the candidate or of the kept previous release."""
        return other(self.slot)

    @property
    def weights(self) -> dict[str, int]:
        """Percent of the traffic per slot."""
        return {self.slot: 100 - self.share, self.idle_slot: self.share}

    def in_idle_slot(self, now: datetime) -> Release | None:
        """What should be up in the other slot at `now`."""
        if self.candidate is not None:
            return self.candidate
        kept = self.kept_until is not None and now < self.kept_until
        return self.previous if kept else None

    # -- the next pin; each says who writes it, when, and with which head of the ledger --------------------------------

    @classmethod
    def first(
        cls, environment: str, release: Release, *, ledger: str, at: datetime, by: str, slot: str = "blue"
    ) -> Pin:
        """The first release of an environment: nothing to stay beside, nothing to go back to."""
        return cls(environment=environment, release=release, slot=slot, ledger=ledger, at=at, by=by)

    def with_candidate(self, candidate: Release, *, share: int = 0, ledger: str, at: datetime, by: str) -> Pin:
        """The candidate comes up beside the stable release. A previous one that was still kept makes room for it."""
        return replace(self, candidate=candidate, share=share, kept_until=None, ledger=ledger, at=at, by=by)

    def with_share(self, share: int, *, ledger: str, at: datetime, by: str) -> Pin:
        """Another share for the candidate. Raises EvidenceInvalid when there is none."""
        return replace(self, share=share, ledger=ledger, at=at, by=by)

    def without_candidate(self, *, ledger: str, at: datetime, by: str) -> Pin:
        """The candidate goes; the stable release has all traffic again."""
        return replace(self, candidate=None, share=0, kept_until=None, ledger=ledger, at=at, by=by)

    def promoted(self, *, kept_until: datetime | None, ledger: str, at: datetime, by: str) -> Pin:
        """The candidate becomes the stable release, where it is; the one before stays up until `kept_until`."""
        if self.candidate is None:
            raise EvidenceInvalid(f"No candidate in {self.environment} to promote.")
        return Pin(
            environment=self.environment,
            release=self.candidate,
            slot=self.idle_slot,
            previous=self.release,
            kept_until=kept_until,
            ledger=ledger,
            at=at,
            by=by,
        )

    def rolled_back(self, *, ledger: str, at: datetime, by: str) -> Pin:
        """The previous release again, in the slot where it is or was; the one left behind is not what a next rollback goes to."""
        if self.previous is None:
            raise EvidenceInvalid(f"No release of {self.environment} to go back to.")
        return Pin(
            environment=self.environment, release=self.previous, slot=self.idle_slot, ledger=ledger, at=at, by=by
        )

    # -- text ----------------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The file's content."""
        document = {
            "environment": self.environment,
            **_of_release(self.release),
            "slot": self.slot,
            "share": self.share,
            "candidate": _of_release(self.candidate) if self.candidate else None,
            "previous": _of_release(self.previous) if self.previous else None,
            "kept_until": self.kept_until.isoformat() if self.kept_until else None,
            "ledger": self.ledger,
            "at": self.at.isoformat(),
            "by": self.by,
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, environment: str) -> Pin:
        """The pin that `to_json` wrote. Raises EvidenceInvalid for anything else, and for another environment's."""
        try:
            document = json.loads(text, object_pairs_hook=_no_repetition)
        except ValueError as error:
            raise EvidenceInvalid(f"The pin of {environment} is not readable: {error}.") from error
        if not isinstance(document, dict) or set(document) != set(_KEYS):
            raise EvidenceInvalid(f"The pin of {environment} must have exactly the keys {', '.join(_KEYS)}.")
        if document["environment"] != environment:
            raise EvidenceInvalid(f"The pin of {environment} speaks of {document['environment']!r}.")
        if not isinstance(document["share"], int) or isinstance(document["share"], bool):
            raise EvidenceInvalid(f"The pin of {environment} has the share {document['share']!r}.")
        if not all(isinstance(document[key], str) for key in ("slot", "ledger", "by")):
            raise EvidenceInvalid(f"The pin of {environment} has a slot, ledger or author that is no text.")
        return cls(
            environment=environment,
            release=_to_release({key: document[key] for key in _RELEASE_KEYS}),
            slot=document["slot"],
            share=document["share"],
            candidate=_to_release(document["candidate"]) if document["candidate"] is not None else None,
            previous=_to_release(document["previous"]) if document["previous"] is not None else None,
            kept_until=_to_moment(document["kept_until"]) if document["kept_until"] is not None else None,
            ledger=document["ledger"],
            at=_to_moment(document["at"]),
            by=document["by"],
        )


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pin as it was found, and the commit that holds it."""

    pin: Pin
    commit: str


class Pins:
    """The branch of pins in one repository. With a remote, what is written is pushed, and refused when the remote is ahead."""

    def __init__(self, repository: Path = state.ROOT, *, branch: str = BRANCH, remote: str | None = None) -> None:
        self._repository = repository
        self._ref = f"refs/heads/{branch}"
        self._branch = branch
        self._remote = os.environ.get(REMOTE_VARIABLE, "") if remote is None else remote

    def read(self, environment: str) -> Pinned | None:
        """The environment's pin; None when nothing was ever pinned. Raises EvidenceInvalid when it cannot be relied upon.

        A remote that does not answer is no reason to stop looking after an environment: then what was last known counts.
        Raises NotReady when nothing was ever known here.
        """
        try:
            self._follow_remote()
        except NotReady:
            if self._head() is None:
                # Nothing was ever known here: taking silence for "no release yet" would close what customers use.
                raise
        head = self._head()
        return None if head is None else self._at(head, environment)

    def write(self, pin: Pin, *, after: Pinned | None, why: str) -> Pinned:
        """Pins it, if the environment's pin is still `after` (None: still nothing). Raises PinMoved when it is not."""
        for _ in range(ATTEMPTS):
            self._follow_remote()
            head = self._head()
            there = None if head is None else self._at(head, pin.environment)
            if (there and there.pin) != (after and after.pin):
                raise PinMoved(
                    f"The pin of {pin.environment} was changed meanwhile.", remedy="Read it again, decide again."
                )
            commit = self._commit(head, pin, why)
            # The remote decides who was first: killed after it, the next writer finds there what this one meant.
            if self._push(commit, head) and (self._swap(commit, head or NOBODY) or self._remote):
                return Pinned(pin, commit)
        raise PinMoved(f"The branch {self._branch} changes too fast to write to it.", remedy="Try again.")

    def history(self, environment: str, *, limit: int = 50) -> list[Pinned]:
        """The environment's pins, newest first. Raises EvidenceInvalid at the first that cannot be relied upon."""
        head = self._head()
        if head is None:
            return []
        listed = self._git("log", f"--max-count={limit}", "--format=%H", head, "--", f"{environment}.json")
        found = (self._at(commit, environment) for commit in listed.split())
        return [pinned for pinned in found if pinned is not None]

    def file(self, name: str) -> str | None:
        """Another file of the branch, beside the pins; None when it is not there."""
        head = self._head()
        return None if head is None else self._text(head, name)

    def put(self, name: str, text: str, *, after: str | None, message: str, at: datetime) -> None:
        """Commits such a file, if it still reads as `after` (None: is not there). Raises PinMoved when it does not."""
        for _ in range(ATTEMPTS):
            self._follow_remote()
            head = self._head()
            if self.file(name) != after:
                raise PinMoved(f"{name} was changed meanwhile.", remedy="Read it again, decide again.")
            commit = self._commit_file(head, name, text, message, at)
            if self._push(commit, head) and (self._swap(commit, head or NOBODY) or self._remote):
                return
        raise PinMoved(f"The branch {self._branch} changes too fast to write to it.", remedy="Try again.")

    # -- plumbing --------------------------------------------------------------------------------------------------------

    def _head(self) -> str | None:
        return self._answer("rev-parse", "--verify", "--quiet", f"{self._ref}^{{commit}}") or None

    def _at(self, commit: str, environment: str) -> Pinned | None:
        text = self._text(commit, f"{environment}.json")
        return None if text is None else Pinned(Pin.from_json(text, environment=environment), commit)

    def _text(self, commit: str, name: str) -> str | None:
        """A plain file of the branch at a commit; None when it is not there. Raises EvidenceInvalid for anything else of its name."""
        listed = self._git("ls-tree", "-z", commit, "--", name).rstrip("\0")
        if not listed:
            return None
        mode, kind, blob = listed.partition("\t")[0].split()
        if kind != "blob" or mode != "100644":
            raise EvidenceInvalid(f"{name} on {self._branch} is not a plain file.")
        return self._git("cat-file", "blob", blob, strip=False)

    def _commit(self, parent: str | None, pin: Pin, why: str) -> str:
        message = f"{pin.environment}: {why}\n\n{_summary(pin)}\n"
        return self._commit_file(parent, f"{pin.environment}.json", pin.to_json(), message, pin.at)

    def _commit_file(self, parent: str | None, name: str, text: str, message: str, at: datetime) -> str:
        """A commit whose tree is the parent's with this one file replaced; nothing points at it yet."""
        blob = self._git("hash-object", "-w", "--stdin", given=text)
        lines = self._git("ls-tree", "-z", parent).split("\0") if parent else []
        kept = [line for line in lines if line and line.partition("\t")[2] != name]
        tree = self._git("mktree", "-z", given="".join(f"{line}\0" for line in [*kept, f"100644 blob {blob}\t{name}"]))
        moment = {key: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00") for key in _DATES}
        parents = ["-p", parent] if parent else []
        return self._git("commit-tree", tree, *parents, given=message, environment=moment)

    def _swap(self, new: str, old: str) -> bool:
        """Moves the branch from `old` to `new`, only if it still is at `old`."""
        return self._answer("update-ref", "-m", "pin", self._ref, new, old) is not None

    def _follow_remote(self) -> None:
        """Takes over what others pushed. Raises PinMoved when both sides have pins that the other has not."""
        if not self._remote:
            return
        there, head = self._remote_head(), self._head()
        if there is None or there == head:
            return
        self._git("fetch", "--quiet", "--no-tags", self._remote, self._ref)
        if head is None or self._answer("merge-base", "--is-ancestor", head, there) is not None:
            self._swap(there, head or NOBODY)
        elif self._answer("merge-base", "--is-ancestor", there, head) is None:
            raise PinMoved(
                f"The branch {self._branch} here and at {self._remote} have gone apart.",
                remedy=f"Compare them; `git fetch {self._remote} +{self._ref}:{self._ref}` takes over theirs.",
            )

    def _remote_head(self) -> str | None:
        return next(iter(self._git("ls-remote", self._remote, self._ref).split()), None)

    def _push(self, commit: str, before: str | None) -> bool:
        """True when the remote has it, or there is none. False when somebody else was faster. Raises PinMoved when it refuses."""
        if not self._remote or self._answer("push", "--quiet", self._remote, f"{commit}:{self._ref}") is not None:
            return True
        there = self._remote_head()
        # The remote may simply not have what this repository had before.
        if there is not None and there != before and self._answer("cat-file", "-e", there) is None:
            return False
        raise PinMoved(f"{self._remote} did not take the pin.", remedy="Its own messages say why: git push shows them.")

    def _git(
        self, *arguments: str, given: str = "", environment: Mapping[str, str] | None = None, strip: bool = True
    ) -> str:
        done = self._run(arguments, given, environment)
        if done.returncode != 0:
            complaint = done.stderr.strip().splitlines()
            raise NotReady(f"`git {arguments[0]}` failed: {complaint[-1] if complaint else 'it says nothing'}.")
        return done.stdout.strip() if strip else done.stdout

    def _answer(self, *arguments: str) -> str | None:
        done = self._run(arguments, "", None)
        return done.stdout.strip() if done.returncode == 0 else None

    def _run(
        self, arguments: tuple[str, ...], given: str, environment: Mapping[str, str] | None
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["git", "-C", str(self._repository), *arguments],
                input=given,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="strict",
                env={**os.environ, **AUTHOR, **(environment or {})},
                timeout=GIT_TIMEOUT_S,
                check=False,
            )
        except UnicodeDecodeError as error:
            raise EvidenceInvalid(f"What git answered is not UTF-8: {error}.") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotReady(f"git did not answer: {error}.") from error


_DATES = ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")


def _summary(pin: Pin) -> str:
    lines = [f"{pin.release.short} in {pin.slot}: {100 - pin.share} %"]
    if pin.candidate:
        lines.append(f"candidate {pin.candidate.short} in {pin.idle_slot}: {pin.share} %")
    if pin.previous:
        lines.append(f"before it {pin.previous.short}")
    return "\n".join([*lines, f"by {pin.by}"])


def _of_release(release: Release) -> dict[str, str]:
    return {key: str(getattr(release, key)) for key in _RELEASE_KEYS}


def _to_release(given: object) -> Release:
    if not isinstance(given, dict) or set(given) != set(_RELEASE_KEYS):
        raise EvidenceInvalid(f"A release has exactly {', '.join(_RELEASE_KEYS)}; this is {given!r}.")
    if not all(isinstance(value, str) for value in given.values()):
        raise EvidenceInvalid(f"A release is written in texts; this is {given!r}.")
    return Release(**given)


def _to_moment(given: object) -> datetime:
    try:
        return datetime.fromisoformat(str(given))
    except ValueError as error:
        raise EvidenceInvalid(f"{given!r} is not a moment.") from error


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key is there twice among {keys}")
    return dict(pairs)
