"""`python -m system.crm serve`; `phrases` and `scenario` tell the judges what an exported scenario says."""

from system.crm.entrypoints.exporting import COMMANDS
from system.crm.main import service
from system.plumbing.runtime import main

main(service, COMMANDS)
