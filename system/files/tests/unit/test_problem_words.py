"""Whatever an upload is refused for is said in words of whoever made the model."""

from __future__ import annotations

import re
from pathlib import Path

from system.files.domain import upload
from system.pagekit.problems import codes_with_words


def test_every_refusal_of_a_file_has_words() -> None:
    source = "".join(path.read_text() for path in Path(upload.__file__).parent.glob("*.py"))
    codes = set(re.findall(r'(?:Problem|Invalid)\(\s*"([a-z-]+)"', source))
    assert {"not-a-model", "mesh-truncated", "mesh-empty", "size-mismatch", "file-too-large"} <= codes
    assert codes <= codes_with_words()
