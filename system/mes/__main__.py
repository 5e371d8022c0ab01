"""`python -m system.mes serve`."""

from system.mes.main import service
from system.plumbing.runtime import main

main(service)
