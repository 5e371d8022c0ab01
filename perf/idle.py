"""`python -m perf.idle --base IMAGE --base-commit COMMIT`: what a system costs that nobody uses, beside another release's.

Both are started side by side, each with its own database and broker, and left alone; then the processor time of their containers is
read for a minute. Prints percent of one processor of each, and the ratio. What the engine spends on health checks is in neither.
Bar: the ratio is at most RATIO_MAX. Exit status 0 met, 1 missed, 2 not measured.
"""

from __future__ import annotations

import argparse
import math
import time

from perf.beside import Wanted, project_named, systems
from perf.machine import Watch
from perf.system import NotStarted

RATIO_MAX = 1.2
WARM_S = 30.0
MEASURED_S = 60.0


def measured(watch: Watch, *, seconds: float) -> list[float]:
    """Percent of one processor that each watched system uses, over so many seconds."""
    watch.start()
    begun = time.monotonic()
    time.sleep(seconds)
    elapsed_s = time.monotonic() - begun
    return [used_s / elapsed_s * 100 for used_s in watch.used_by_each()]


def told(base: float, present: float) -> int:
    """Prints both and the ratio; the exit status."""
    if not (math.isfinite(base) and math.isfinite(present) and base > 0):
        print("idle: the kernel does not tell what containers use")
        return 2
    ratio = present / base
    met = ratio <= RATIO_MAX
    word = "met" if met else "MISSED"
    print(f"idle: base {base:.1f} %, this checkout {present:.1f} % of a processor; ratio {ratio:.2f} ({word})")
    return 0 if met else 1


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, metavar="IMAGE", help="the other release's image")
    parser.add_argument(
        "--base-commit", default="", help="whose topology it is started with; this checkout's when not given"
    )
    asked = parser.parse_args()
    base = Wanted(project_named("base"), asked.base, asked.base_commit)
    present = Wanted(project_named("candidate"))
    try:
        with systems(base, present):
            time.sleep(WARM_S)
            return told(*measured(Watch.over(base.project, present.project), seconds=MEASURED_S))
    except NotStarted as error:
        print(f"idle: {error}")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
