"""`python -m system.pricing serve | work | analyse FILE`."""

import sys

if sys.argv[1:2] == ["analyse"]:
    # Measuring a file needs no settings, no database and no web server.
    from system.pricing.entrypoints.cli import analyse

    raise SystemExit(analyse(sys.argv[2:]))

from system.plumbing.runtime import main
from system.pricing.main import service, worker


def work(_: list[str]) -> None:
    """Runs a pricing worker until SIGTERM."""
    worker().serve()


main(service, {"work": work})
