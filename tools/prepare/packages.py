"""Debian packages, installed only when missing and only by root on Debian; elsewhere one sentence says what to install."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from tools.prepare import shell
from tools.prepare.failure import Failure

OS_RELEASE = Path("/etc/os-release")


@functools.cache
def os_release() -> dict[str, str]:
    """The fields of os-release; empty where there is none."""
    if not OS_RELEASE.is_file():
        return {}
    pairs = (line.partition("=") for line in OS_RELEASE.read_text(encoding="utf-8").splitlines())
    return {key: value.strip('"') for key, _, value in pairs}


def can_install() -> bool:
    """True for root on Debian or a descendant that has apt-get."""
    names = {os_release().get("ID", ""), *os_release().get("ID_LIKE", "").split()}
    return os.geteuid() == 0 and "debian" in names and shutil.which("apt-get") is not None


@functools.cache
def _update_lists() -> None:
    """Once per run: without it a fresh machine knows no package."""
    shell.run(["apt-get", "update", "-qq"], log="apt-update", remedy="Check this machine's package sources.")


def require(*names: str, why: str) -> None:
    """Installs packages. Raises Failure that names them where this machine cannot be changed from here."""
    if not can_install():
        raise Failure(f"{why}.", remedy=f"Install {', '.join(names)} (on Debian: apt-get install {' '.join(names)}).")
    _update_lists()
    command = ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *names]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        shell.run(command, log="apt-install", environment=quiet)
    except Failure:
        # A run killed in the middle of an installation leaves packages half configured, and apt refuses to go on.
        shell.run(["dpkg", "--configure", "-a"], log="dpkg-configure", environment=quiet)
        shell.run(command, log="apt-install", environment=quiet)
