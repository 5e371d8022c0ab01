"""Inside the process that parses what strangers uploaded: under limits, without sockets, one file descriptor in, JSON lines out.

A service's own child is a module of a few lines, started by `process.py` as `python -m MODULE FD MEMORY_BYTES CPU_S [OPTION ...]`:

    if __name__ == "__main__":
        sys.exit(run(sys.argv[1:], load))

With `serve:FD` in place of FD it loads and reads no file: for each that comes by that socket it forks, as `nursery.py` asks.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from system.meshes.sandbox import forbid_sockets, limit

OUT_OF_MEMORY = 3
SERVES = "serve:"
_PR_SET_PDEATHSIG = 1
_LIBRARY_BYTES_MAX = 256 << 20
Report = Callable[[dict[str, Any]], None]
"""Takes one finding, with `stage` naming its kind."""
Work = Callable[[BinaryIO, Report, list[str]], None]
"""Reads the file and reports what it finds, as its options tell."""


def run(arguments: list[str], load: Callable[[], Work]) -> int:
    """Does the work on the file behind a descriptor. Exit status 0 when it said all it had to say, 3 when memory ran out.

    `load` imports what works: under the limits already, and before programs and sockets are forbidden.
    """
    place = arguments[0]
    memory_bytes, cpu_s = (int(argument) for argument in arguments[1:3])
    serves = place.startswith(SERVES)
    limit(memory_bytes=memory_bytes, cpu_s=None if serves else cpu_s)
    try:
        work = load()
    except (MemoryError, ImportError, OSError):
        # A library that finds no room says that it is not there.
        if not _is_full(memory_bytes):
            raise
        return OUT_OF_MEMORY
    forbid_sockets()
    if serves:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=int(place.removeprefix(SERVES))) as control:
            return _serve(control, work)
    return _read(int(place), work, arguments[3:])


def _read(descriptor: int, work: Work, options: list[str]) -> int:
    try:
        with os.fdopen(descriptor, "rb") as file:
            work(file, _say, options)
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _is_full(memory_bytes: int) -> bool:
    """Whether too little of the address space that is allowed is left for the largest of our libraries."""
    with open("/proc/self/statm", encoding="ascii") as file:
        taken_bytes = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    return memory_bytes - taken_bytes < _LIBRARY_BYTES_MAX


def _serve(control: socket.socket, work: Work) -> int:
    """Forks for each file until whoever sends them is gone; then ends what still runs.

    With a file come its memory, its processor time and the options, and three descriptors: where to write findings, where complaints,
    and a socket by which the status is told, and whose end ends the fork.
    """
    poll = select.poll()
    poll.register(control, select.POLLIN)
    running: dict[int, tuple[int, int, int]] = {}
    while True:
        for ready, _ in poll.poll():
            if ready == control.fileno():
                message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
                if not message:
                    for pid, _, _ in running.values():
                        os.kill(pid, signal.SIGKILL)
                    return 0
                pid = _fork(descriptors, json.loads(message), work, control)
                for descriptor in descriptors[:3]:
                    os.close(descriptor)
                ended = os.pidfd_open(pid)
                running[ended] = running[descriptors[3]] = (pid, ended, descriptors[3])
                poll.register(ended, select.POLLIN)
                poll.register(descriptors[3], select.POLLIN)
            elif ready in running:
                pid, ended, told = running[ready]
                if ready == told:
                    os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                _tell(told, os.waitstatus_to_exitcode(status))
                for descriptor in (ended, told):
                    del running[descriptor]
                    poll.unregister(descriptor)
                    os.close(descriptor)


def _tell(descriptor: int, status: int) -> None:
    try:
        os.write(descriptor, status.to_bytes(4, "little", signed=True))
    except OSError:
        # Nobody waits for it any more.
        return


def _fork(descriptors: list[int], wish: list[Any], work: Work, control: socket.socket) -> int:
    """The id of a process that reads one file and ends."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # With its parent it ends too: nobody else would.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        memory_bytes, cpu_s, *options = wish
        limit(memory_bytes=memory_bytes, cpu_s=cpu_s)
        os.dup2(descriptors[1], 1)
        os.dup2(descriptors[2], 2)
        control.close()
        kept = (0, 1, 2, descriptors[0])
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in kept:
                _close(int(name))
        status = _read(descriptors[0], work, options)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        # That of the list itself.
        return


def _say(finding: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(finding) + "\n")
    sys.stdout.flush()
