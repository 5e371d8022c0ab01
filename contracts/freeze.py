"""`python -m contracts.freeze`: writes the contracts as the code has them now. The diff is what a reviewer judges.

OpenAPI of each service goes to openapi/<service>.v1.json; the JSON Schema of each message to messages/<type>/schema.json, with its
owner and consumers in contract.yaml. Examples are written by people and never touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent
SERVICES = ("identity", "files", "pricing", "shop", "orchestrator", "crm", "mes", "observability")


def messages_as_coded() -> dict[str, Any]:
    """Type -> owner, consumers, about, schema: asked of the system in a process of its own, since judges import nothing of it."""
    answer = subprocess.run(
        [sys.executable, "-m", "system.messages"], cwd=ROOT.parent, check=True, capture_output=True, text=True
    )
    described: dict[str, Any] = json.loads(answer.stdout)
    return described


def openapi_as_coded(service: str) -> dict[str, Any]:
    """The OpenAPI document that a service would serve."""
    environment = {**os.environ, "ALEXANDRITE_SERVICE": service}
    answer = subprocess.run(
        [sys.executable, "-m", f"system.{service}", "openapi"],
        cwd=ROOT.parent, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def canonical(document: Any) -> str:
    """One text for one document."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Rewrites every contract; prints those that changed."""
    changed = []
    for wire_type, described in messages_as_coded().items():
        directory = ROOT / "messages" / wire_type
        (directory / "examples").mkdir(parents=True, exist_ok=True)
        contract = {key: described[key] for key in ("owner", "consumers", "about")} | {"type": wire_type}
        changed += _write(directory / "schema.json", canonical(described["schema"]))
        changed += _write(directory / "contract.yaml", yaml.safe_dump(contract, allow_unicode=True, width=120))
    for service in SERVICES:
        (ROOT / "openapi").mkdir(exist_ok=True)
        changed += _write(ROOT / "openapi" / f"{service}.v1.json", canonical(openapi_as_coded(service)))
    print("\n".join(changed) or "nothing changed")
    return 0


def _write(path: Path, content: str) -> list[str]:
    if path.exists() and path.read_text() == content:
        return []
    path.write_text(content)
    return [str(path.relative_to(ROOT.parent))]


if __name__ == "__main__":
    raise SystemExit(main())
