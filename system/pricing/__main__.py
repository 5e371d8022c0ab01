"""`python -m system.pricing serve | work | previews | analyse FILE | warm`."""

import sys

if sys.argv[1:2] == ["analyse"]:
    # Measuring a file needs no settings, no database and no web server.
    from system.pricing.entrypoints.cli import analyse

    raise SystemExit(analyse(sys.argv[2:]))

if sys.argv[1:2] == ["warm"]:
    # The image is made with it: what measures is compiled once and kept under NUMBA_CACHE_DIR.
    from system.pricing.adapters.mesh.warming import fetch

    fetch()
    raise SystemExit

import argparse
import asyncio

from system.kernel.errors import Unavailable
from system.plumbing.runtime import main
from system.pricing.application.drawing import Progress
from system.pricing.main import draw_previews, service, work_beside, worker
from system.pricing.settings import PricingSettings


def work(arguments: list[str]) -> None:
    """Runs pricing workers until SIGTERM: one, and others beside it while work waits."""
    parser = argparse.ArgumentParser(prog="python -m system.pricing work", description=work.__doc__)
    parser.add_argument(
        "--beside", type=int, metavar="FD", help="as one beside the first, which holds this socket's end"
    )
    descriptor = parser.parse_args(arguments).beside
    if descriptor is None:
        worker().serve()
    else:
        work_beside(descriptor)


def previews(arguments: list[str]) -> int:
    """Draws the models that were measured and have no picture, the newest first. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m system.pricing previews", description=previews.__doc__)
    parser.add_argument(
        "--batch", type=int, default=200, choices=range(1, 501), metavar="1..500", help="quotes looked at together"
    )
    batch = parser.parse_args(arguments).batch
    try:
        asyncio.run(draw_previews(PricingSettings(), batch=batch, say=_say))
    except Unavailable as error:
        print(f"{error.detail} What is drawn is kept: run it again.", file=sys.stderr)
        return 1
    print("nothing is missing any more but what cannot be drawn")
    return 0


def _say(progress: Progress) -> None:
    print(
        f"{progress.quotes} quotes looked at: {progress.drawn} models drawn, {progress.without} not to be drawn",
        flush=True,
    )


main(service, {"work": work, "previews": previews})
