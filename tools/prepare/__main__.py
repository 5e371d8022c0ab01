"""`python3 -m tools.prepare [STEP...]`: brings this machine to what `make up` and `make test` need; `doctor` only looks."""

from __future__ import annotations

import argparse
import errno
import fcntl
import sys
import time
from collections.abc import Callable

from tools.prepare import bases, browser, credentials, doctor, engine, environments, images, state
from tools.prepare.failure import Failure

LOCK_FILE = state.STATE / "prepare.lock"


def _space() -> str:
    return engine.ensure_space(state.ROOT)


def _engine() -> str:
    done = engine.ensure_engine()
    if images.missing():
        engine.ensure_space(engine.data_directory())
    return done


def _bases() -> str:
    wanted = bases.missing()
    # Our images stand on the bases' layers, so a machine that has all images needs no base again.
    if not wanted or not images.missing():
        return "there"
    return ", ".join(f"{release} {bases.make(release)}" for release in wanted)


def _images() -> str:
    wanted = images.missing()
    for image in wanted:
        images.build(image)
    return f"built {', '.join(image.name for image in wanted)}" if wanted else "unchanged"


def _secrets() -> str:
    return credentials.make()


# In the order of need. Each returns what it found or did, and raises Failure when it cannot.
STEPS: dict[str, Callable[[], str]] = {
    "space": _space,
    "venv": environments.ensure_venv,
    "node": environments.ensure_node_packages,
    "secrets": _secrets,
    "engine": _engine,
    "compose": engine.ensure_plugins,
    "bases": _bases,
    "packages": environments.ensure_site_packages,
    "images": _images,
}
ON_REQUEST: dict[str, Callable[[], str]] = {"browser": browser.ensure}


def _run(names: list[str]) -> None:
    """Runs the steps in their order, one line each. One process of a checkout at a time; a killed one frees the lock."""
    state.make_directories()
    with LOCK_FILE.open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("prepare: another run of this checkout is at work; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        state.remove_leftovers()
        started = time.monotonic()
        for name in names:
            begun = time.monotonic()
            print(f"prepare: {name} ...", end=" ", flush=True)
            print(f"{(STEPS | ON_REQUEST)[name]()} ({time.monotonic() - begun:.1f} s)", flush=True)
        print(f"prepare: done in {time.monotonic() - started:.1f} s", flush=True)


def main() -> int:
    """The exit status: 0, or 1 after one sentence that says what is wrong and what to do."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.prepare", description=__doc__)
    on_request = (*ON_REQUEST, "doctor")
    known = f"{', '.join((*STEPS, *on_request))}; default: all but {', '.join(on_request)}"
    parser.add_argument("what", nargs="*", metavar="STEP", help=known)
    asked: list[str] = parser.parse_args().what
    unknown = [name for name in asked if name not in (*STEPS, *on_request)]
    if unknown:
        parser.error(f"unknown step: {', '.join(unknown)}")
    if asked == ["doctor"]:
        return doctor.main()
    try:
        _run([name for name in (*STEPS, *ON_REQUEST) if name in asked] if asked else list(STEPS))
    except Failure as failure:
        print(f"\nprepare: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        remedy = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Correct its owner or mode"
        print(f"\nprepare: {error.strerror}: {error.filename or state.ROOT}. {remedy} and try again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nprepare: interrupted; the next run carries on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
