"""A candidate is exactly its commit, is built once, and is recorded; what would make it something else is refused."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from release import build, registry, sbom
from release.blobs import Blobs
from release.errors import EvidenceInvalid, NotReady
from release.home import Home
from release.ledger import Ledger
from release.statement import CandidateBuilt

ADDRESS = "127.0.0.1:5555"
# The least that a checkout's preparation must be able to say, and do.
PREPARE = {
    "tools/__init__.py": "",
    "tools/prepare/__init__.py": "",
    "tools/prepare/__main__.py": "import pathlib; pathlib.Path('.prepared').write_text('x')",
    "tools/prepare/state.py": "from pathlib import Path\nROOT = Path(__file__).resolve().parents[2]\n",
    "tools/prepare/images.py": """
from pathlib import Path
from types import SimpleNamespace
from tools.prepare import state
IMAGES = state.ROOT / "images"
SYSTEM = SimpleNamespace(name="system", shared=(), locks=())
PYTHON = SimpleNamespace(name="python", shared=(), locks=(state.ROOT / "requirements" / "system.txt",))
def code_files(): return (state.ROOT / "system").rglob("*.py")
def references(): return {"system": "alexandrite/system:" + str(len([*code_files()]))}
""",
    "requirements/system.txt": "",
    "package-lock.json": "{}",
    "images/system/Dockerfile": "FROM base\n",
    "system/main.py": "print('hello')\n",
    ".gitignore": ".prepared\n__pycache__/\nignored.py\n",
}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    for name, text in PREPARE.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "one")
    return checkout


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


@dataclass
class World:
    """A registry and an engine that only remember."""

    pushed: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    def push(self, local: str, address: str, name: str, *, tag: str) -> str:
        digest = f"sha256:{len(self.pushed):064x}"
        self.pushed.append(f"{local} as {name}:{tag}")
        self.held.add(digest)
        return digest


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(registry, "ensure", lambda home: ADDRESS)
    monkeypatch.setattr(registry, "push", world.push)
    monkeypatch.setattr(registry, "digest_of", lambda address, name, digest: digest if digest in world.held else None)
    monkeypatch.setattr(
        build, "_labelled", lambda reference, commit: contextlib.nullcontext(f"{reference}+{commit[:4]}")
    )
    monkeypatch.setattr(sbom, "make", lambda image, **_: f'{{"about": "{image}"}}')
    return world


def test_clean_commit_becomes_a_recorded_candidate(root: Path, home: Home, world: World) -> None:
    candidate = build.build(home, root)
    commit = git(root, "rev-parse", "HEAD")
    assert world.pushed == [f"alexandrite/system:1+{commit[:4]} as alexandrite/system:{commit}"]
    assert (candidate.commit, candidate.image) == (commit, f"{ADDRESS}/alexandrite/system@{candidate.digest}")
    assert Blobs(home).get(candidate.sbom).decode() == f'{{"about": "{candidate.image}"}}'
    ((entry, built),) = Ledger(home).entries(CandidateBuilt)
    assert (entry.digest, built.commit, built.sbom) == (candidate.digest, commit, candidate.sbom)
    assert built.materials["system"] == "alexandrite/system:1" and "requirements/system.txt" in built.materials
    assert (root / ".prepared").exists()


def test_same_commit_is_the_same_candidate_and_is_not_built_again(root: Path, home: Home, world: World) -> None:
    first = build.build(home, root)
    (root / ".prepared").unlink()
    assert build.build(home, root) == first
    assert len(world.pushed) == 1 and not (root / ".prepared").exists()


def test_another_commit_is_another_candidate_even_with_the_same_code(root: Path, home: Home, world: World) -> None:
    first = build.build(home, root)
    git(root, "commit", "--quiet", "--allow-empty", "-m", "only a scenario differs")
    second = build.build(home, root)
    assert first.digest != second.digest and first.commit != second.commit


def test_candidate_that_the_registry_lost_is_built_again(root: Path, home: Home, world: World) -> None:
    first = build.build(home, root)
    world.held.clear()
    second = build.build(home, root)
    assert second.digest != first.digest and len(world.pushed) == 2


def test_candidate_is_found_where_the_registry_is_now(root: Path, home: Home, world: World) -> None:
    first = build.build(home, root)
    found = build.recorded(Ledger(home), first.commit, "elsewhere:5000")
    assert found is not None and found.image == f"elsewhere:5000/alexandrite/system@{first.digest}"


@pytest.mark.parametrize("change", ["edited", "staged", "deleted", "renamed", "new"])
def test_checkout_that_is_not_its_commit_is_refused_by_name(root: Path, home: Home, world: World, change: str) -> None:
    path = root / "system" / "main.py"
    if change == "new":
        (root / "system" / "extra.py").write_text("")
    elif change == "deleted":
        path.unlink()
    elif change == "renamed":
        git(root, "mv", "system/main.py", "system/extra.py")
    else:
        path.write_text("print('other')\n")
    if change == "staged":
        git(root, "add", ".")
    name = "extra" if change in ("new", "renamed") else "main"
    with pytest.raises(NotReady, match=rf"system/{name}\.py.*Commit or stash them"):
        build.build(home, root)
    assert world.pushed == [] and Ledger(home).read() == ()


def test_ignored_file_that_would_get_into_the_image_is_refused(root: Path, home: Home, world: World) -> None:
    (root / "system" / "ignored.py").write_text("import evil\n")
    with pytest.raises(NotReady, match=r"what the commit does not: system/ignored\.py"):
        build.build(home, root)
    assert world.pushed == []


def test_many_files_are_counted_not_listed(root: Path) -> None:
    for number in range(30):
        (root / f"stray{number:02}.txt").write_text("")
    with pytest.raises(NotReady, match=r"stray09\.txt and 20 more"):
        build.commit_of_clean_checkout(root)


def test_edit_while_it_was_built_leaves_no_candidate(
    root: Path, home: Home, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited_meanwhile(image: str, **_: object) -> str:
        (root / "system" / "main.py").write_text("print('later')\n")
        return "{}"

    monkeypatch.setattr(sbom, "make", edited_meanwhile)
    with pytest.raises(NotReady, match="is not the commit"):
        build.build(home, root)
    assert Ledger(home).read() == ()


def test_image_that_is_not_what_its_lock_says_is_no_candidate(
    root: Path, home: Home, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stranger(image: str, **_: object) -> str:
        raise EvidenceInvalid("evil 1.0 is installed and not locked.")

    monkeypatch.setattr(sbom, "make", stranger)
    with pytest.raises(EvidenceInvalid, match="not locked"):
        build.build(home, root)
    assert Ledger(home).read() == ()


@pytest.mark.parametrize(
    ("path", "why"),
    [("tools/prepare/__main__.py", "ended with status 7"), ("tools/prepare/images.py", "cannot say what its image")],
)
def test_preparation_that_fails_is_said(root: Path, home: Home, world: World, path: str, why: str) -> None:
    (root / path).write_text("raise SystemExit(7)\n")
    git(root, "commit", "--quiet", "-am", "broken")
    with pytest.raises(NotReady, match=why):
        build.build(home, root)
    assert world.pushed == []


def test_ledger_that_cannot_be_relied_upon_stops_the_build(root: Path, home: Home, world: World) -> None:
    build.build(home, root)
    home.ledger.write_text(home.ledger.read_text().replace("a", "b", 1))
    with pytest.raises(EvidenceInvalid):
        build.build(home, root)
