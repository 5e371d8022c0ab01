"""The process that measures what strangers uploaded, and draws it when told `draw`; see system/meshes/child.py."""

from __future__ import annotations

import sys

from system.meshes.child import Work, run


def load() -> Work:
    """The analysis, imported under the limits, its loops fetched from where they are kept."""
    from system.pricing.adapters.mesh.analyse import analyse
    from system.pricing.adapters.mesh.warming import fetch

    fetch(readers=False)

    return lambda file, report, options: analyse(file, report, draws=options == ["draw"])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], load))
