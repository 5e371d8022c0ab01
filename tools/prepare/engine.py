"""The Docker engine and its compose plugin: used as found, else installed and started where this process may do that."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tools.prepare import packages, shell, state
from tools.prepare.failure import Failure

PID_FILE = Path("/var/run/docker.pid")
PLUGINS = Path("/usr/libexec/docker/cli-plugins")
# The first Debian release whose compose plugin reads our file; its static binary also runs on the release before.
PLUGINS_RELEASE = "trixie"
COMPOSE_VERSION_MIN = (2, 20)
START_TIMEOUT_S = 90
FREE_BYTES_MIN = 5 * 10**9


def docker() -> list[str]:
    """The command to reach the engine; DOCKER_HOST and contexts are the client's own business."""
    return ["docker"]


def version() -> str | None:
    """The engine's version, or None when none answers."""
    return shell.answer([*docker(), "version", "--format", "{{.Server.Version}}"])


def ensure_engine() -> str:
    """An engine that answers. Returns what was found or done. Raises Failure with a remedy."""
    found = version()
    if found:
        return f"engine {found} as found"
    if os.environ.get("DOCKER_HOST"):
        raise Failure(
            "DOCKER_HOST is set, but no engine answers there.", remedy="Start that engine or unset DOCKER_HOST."
        )
    # Where only root's path looks: a person's path often lacks it, though the engine is installed.
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if shutil.which("dockerd", path=search) is None or shutil.which("docker", path=search) is None:
        packages.require("docker.io", "iptables", why="No Docker engine answers and none is installed")
    elif os.geteuid() != 0:
        raise Failure(
            "The Docker engine does not answer.",
            remedy="Start it (systemctl start docker), or let your user reach its socket (group docker).",
        )
    _start()
    return f"engine {version()} started"


def _start() -> None:
    """Starts the engine: by systemd where it runs, else as a background process of its own session."""
    process: subprocess.Popen[bytes] | None = None
    if Path("/run/systemd/system").is_dir():
        shell.run(["systemctl", "start", "docker"], log="dockerd", remedy="See: journalctl -u docker")
    elif not version():
        _forget_dead_engine()
        state.LOGS.mkdir(parents=True, exist_ok=True)
        with (state.LOGS / "dockerd.log").open("ab") as log:
            process = subprocess.Popen(
                ["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/"
            )
    deadline = time.monotonic() + START_TIMEOUT_S
    while version() is None:
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise Failure(
                f"The Docker engine {'ended at once' if ended else f'did not start in {START_TIMEOUT_S} s'}: {_engine_complaint()}.",
                remedy="See .alexandrite/logs/dockerd.log.",
            )
        time.sleep(0.5)


def _forget_dead_engine() -> None:
    """Removes the pid file of an engine that was killed: a new one would refuse to start beside it."""
    if not PID_FILE.is_file():
        return
    text = PID_FILE.read_text(encoding="ascii", errors="replace").strip()
    name = Path(f"/proc/{text}/comm")
    lives = text.isdigit() and name.is_file() and name.read_text(encoding="utf-8").strip() == "dockerd"
    if not lives:
        PID_FILE.unlink(missing_ok=True)


def _engine_complaint() -> str:
    log = state.LOGS / "dockerd.log"
    return shell.last_line(log) if log.is_file() else "it left no log"


def plugin_versions() -> tuple[tuple[int, ...] | None, bool]:
    """The compose plugin's version (None: absent) and whether buildx is there."""
    text = shell.answer([*docker(), "compose", "version", "--short"])
    numbers = re.match(r"v?(\d+)\.(\d+)", text or "")
    compose = (int(numbers[1]), int(numbers[2])) if numbers else None
    return compose, shell.answer([*docker(), "buildx", "version"]) is not None


def ensure_plugins() -> str:
    """Compose 2.20 or newer, and buildx. Raises Failure where they are missing and cannot be installed from here."""
    compose, buildx = plugin_versions()
    if compose and compose >= COMPOSE_VERSION_MIN and buildx:
        return f"compose {'.'.join(map(str, compose))} as found"
    if not packages.can_install():
        raise Failure(
            "Docker's compose plugin (2.20 or newer) or buildx is missing.",
            remedy="Install docker-compose-plugin and docker-buildx-plugin, or on Debian 13 docker-compose and docker-buildx.",
        )
    state.make_directories()
    with tempfile.TemporaryDirectory(dir=state.STATE, prefix="plugins-") as temporary:
        _download_plugins(Path(temporary))
    compose, buildx = plugin_versions()
    if not compose or compose < COMPOSE_VERSION_MIN or not buildx:
        raise Failure("The installed compose plugin does not answer.", remedy=f"Look into {PLUGINS}.")
    return f"compose {'.'.join(map(str, compose))} installed"


def _download_plugins(directory: Path) -> None:
    """Takes the two packages from the newer Debian release without adding it to this machine's sources."""
    sources = directory / "sources"
    for part in (sources, directory / "lists" / "partial", directory / "cache" / "archives" / "partial"):
        part.mkdir(parents=True)
    codename = packages.os_release().get("VERSION_CODENAME", "bookworm")
    for path in (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d/debian.sources")):
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace(codename, PLUGINS_RELEASE)
            (sources / f"release{path.suffix}").write_text(text, encoding="utf-8")
    options = [
        "-o", "Dir::Etc::SourceList=/dev/null",
        "-o", f"Dir::Etc::SourceParts={sources}",
        "-o", f"Dir::State::Lists={directory / 'lists'}",
        "-o", f"Dir::Cache={directory / 'cache'}",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    shell.run(["apt-get", *options, "update", "-qq"], log="plugins-update")
    shell.run(["apt-get", *options, "download", "docker-compose", "docker-buildx"], log="plugins", cwd=directory)
    PLUGINS.mkdir(parents=True, exist_ok=True)
    for package in directory.glob("*.deb"):
        shell.run(["dpkg", "-x", str(package), str(directory / "unpacked")], log="plugins-unpack")
    for binary in (directory / "unpacked" / PLUGINS.relative_to("/")).iterdir():
        # Beside its place first: a copy cut short must not pass for the plugin.
        temporary = PLUGINS / f".{binary.name}.new"
        shutil.copy2(binary, temporary)
        temporary.replace(PLUGINS / binary.name)


@functools.cache
def data_directory() -> Path:
    """Where the engine keeps images and volumes, as it says itself; only meaningful for an engine on this machine."""
    return Path(shell.answer([*docker(), "info", "--format", "{{.DockerRootDir}}"]) or "/var/lib/docker")


def ensure_space(directory: Path) -> str:
    """Raises Failure when the disk of `directory` is nearly full: half-written images fail in obscure ways."""
    place = directory
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < FREE_BYTES_MIN:
        raise Failure(
            f"Only {free / 1e9:.1f} GB are free for {directory}; {FREE_BYTES_MIN / 1e9:.0f} GB are needed.",
            remedy="Free some space, for example with `docker system prune`, and try again.",
        )
    return f"{free / 1e9:.0f} GB free"
