"""`python -m system.crm serve`."""

from system.crm.main import service
from system.plumbing.runtime import main

main(service)
