"""A candidate: one immutable build, known by its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from release.errors import EvidenceInvalid

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Release:
    """A build that can be run: what an environment has, and what a candidate is compared with."""

    digest: str
    """`sha256:` and 64 hex digits: the manifest's digest in the registry."""
    commit: str
    """The commit whose clean checkout it was built from; 40 hex digits."""
    image: str
    """What the engine runs: repository@digest."""

    def __post_init__(self) -> None:
        if not DIGEST.fullmatch(self.digest):
            raise EvidenceInvalid(f"{self.digest!r} is not an image digest.")
        if not COMMIT.fullmatch(self.commit):
            raise EvidenceInvalid(f"{self.commit!r} is not a full commit id.")
        if not self.image.endswith(f"@{self.digest}"):
            raise EvidenceInvalid(f"{self.image!r} is not pinned to {self.digest}.")

    @property
    def short(self) -> str:
        """Twelve digits for people."""
        return self.digest.removeprefix("sha256:")[:12]


@dataclass(frozen=True, slots=True)
class Candidate(Release):
    """A release that is being judged."""

    built_at: datetime
    sbom: str
    """SHA-256 (hex) of its CycloneDX document among the blobs."""
