"""Builds our images. An image's tag is a hash of everything that goes into it: unchanged inputs, nothing to build."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.prepare import bases, engine, shell, state
from tools.prepare.failure import Failure

IMAGES = state.ROOT / "system" / "images"
HEALTHY = IMAGES / "healthy"
DEPLOY = state.ROOT / "system" / "deploy"
INFRA_LOCK = state.ROOT / "requirements" / "infra.txt"
SYSTEM_LOCK = state.ROOT / "requirements" / "system.txt"
NODE_LOCK = state.ROOT / "package-lock.json"
RUNBOOKS = state.ROOT / "docs" / "runbooks"
PAGE_ASSETS = state.ROOT / "system" / "pagekit" / "assets"
# Directories of system/ that never go into our own image: they describe it, test it, or are left by tools.
NOT_IN_IMAGE = {
    "images",
    "deploy",
    "tests",
    "conftest.py",
    "vendor",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
}


@dataclass(frozen=True)
class Image:
    """One Dockerfile: its base (a Debian release or another image), the files copied beside it, and the locks that stand
    for what is installed from them."""

    name: str
    base: str
    shared: tuple[Path, ...] = ()
    binaries: tuple[str, ...] = ()
    locks: tuple[Path, ...] = ()


INFRASTRUCTURE: tuple[Image, ...] = (
    Image("postgres", base="trixie", shared=(HEALTHY,)),
    Image("rabbitmq", base="trixie", shared=(HEALTHY,)),
    Image("redis", base="trixie", shared=(HEALTHY,)),
    Image("mailbox", base="trixie", shared=(HEALTHY,)),
    Image("seaweedfs", base="trixie", shared=(HEALTHY,), binaries=("weed",), locks=(INFRA_LOCK,)),
    Image(
        "traefik",
        base="trixie",
        shared=(HEALTHY, *(DEPLOY / "traefik" / name for name in ("traefik.yaml", "routes.yaml", "services.yaml"))),
        binaries=("traefik",),
        locks=(INFRA_LOCK,),
    ),
    Image(
        "prometheus",
        base="trixie",
        shared=(
            HEALTHY,
            *(path for path in sorted((DEPLOY / "prometheus").iterdir()) if path.suffix in (".yaml", ".tmpl")),
        ),
    ),
    Image("exporters", base="trixie", shared=(HEALTHY,)),
)
PYTHON = Image("python", base="bookworm", shared=(HEALTHY,), locks=(SYSTEM_LOCK,))
SYSTEM = Image("system", base="python", locks=(NODE_LOCK,))
# Only the pipeline needs it, and builds it when it does: `make up` and the scenarios know nothing of a registry.
REGISTRY = Image("registry", base="trixie", shared=(HEALTHY,))
# In the order of building: an image comes after its base.
ALL: tuple[Image, ...] = (*INFRASTRUCTURE, PYTHON, SYSTEM)


def code_files() -> Iterator[Path]:
    """Every file of the repository that the image contains, in a stable order: those of system/, and the runbooks, which are pages."""
    for path in sorted((state.ROOT / "system").rglob("*")):
        if path.is_file() and not NOT_IN_IMAGE & set(path.relative_to(state.ROOT / "system").parts):
            yield path
    yield from sorted(RUNBOOKS.glob("*.md"))


def page_files() -> Iterator[Path]:
    """Every file of npm's packages that pages use, as system/pagekit/assets/vendor.json names them."""
    for name in sorted(json.loads((PAGE_ASSETS / "vendor.json").read_text(encoding="utf-8")).values()):
        yield state.ROOT / "node_modules" / name


def reference(image: Image) -> str:
    """`alexandrite/<name>:<12 hex>`: the tag changes when the Dockerfile, a copied file, a lock or the base changes."""
    own = [path for path in (IMAGES / image.name).rglob("*") if path.is_file()]
    inputs = [*own, *image.shared, *image.locks]
    if image is SYSTEM:
        inputs += code_files()
    digest = state.digest_of_text(state.digest_of_files(inputs), base_reference(image))
    return f"alexandrite/{image.name}:{digest[:12]}"


def base_reference(image: Image) -> str:
    """What the Dockerfile's BASE is: one of our images, or a Debian release."""
    ours = {other.name: other for other in ALL}
    return reference(ours[image.base]) if image.base in ours else bases.reference(image.base)


def references() -> dict[str, str]:
    """Every image's reference by name."""
    return {image.name: reference(image) for image in ALL}


def missing() -> list[Image]:
    """The images that the engine does not have yet, by one question to it."""
    listed = shell.answer([*engine.docker(), "images", "--format", "{{.Repository}}:{{.Tag}}", "alexandrite/*"])
    present = set((listed or "").split())
    return [image for image in ALL if reference(image) not in present]


def _context(image: Image, directory: Path) -> None:
    """Lays out the build context: only what the Dockerfile copies."""
    shutil.copytree(IMAGES / image.name, directory, dirs_exist_ok=True)
    for path in image.shared:
        shutil.copy2(path, directory / path.name)
    for name in image.binaries:
        source = state.VENV / "bin" / name
        if not source.is_file():
            raise Failure(f"{source} is missing.", remedy="Run: python3 -m tools.prepare venv")
        shutil.copy2(source.resolve(), directory / name)
    if image is PYTHON:
        # Hard links: the tree is large, and a build context is only read.
        shutil.copytree(state.SITE_PACKAGES, directory / "site-packages", copy_function=os.link, symlinks=True)
    if image is SYSTEM:
        for path in code_files():
            target = directory / "app" / path.relative_to(state.ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o644)
        for path in page_files():
            if not path.is_file():
                raise Failure(f"{path} is missing.", remedy="Run: python3 -m tools.prepare node")
            target = directory / "app" / PAGE_ASSETS.relative_to(state.ROOT) / "vendor"
            target /= path.relative_to(state.ROOT / "node_modules")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o644)
        # The image's user is not the owner: what a strict umask hides here must be readable there.
        for path in [directory / "app", *(path for path in (directory / "app").rglob("*") if path.is_dir())]:
            path.chmod(0o755)


def build(image: Image) -> None:
    """Builds one image under its final tag; an interrupted build leaves no tag and is simply repeated."""
    with tempfile.TemporaryDirectory(dir=state.STATE, prefix=f"build-{image.name}-") as temporary:
        directory = Path(temporary)
        _context(image, directory)
        shell.run(
            [
                *engine.docker(),
                "build",
                "--build-arg",
                f"BASE={base_reference(image)}",
                "--tag",
                reference(image),
                "--label",
                "alexandrite.image=" + image.name,
                str(directory),
            ],
            log=f"image-{image.name}",
            environment={"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"},
        )
