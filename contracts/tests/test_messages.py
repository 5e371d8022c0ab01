"""Every message type: owner, consumers, schema and an example, frozen and true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from contracts.freeze import ROOT, canonical, messages_as_coded

FROZEN = sorted(path.parent.name for path in (ROOT / "messages").glob("*/schema.json"))
EXAMPLES = sorted((ROOT / "messages").glob("*/examples/*.json"))
ENVELOPE: dict[str, Any] = json.loads((ROOT / "envelope.schema.json").read_text())


def problems_of(envelope: dict[str, Any]) -> list[str]:
    """What the frozen contracts say against one message that crossed the broker."""
    found = [f"envelope: {error.message}" for error in _validator(ENVELOPE).iter_errors(envelope)]
    path = ROOT / "messages" / str(envelope.get("type")) / "schema.json"
    if not path.exists():
        return [*found, f"no contract for {envelope.get('type')}"]
    schema = json.loads(path.read_text())
    return found + [
        f"{error.json_path}: {error.message}" for error in _validator(schema).iter_errors(envelope.get("data"))
    ]


def _validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.fixture(scope="module")
def coded() -> dict[str, Any]:
    return messages_as_coded()


def test_frozen_messages_are_those_of_the_code(coded: dict[str, Any]) -> None:
    assert sorted(coded) == FROZEN, "run `make contracts` and have the difference reviewed"


@pytest.mark.parametrize("wire_type", FROZEN)
def test_frozen_schema_equals_the_code(wire_type: str, coded: dict[str, Any]) -> None:
    frozen = (ROOT / "messages" / wire_type / "schema.json").read_text()
    assert frozen == canonical(coded[wire_type]["schema"])
    contract = yaml.safe_load((ROOT / "messages" / wire_type / "contract.yaml").read_text())
    assert contract == {key: coded[wire_type][key] for key in ("owner", "consumers", "about")} | {"type": wire_type}


@pytest.mark.parametrize("wire_type", FROZEN)
def test_every_message_has_an_example(wire_type: str) -> None:
    assert any(path.parts[-3] == wire_type for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_example_fits_its_contract(path: Path) -> None:
    envelope = json.loads(path.read_text())
    assert envelope["type"] == path.parts[-3]
    assert problems_of(envelope) == []


def test_our_readers_accept_every_example() -> None:
    lines = "\n".join(json.dumps(json.loads(path.read_text())) for path in EXAMPLES)
    answer = subprocess.run(
        [sys.executable, "-m", "system.messages", "read"],
        cwd=ROOT.parent, input=lines, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.stdout.strip() == "all readable"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_contract_notices_a_missing_order(path: Path) -> None:
    envelope = json.loads(path.read_text())
    del envelope["data"]["order_id"]
    assert problems_of(envelope)
