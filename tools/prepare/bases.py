"""The two Debian bases: pulled where a registry answers, made by debootstrap where none does."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.prepare import engine, packages, shell, state
from tools.prepare.failure import Failure

RELEASES: tuple[str, ...] = ("trixie", "bookworm")
REGISTRY_VARIABLE = "ALEXANDRITE_BASE_REGISTRY"
PROBE_TIMEOUT_S = 5
# Raised by hand when the recipe below changes, so that every image is rebuilt on the new base.
RECIPE = "1"
# What no process of ours reads; packages installed later leave it out too.
UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian")


def reference(release: str) -> str:
    """The local name of a base, wherever it came from and on whatever day: images depend on the recipe alone."""
    return f"alexandrite/base-{release}:{RECIPE}"


def missing() -> list[str]:
    """The bases that the engine does not have."""
    listed = shell.answer([*engine.docker(), "images", "--format", "{{.Repository}}:{{.Tag}}", "alexandrite/base-*"])
    present = set((listed or "").split())
    return [release for release in RELEASES if reference(release) not in present]


def _remote(release: str) -> str:
    """The official image's name, in the named registry or the client's default one."""
    registry = os.environ.get(REGISTRY_VARIABLE, "").rstrip("/")
    return f"{registry}/debian:{release}-slim" if registry else f"debian:{release}-slim"


@functools.cache
def registry_answers() -> bool:
    """One short probe per run, not one per image: most machines without a registry would wait for a time-out each time."""
    command = [*engine.docker(), "manifest", "inspect", "--insecure", _remote(RELEASES[0])]
    return shell.answer(command, timeout_s=PROBE_TIMEOUT_S) is not None


def make(release: str) -> str:
    """Provides one base under its local name. Returns how. Raises Failure when neither way works."""
    if registry_answers():
        shell.run([*engine.docker(), "pull", "--quiet", _remote(release)], log=f"base-{release}")
        shell.run([*engine.docker(), "tag", _remote(release), reference(release)], log=f"base-{release}")
        return "pulled"
    if os.environ.get(REGISTRY_VARIABLE):
        raise Failure(
            f"The registry named by {REGISTRY_VARIABLE} does not serve {_remote(release)}.",
            remedy="Correct or unset that variable.",
        )
    if os.geteuid() != 0:
        raise Failure(
            "No registry answers, and making a base image needs root.",
            remedy=f"Name a reachable registry in {REGISTRY_VARIABLE}, or run `make prepare` once as root.",
        )
    if shutil.which("debootstrap") is None:
        packages.require("debootstrap", why="No registry answers, and debootstrap is not installed")
    state.make_directories()
    with tempfile.TemporaryDirectory(dir=state.STATE, prefix=f"base-{release}-", ignore_cleanup_errors=True) as place:
        _bootstrap(release, Path(place) / "root")
        _import(release, Path(place) / "root")
    return "made by debootstrap"


def _bootstrap(release: str, root: Path) -> None:
    """A minimal Debian in `root`, without what nothing here reads."""
    # In a mount namespace of its own: killed half way, it leaves no mounted /proc behind.
    private = ["unshare", "--mount"] if shell.answer(["unshare", "--mount", "true"]) is not None else []
    shell.run(
        [*private, "debootstrap", "--variant=minbase", release, str(root)],
        log=f"base-{release}",
        remedy=f"Check that this machine reaches a Debian mirror; see .alexandrite/logs/base-{release}.log.",
    )
    rules = "".join(f"path-exclude=/{path}/*\n" for path in UNREAD) + "path-include=/usr/share/doc/*/copyright\n"
    (root / "etc" / "dpkg" / "dpkg.cfg.d" / "unread").write_text(rules, encoding="utf-8")
    for unread in UNREAD[1:]:
        shutil.rmtree(root / unread, ignore_errors=True)
    for path in (root / "usr" / "share" / "doc").rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "copyright":
            path.unlink()


def _import(release: str, root: Path) -> None:
    """Turns the tree into an image; the engine adds it only when the stream has ended well."""
    tar = subprocess.Popen(
        ["tar", "--directory", str(root), "--exclude=./dev/*", "--exclude=./var/lib/apt/lists/*",
         "--exclude=./var/cache/apt/*", "--exclude=./var/log/*", "--create", "."],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    done = subprocess.run(
        [*engine.docker(), "import", "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
         "--change", "CMD [\"bash\"]", "-", f"{reference(release)}-unchecked"],
        stdin=tar.stdout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tar.wait() != 0 or done.returncode != 0:
        raise Failure(f"Importing the {release} base failed: {done.stderr.strip()[-200:]}.", remedy="Try again.")
    # A tar that died early still makes an image: only a checked one gets the name that builds use.
    shell.run([*engine.docker(), "tag", f"{reference(release)}-unchecked", reference(release)], log=f"base-{release}")
    shell.run([*engine.docker(), "rmi", f"{reference(release)}-unchecked"], log=f"base-{release}")
