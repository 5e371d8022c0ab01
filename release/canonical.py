"""One spelling for every JSON document that is hashed or signed.

encode(document) -> bytes      sorted keys, no spaces, UTF-8; refuses NaN and infinities
decode(content) -> dict        only what `encode` could have written: a second spelling could hide a second meaning
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from release.errors import EvidenceInvalid


def encode(document: object) -> bytes:
    """The one spelling of `document`. Raises EvidenceInvalid when JSON cannot carry it (NaN, infinity, other types)."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError) as failure:
        raise EvidenceInvalid(f"The document cannot be written as JSON: {failure}.") from failure


def decode(content: bytes) -> dict[str, object]:
    """The JSON object that `content` spells. Raises EvidenceInvalid for anything that `encode` would spell otherwise."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as failure:
        raise EvidenceInvalid(f"It is not JSON: {failure}.") from failure
    if not isinstance(document, dict):
        raise EvidenceInvalid("It is not a JSON object.")
    # Repeated keys, spaces, escapes and NaN all end here: they do not survive being written again.
    if encode(document) != content:
        raise EvidenceInvalid("It is not spelt as the pipeline spells it.")
    return document


def digest_of(document: Mapping[str, object]) -> str:
    """SHA-256 (hex) of the document's one spelling."""
    return hashlib.sha256(encode(document)).hexdigest()
