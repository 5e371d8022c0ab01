"""`python -m step_defs.kit`."""

import sys

from step_defs.kit.cli import main

sys.exit(main())
