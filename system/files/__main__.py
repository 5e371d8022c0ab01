"""`python -m system.files serve | work`."""

from system.files.main import service, worker
from system.plumbing.runtime import main


def work(_: list[str]) -> None:
    """Makes levels of detail until SIGTERM."""
    worker().serve()


main(service, {"work": work})
