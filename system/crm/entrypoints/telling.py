"""What exported scenarios say, told to the judges outside, who import nothing of the system.

    python -m system.crm.entrypoints.telling phrases                 every sentence there can be, and every word of the tables
    python -m system.crm.entrypoints.telling scenario STORY.JSON...  the features of redacted stories, made again

Both as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from system.crm.application.phrases import LANGUAGES, sentences, tables
from system.crm.application.redaction import RedactedStory
from system.crm.application.scenario import scenario_of, written


def feature_of(path: str) -> dict[str, Any]:
    """The feature of a kept story: its text by language, its name and its capability."""
    feature = scenario_of(RedactedStory.from_json(json.loads(Path(path).read_text(encoding="utf-8"))))
    told = {language: written(feature, language) for language in LANGUAGES}
    return told | {"name": feature.name, "capability": feature.capability}


def main(arguments: list[str]) -> int:
    """See the module's docstring."""
    match arguments:
        case ["phrases"]:
            told: Any = {"sentences": list(sentences()), "tables": tables()}
        case ["scenario", *stories] if stories:
            told = [feature_of(path) for path in stories]
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    print(json.dumps(told, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
