"""An order as a scenario that a developer can run: an archive of a feature in both languages, its models, and what was seen."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from system.crm.application.commands import ExportOrder
from system.crm.application.phrases import LANGUAGES
from system.crm.application.ports import CrmUnitOfWork, Models
from system.crm.application.redaction import RedactedStory, model_files, redacted
from system.crm.application.scenario import Feature, scenario_of, written
from system.crm.domain.model_file import without_words
from system.kernel.errors import Unavailable

MADE_AT = (1980, 1, 1, 0, 0, 0)
"""No file of an archive says when it was made, so that the same story gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip and what it is called."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of an order now: as CRM shows it, the orchestrator's timeline (None: it could not be had), and its quotes."""

    order: Mapping[str, Any]
    told: Mapping[str, Any] | None
    quotes: Mapping[str, Mapping[str, Any]]
    now: datetime
    hangs: bool
    silent_steps: tuple[str, ...]


async def export_order(
    command: ExportOrder, seen: Seen, uow: CrmUnitOfWork, models: Models, *, bytes_max: int
) -> Archive:
    """The archive of an order's scenario; that somebody took it is in the audit log first. Models that cannot be had, or are too large
    together, are replaced by fixtures, and the archive says so."""
    name = neutral_name(command.order_id)
    story = redacted(
        seen.order, seen.told, seen.quotes, name=name, now=seen.now, hangs=seen.hangs, silent_steps=seen.silent_steps
    )
    bodies, missing = await _models_of(model_files(seen.order), models, bytes_max=bytes_max)
    files = {number: f"{name}-{number}.stl" for number in bodies}
    story = story.with_files(files)
    feature = scenario_of(story)
    content = await asyncio.to_thread(_zipped, feature, story, {files[n]: body for n, body in bodies.items()}, missing)
    async with uow:
        await uow.audit(
            actor=f"{command.who.name or command.who.email} ({command.who.subject})",
            action="order_exported",
            subject=str(command.order_id),
            details={"archive": f"{name}.zip", "models": len(bodies)},
        )
        await uow.commit()
    return Archive(f"{name}.zip", content)


def neutral_name(order_id: UUID) -> str:
    """What an order is called in its scenario: the same every time, and nothing that a customer knows."""
    return f"order-{hashlib.sha256(b'scenario of ' + order_id.bytes).hexdigest()[:8]}"


async def _models_of(
    files: Sequence[UUID], models: Models, *, bytes_max: int
) -> tuple[dict[int, bytes], dict[int, str]]:
    """The models without words by their number, and why others are missing."""
    bodies: dict[int, bytes] = {}
    missing: dict[int, str] = {}
    left = bytes_max
    for number, file_id in enumerate(files, start=1):
        try:
            body = await models.fetch(file_id, bytes_max=left)
        except Unavailable:
            missing[number] = "the storage of models did not answer"
            continue
        if body is None:
            missing[number] = f"it is not there, or the models together are larger than {bytes_max} bytes"
            continue
        blanked = await asyncio.to_thread(without_words, body)
        if blanked is None:
            missing[number] = "its words could not be told from its geometry"
            continue
        left -= len(body)
        bodies[number] = blanked
    return bodies, missing


def _zipped(feature: Feature, story: RedactedStory, models: Mapping[str, bytes], missing: Mapping[int, str]) -> bytes:
    files: dict[str, bytes] = {
        f"{feature.capability}/{feature.name}.{language}.feature": written(feature, language).encode()
        for language in LANGUAGES
    }
    files |= {f"{feature.capability}/{name}": body for name, body in models.items()}
    files["README.txt"] = _readme(feature, missing).encode()
    files["story.json"] = (json.dumps(story.as_json(), indent=2, ensure_ascii=False) + "\n").encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name, MADE_AT), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _readme(feature: Feature, missing: Mapping[int, str]) -> str:
    where = f"{feature.capability}/{feature.name}"
    lines = [
        f"{feature.name}: the road of one order as a scenario. No person, no word and no number of theirs is in it.",
        "",
        "Run it in a checkout, on a system of its own (the same in Russian: .ru.feature):",
        "",
        f"  unzip {feature.name}.zip '{feature.capability}/*' -d features",
        f"  .venv/bin/python -m step_defs.assembly run .venv/bin/python -m pytest features/{where}.en.feature -p no:xdist",
        "",
        "Or on a system that runs already: name it by ALEXANDRITE_URL and leave `step_defs.assembly run` out.",
        "It ends with what should have happened next: it fails while the defect is there, and passes when it is mended.",
        "A second scenario, where there is one, breaks what was seen broken; -m 'not exclusive' leaves it out.",
        "",
        "story.json is what the scenario was made from; it is made again by",
        "",
        "  .venv/bin/python -m system.crm.entrypoints.telling scenario story.json",
        "",
        "To keep it: name the feature and the scenario in your own words, and remove the other language.",
    ]
    if missing:
        lines += ["", "Models that could not be had; fixtures stand in for them:"]
        lines += [f"  model {number}: {why}" for number, why in sorted(missing.items())]
    return "\n".join(lines) + "\n"
