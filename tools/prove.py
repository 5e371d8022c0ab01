"""`make prove`: takes one guard away at a time, in a copy of the tree, and shows which test notices.

A guard that can be taken away without any test turning red is not guarded. The product has no switch for this: each row below is a
patch whose text must occur exactly once. The untouched copy runs first and must be green, so that a red afterwards means something.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / ".alexandrite" / "prove"
COPIED = ("system", "tools", "fixtures", "pyproject.toml", "step_defs", "contracts")


@dataclass(frozen=True, slots=True)
class Switch:
    """One guard, how it is taken away, and the tests that must notice."""

    guard: str
    file: str
    present: str
    absent: str
    tests: tuple[str, ...]


SWITCHES = (
    Switch(
        "inbox deduplication",
        "system/plumbing/consumer.py",
        "if delivery.envelope.id not in fresh:",
        "if False:",
        ("system/plumbing/tests/integration/test_delivery.py",),
    ),
    Switch(
        "publisher confirms",
        "system/plumbing/broker.py",
        "publisher_confirms=True, on_return_raises=True",
        "publisher_confirms=False",
        ("system/plumbing/tests/integration/test_delivery.py",),
    ),
    Switch(
        "version guard of an order's status",
        "system/orchestrator/adapters/repositories.py",
        "                    orders.c.version == order.loaded_version,\n"
        "                    orders.c.status == order.loaded_status,\n",
        "",
        ("system/orchestrator/tests/integration/test_database_guards.py",),
    ),
    Switch(
        "redaction of an exported order",
        "system/crm/application/redaction.py",
        'return text if isinstance(text, str) and text in known else ""',
        'return str(text or "")',
        ("system/crm/tests/unit/test_exporting.py",),
    ),
    Switch(
        "role check",
        "system/plumbing/auth.py",
        "if not admitted:",
        "if False:",
        ("system/plumbing/tests/unit/test_web.py",),
    ),
    Switch(
        "a letter about what was recorded before is never written",
        "system/shop/domain/milestones.py",
        "if moment not in known and moment.status in OF_STATUS",
        "if moment.status in OF_STATUS",
        ("system/shop/tests/unit/test_handlers.py",),
    ),
    Switch(
        "the newest link for a new password is the only one",
        "system/identity/application/password_resets.py",
        "    await uow.resets.end_all_of(user.user_id, now=uow.now)\n",
        "",
        ("system/identity/tests/unit/test_forgotten.py",),
    ),
    Switch(
        "a badge opens an operator's work only",
        "system/identity/domain/workstation.py",
        "return user.roles & {Role.OPERATOR}",
        "return user.roles",
        ("system/identity/tests/unit/test_badge.py",),
    ),
    Switch(
        "pay ledger's key",
        "system/mes/migrations/versions/0001_initial.py",
        "PRIMARY KEY (work_order_id, claim_no, kind),",
        "",
        ("system/mes/tests/integration/test_tables.py",),
    ),
    Switch(
        "history guard of the database",
        "system/orchestrator/migrations/versions/0001_initial.py",
        '    "CREATE TRIGGER order_history_follows BEFORE INSERT ON order_history"\n'
        '    " FOR EACH ROW EXECUTE FUNCTION order_history_follows()",\n',
        "",
        ("system/orchestrator/tests/integration/test_database_guards.py",),
    ),
)


def fresh_copy() -> None:
    """The tree as it is, beside itself, with this checkout's secrets and environment."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, COPY / name, ignore=shutil.ignore_patterns("__pycache__", "generated", "node_modules")
            )
        else:
            shutil.copy2(source, COPY / name)
    (COPY / ".alexandrite").symlink_to(ROOT / ".alexandrite")
    (COPY / ".venv").symlink_to(ROOT / ".venv")


def run(tests: tuple[str, ...]) -> tuple[int, list[str], str]:
    """Exit status, the tests that failed, and what was printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=COPY, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(COPY)}
    )
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\S+)", done.stdout, flags=re.MULTILINE)
    return done.returncode, failed, done.stdout + done.stderr


def take_away(switch: Switch) -> None:
    """Patches the copy. Exits when the text is not there exactly once: then this table is out of date."""
    path = COPY / switch.file
    source = path.read_text()
    if source.count(switch.present) != 1:
        raise SystemExit(f"{switch.guard}: {switch.file} holds its text {source.count(switch.present)} times, not once")
    path.write_text(source.replace(switch.present, switch.absent))


def main() -> int:
    """Prints a line per guard; the exit status says whether every one was noticed."""
    fresh_copy()
    tests = tuple(dict.fromkeys(test for switch in SWITCHES for test in switch.tests))
    started = time.monotonic()
    status, failed, said = run(tests)
    print(f"untouched: {'green' if status == 0 else 'RED'} ({time.monotonic() - started:.0f} s)", flush=True)
    if status != 0:
        print(said[-4000:])
        return 1
    unnoticed = 0
    for switch in SWITCHES:
        fresh_copy()
        take_away(switch)
        started = time.monotonic()
        status, failed, said = run(switch.tests)
        noticed = status == 1 and bool(failed)
        unnoticed += not noticed
        verdict = f"noticed by {', '.join(failed[:3])}" if noticed else f"NOT NOTICED (exit {status})"
        print(f"without {switch.guard}: {verdict} ({time.monotonic() - started:.0f} s)", flush=True)
        if not noticed:
            print(said[-3000:])
    shutil.rmtree(COPY, ignore_errors=True)
    print(f"prove: {len(SWITCHES)} guards taken away, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    raise SystemExit(main())
