"""`python -m system.identity serve`, `seed`."""

from system.identity.main import seed, service
from system.plumbing.runtime import main

main(service, {"seed": seed})
