"""How busy this machine is with something else than what is measured.

A round during which other work took the processor says little of the candidate and is left out. That is fair to both sides: what the
measured systems, their containers and this process use themselves is subtracted first, so nothing a candidate does can hide a round.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Watch:
    """Processor time of everything, and of what belongs to the measurement."""

    usage_files: list[Path]
    _busy_s: float = 0.0
    _ours_s: float = 0.0
    _at: float = field(default=0.0)

    @classmethod
    def over(cls, *projects: str) -> Watch:
        """Watches everything but these compose projects. Knows nothing, and says 0, where the kernel does not tell."""
        files = []
        for project in projects:
            command = [
                "docker",
                "ps",
                "--quiet",
                "--no-trunc",
                "--filter",
                f"label=com.docker.compose.project={project}",
            ]
            listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
            for container in listed:
                asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
                pid = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
                files.append(usage_file(Path(f"/proc/{pid}/cgroup")))
        return cls([file for file in files if file is not None])

    def start(self) -> None:
        """Begins to count."""
        self._busy_s, self._ours_s, self._at = busy_s(), self._ours(), time.monotonic()

    def foreign(self) -> float:
        """The share of all processors that something else used since `start`; 0.0 to 1.0."""
        elapsed_s = max(time.monotonic() - self._at, 1e-6) * (os.cpu_count() or 1)
        if not self.usage_files:
            return 0.0
        foreign_s = (busy_s() - self._busy_s) - (self._ours() - self._ours_s)
        return min(1.0, max(0.0, foreign_s / elapsed_s))

    def _ours(self) -> float:
        return time.process_time() + sum(used_s(file) for file in self.usage_files)


def usage_file(cgroup_of_process: Path) -> Path | None:
    """The file that tells a container's processor time, for either version of control groups; None when there is none."""
    try:
        lines = cgroup_of_process.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        candidates = {
            "": CGROUPS / path.lstrip("/") / "cpu.stat",
            "cpuacct": CGROUPS / "cpuacct" / path.lstrip("/") / "cpuacct.usage",
        }
        for controller in controllers.split(","):
            file = candidates.get(controller)
            if file is not None and file.is_file():
                return file
    return None


def used_s(file: Path) -> float:
    """Processor seconds that a container used; 0 once it is gone."""
    try:
        text = file.read_text()
    except OSError:
        return 0.0
    if file.name == "cpu.stat":
        return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6
    return int(text) / 1e9


def busy_s() -> float:
    """Processor seconds that this machine spent on anything, stolen time included."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / TICKS_PER_S


def described() -> dict[str, str | int]:
    """What kind of machine a recording was made on; nothing that names it."""
    return {"processors": os.cpu_count() or 0, "architecture": platform.machine(), "python": platform.python_version()}
