"""`python -m system.files serve`."""

from system.files.main import service
from system.plumbing.runtime import main

main(service)
