"""What the stand-in for actions/upload-artifact does; run in the checkout, with its inputs in the environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

DIRECTORY = "ARTIFACTS_DIRECTORY"


def files_of(path: Path, *, hidden: bool) -> Iterator[tuple[Path, Path]]:
    """Each file and its place in the artifact. As with the real action, names that begin with a dot hide what is below them."""
    found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    for file in found:
        # The given path's own parts count as well: `.alexandrite/reports` is hidden as a whole.
        if hidden or not any(part.startswith(".") and part not in (".", "..") for part in file.parts):
            yield file, file.relative_to(path) if path.is_dir() else Path(file.name)


def upload(inputs: Mapping[str, str], store: Path) -> int:
    """Copies into `store/<name>`; returns how many files. Raises LookupError when there are none and that is an error."""
    target = store / inputs["NAME"]
    hidden = inputs["HIDDEN"] == "true"
    count = 0
    for line in inputs["PATHS"].splitlines():
        if not line.strip():
            continue
        for file, place in files_of(Path(line.strip()), hidden=hidden):
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / place)
            count += 1
    if not count and inputs["NOT_FOUND"] == "error":
        raise LookupError(f"No file was found for the artifact {inputs['NAME']} in {inputs['PATHS'].split()}.")
    return count


def main() -> int:
    """Exit status 1 when nothing was found and the workflow calls that an error."""
    try:
        count = upload(os.environ, Path(os.environ[DIRECTORY]))
    except LookupError as missing:
        print(f"::error::{missing}", file=sys.stderr)
        return 1
    print(f"{count} files kept as artifact {os.environ['NAME']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
