"""How busy this machine is with something else than what is measured.

A round during which other work took the processor says little of the candidate and is left out. That is fair to both sides: what the
measured systems, their containers and this process use themselves is subtracted first, so nothing a candidate does can hide a round.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.prepare import engine

CGROUPS = Path("/sys/fs/cgroup")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Watch:
    """Processor time of everything, and of what belongs to the measurement."""

    usage_files: list[list[Path]]
    """Of each system, its containers' files."""
    _busy_s: float = 0.0
    _client_s: float = 0.0
    _systems_s: list[float] = field(default_factory=list)
    _at: float = field(default=0.0)

    @classmethod
    def over(cls, *projects: str) -> Watch:
        """Watches everything but these compose projects. Knows nothing, and says 0, where the kernel does not tell."""
        return cls([_files_of(project) for project in projects])

    def start(self) -> None:
        """Begins to count."""
        self._busy_s, self._client_s, self._at = busy_s(), time.process_time(), time.monotonic()
        self._systems_s = self._used()

    def used_by_each(self) -> list[float]:
        """Processor seconds that each system used since `start`; NaN where the kernel does not tell."""
        return [
            now - before if files else math.nan
            for files, now, before in zip(self.usage_files, self._used(), self._systems_s, strict=True)
        ]

    def foreign(self) -> float:
        """The share of all processors that something else used since `start`; 0.0 to 1.0."""
        elapsed_s = max(time.monotonic() - self._at, 1e-6) * (os.cpu_count() or 1)
        if not any(self.usage_files):
            return 0.0
        ours_s = sum(self._used()) - sum(self._systems_s) + time.process_time() - self._client_s
        return min(1.0, max(0.0, (busy_s() - self._busy_s - ours_s) / elapsed_s))

    def _used(self) -> list[float]:
        return [sum(used_s(file) for file in files) for files in self.usage_files]


def _files_of(project: str) -> list[Path]:
    """What tells the processor time of a compose project's containers."""
    wanted = f"label=com.docker.compose.project={project}"
    listed = _docker("ps", "--quiet", "--no-trunc", "--filter", wanted).split()
    pids = _docker("inspect", "--format", "{{.State.Pid}}", *listed).split() if listed else []
    files = [usage_file(Path(f"/proc/{pid}/cgroup")) for pid in pids]
    return [file for file in files if file is not None]


def _docker(*words: str) -> str:
    return subprocess.run([*engine.docker(), *words], capture_output=True, text=True, check=False).stdout


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
