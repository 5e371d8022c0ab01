"""Builds a candidate: a clean commit, its image in the registry, its bill of materials among the blobs, a line in the ledger.

The same commit again is the same candidate: what is recorded and still in the registry is not built a second time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from release import registry, sbom, signing
from release.blobs import Blobs
from release.candidate import Candidate
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from release.ledger import Ledger, select
from release.repository import Repository
from release.statement import CandidateBuilt
from tools.prepare import engine, shell, state
from tools.prepare.failure import Failure

NAME = "alexandrite/system"
REVISION = "org.opencontainers.image.revision"
LOCK = Path("requirements", "system.txt")
NPM_LOCK = Path("package-lock.json")
FILES_NAMED_MAX = 10
# Asked of the checkout's own preparation, because a checkout may be of another commit than the code that runs here.
QUESTION = """
import json
from tools.prepare import images, state
own = [path for image in (images.SYSTEM, images.PYTHON) for path in (images.IMAGES / image.name).rglob("*") if path.is_file()]
shared = [path for image in (images.SYSTEM, images.PYTHON) for path in (*image.shared, *image.locks)]
files = sorted({str(path.relative_to(state.ROOT)) for path in (*own, *shared, *images.code_files())})
print(json.dumps({"files": files, "references": images.references()}))
"""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the image of a checkout is made of."""

    files: tuple[str, ...]
    """Relative to the checkout."""
    references: dict[str, str]
    """Local image references by name; a reference's tag is the hash of its inputs."""


def build(home: Home, root: Path = state.ROOT) -> Candidate:
    """The candidate of the checkout's commit, with progress on standard output. Minutes the first time, then seconds.

    Raises NotReady when the checkout is not exactly its commit, or when the registry, engine or preparation is unwell;
    EvidenceInvalid when the image turns out to contain something else than the commit says.
    """
    commit = commit_of_clean_checkout(root)
    with (home.path / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        address = registry.ensure(home)
        known = recorded(Ledger(home), commit, address)
        if known is not None:
            print(f"build: {commit[:12]} is {known.digest} already", flush=True)
            return known
        return _build(home, root, commit, address)


def commit_of_clean_checkout(root: Path) -> str:
    """The commit that the checkout is, to the byte. Raises NotReady and names the files that differ or that git ignores not."""
    repository = Repository(root)
    commit = repository.commit("HEAD")
    listed = repository.ask("status", "--porcelain", "-z", "--untracked-files=all")
    # A rename is followed by its old name, which has no status of its own; naming it too does no harm.
    different = [entry[3:] if entry[2:3] == " " else entry for entry in listed.split("\0") if entry]
    if different:
        raise NotReady(
            f"The checkout is not the commit {commit[:12]}: {_some(different)}.",
            remedy="Commit or stash them, or let .gitignore name them.",
        )
    return commit


def recorded(ledger: Ledger, commit: str, address: str) -> Candidate | None:
    """The newest candidate of a commit that the ledger knows and the registry still has.

    Raises EvidenceInvalid when the ledger cannot be relied upon.
    """
    for entry, built in reversed(select(ledger.read(), CandidateBuilt)):
        if built.commit == commit and registry.digest_of(address, NAME, entry.digest) == entry.digest:
            return candidate_of(entry.digest, built, address=address)
    return None


def candidate_of(digest: str, built: CandidateBuilt, *, address: str | None = None) -> Candidate:
    """The candidate as the ledger has it, at the registry's present address when it moved."""
    candidate = Candidate(digest, built.commit, built.image, built.built_at, built.sbom)
    return candidate if address is None else replace(candidate, image=f"{address}/{NAME}@{digest}")


def inputs_of(root: Path) -> Inputs:
    """What the system's image is made of in this checkout. Raises NotReady when its preparation cannot be asked."""
    told = subprocess.run(
        [sys.executable, "-c", QUESTION],
        cwd=root,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if told.returncode != 0:
        raise NotReady(f"The checkout cannot say what its image is made of: {told.stderr.strip()[-300:]}")
    answer = json.loads(told.stdout)
    return Inputs(tuple(answer["files"]), dict(answer["references"]))


def require_committed(files: Iterable[str], root: Path, commit: str) -> None:
    """Raises NotReady when the image would contain a file that the commit does not have, an ignored one for example."""
    tracked = set(Repository(root).ask("ls-tree", "-r", "-z", "--name-only", commit).split("\0"))
    strangers = sorted(set(files) - tracked)
    if strangers:
        raise NotReady(
            f"The image would contain what the commit does not: {_some(strangers)}.", remedy="Remove or commit them."
        )


def _build(home: Home, root: Path, commit: str, address: str) -> Candidate:
    inputs = inputs_of(root)
    require_committed(inputs.files, root, commit)
    print(f"build: preparing {commit[:12]}", flush=True)
    # The machine's own Python: the virtual environment may be made anew.
    command = ["python3", "-m", "tools.prepare"]
    prepared = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False)
    if prepared.returncode != 0:
        raise NotReady(
            f"Preparing the checkout ended with status {prepared.returncode}.", remedy="Read the lines above."
        )
    with _labelled(inputs.references["system"], commit) as local:
        print(f"build: pushing to {address}", flush=True)
        digest = registry.push(local, address, NAME, tag=commit)
    built_at = datetime.now(UTC)
    image = f"{address}/{NAME}@{digest}"
    print("build: listing what it contains", flush=True)
    document = sbom.make(
        image, digest=digest, commit=commit, built_at=built_at, lock=root / LOCK, npm_lock=root / NPM_LOCK
    )
    if commit_of_clean_checkout(root) != commit or inputs_of(root) != inputs:
        raise NotReady("The checkout changed while it was built.", remedy="Build again.")
    built = CandidateBuilt(
        commit=commit,
        image=image,
        built_at=built_at,
        sbom=Blobs(home).put(document.encode()),
        materials={**inputs.references, **{str(lock): _sha256(root / lock) for lock in (LOCK, NPM_LOCK)}},
    )
    Ledger(home).append(CandidateBuilt.TYPE, digest, built, signing.pipeline_key(home))
    print(f"build: {commit[:12]} is {digest}", flush=True)
    return candidate_of(digest, built)


@contextlib.contextmanager
def _labelled(reference: str, commit: str) -> Iterator[str]:
    """The image with its commit written on it, under a local name for a while.

    Two commits are two candidates, even when only a scenario differs: what is said of a digest was then
    found with that commit's own gates. Raises NotReady when the engine refuses.
    """
    name = f"alexandrite/candidate:{commit[:12]}"
    with tempfile.TemporaryDirectory(prefix="candidate-") as context:
        Path(context, "Dockerfile").write_text(f"FROM {reference}\n", encoding="utf-8")
        command = [*engine.docker(), "build", "--quiet", "--label", f"{REVISION}={commit}", "--tag", name, context]
        try:
            shell.run(command, log="candidate", environment={"DOCKER_BUILDKIT": "1"})
        except Failure as failure:
            raise NotReady(failure.problem, remedy=failure.remedy) from failure
    told = shell.answer(
        [*engine.docker(), "image", "inspect", "--format", f'{{{{index .Config.Labels "{REVISION}"}}}}', name]
    )
    if told != commit:
        raise EvidenceInvalid(f"{name} is labelled {told!r}, not {commit}.")
    try:
        yield name
    finally:
        # The pushed name keeps the image; this one would only pile up.
        shell.answer([*engine.docker(), "rmi", name])


def _sha256(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _some(files: list[str]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(files) - FILES_NAMED_MAX} more" if len(files) > FILES_NAMED_MAX else ""
    return ", ".join(files[:FILES_NAMED_MAX]) + more
