"""Files that may hurt, given to a fork of the measuring process each, under its limits; what it said, and what it took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fixtures.models3d.hostile import PLAIN
from fixtures.models3d.hostile.cases import Writer
from system.meshes.model import read_model

SECONDS_MAX = 5
MEMORY_OVER_IDLE_BYTES_MAX = 200 << 20
ADDRESS_SPACE_BYTES = 1_150 << 20
ROOT = Path(__file__).parents[4]
Answer = dict[str, Any]
Asked = Callable[[Writer], Answer]
"""Writes a file and has it measured."""


@contextmanager
def nursery(folder: Path) -> Iterator[Asked]:
    """A process that has loaded and compiled everything, and forks for each file; `folder` takes the files, one after another."""
    plain = []
    for kind, write in PLAIN.items():
        plain.append(folder / f"plain.{kind}")
        with plain[-1].open("w+b") as file:
            write(file)
            # Compiled and kept by this process: the other one may not write, and would compile again for each file.
            read_model(file)
    command = [sys.executable, "-m", "system.pricing.tests.unit.nursery", str(ADDRESS_SPACE_BYTES), str(SECONDS_MAX)]
    with subprocess.Popen(
        [*command, *map(str, plain)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None

        def answer(write: Writer) -> Answer:
            assert process.stdin is not None and process.stdout is not None
            path = folder / "file"
            with path.open("wb") as file:
                write(file)
            print(path, file=process.stdin, flush=True)
            told: Answer = json.loads(process.stdout.readline())
            path.unlink()
            return told

        yield answer
        process.stdin.close()
