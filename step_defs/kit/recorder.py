"""Writes what happens to each case as cucumber messages, one file for each process, a line at a time.

A line is flushed as it is written: a process that is killed leaves everything it did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import cucumber_messages as messages  # type: ignore[import-untyped]  # ships annotations, no py.typed

from step_defs.kit.checks import matches
from step_defs.kit.features import Case, CaseStep
from step_defs.kit.registry import StepDefinition

Diagnosis = list[Callable[[], tuple[str, str]]]
Status = messages.TestStepResultStatus

BEFORE_HOOK, AFTER_HOOK = "hook-before", "hook-after"
NANOS = 1_000_000_000
# A log of megabytes makes a page that no browser opens; the end of it says what went wrong.
ATTACHMENT_CHARACTERS_MAX = 60_000


def as_json(envelope: messages.Envelope) -> dict[str, Any]:
    """The envelope as the message protocol writes it."""
    written: dict[str, Any] = messages.message_converter.to_dict(envelope)
    return written


def timestamp(at_ns: int) -> messages.Timestamp:
    return messages.Timestamp(seconds=at_ns // NANOS, nanos=at_ns % NANOS)


def definition_message_id(definition: StepDefinition, language: str) -> str:
    return f"{definition.id}:{language}"


@dataclass(slots=True)
class _Running:
    """The case that runs now: how far it came, and since when."""

    case: Case
    step_index: int = -1
    step_open: bool = False
    since_ns: int = field(default_factory=time.time_ns)

    @property
    def started_id(self) -> str:
        return f"{self.case.id}-run"


class Recorder:
    """One process's record. The calls follow a case: start, then steps, then finish."""

    def __init__(self, path: Path, worker: str, definitions: Sequence[StepDefinition]) -> None:
        self._path = path
        self._worker = worker
        self._definitions = definitions
        self._file: TextIO | None = None
        self._running: _Running | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def start(self, case: Case) -> None:
        """The case begins: its test case is described first, so that the record can be read alone."""
        self._running = _Running(case)
        self._write(messages.Envelope(test_case=self._test_case(case)))
        started = messages.TestCaseStarted(
            attempt=0,
            id=self._running.started_id,
            test_case_id=f"{case.id}-case",
            timestamp=timestamp(time.time_ns()),
            worker_id=self._worker,
        )
        self._write(messages.Envelope(test_case_started=started))
        self._begin(f"{case.id}-before")

    def prepared(self, failure: str = "") -> None:
        """The fixtures are ready, or failed; after a failure no step runs."""
        case = self._now().case
        self._end(f"{case.id}-before", Status.failed if failure else Status.passed, failure)
        if failure:
            self._rest(Status.skipped)

    def step_begins(self, text: str) -> None:
        """The next step. Raises AssertionError when pytest-bdd runs another text than the feature has there."""
        running = self._now()
        running.step_index += 1
        written = running.case.steps[running.step_index].text if running.step_index < len(running.case.steps) else ""
        if written != text:
            raise AssertionError(f"step {running.step_index + 1} is {written!r} in {running.case.place}, ran {text!r}")
        running.step_open = True
        self._begin(self._step_id())

    def step_passed(self) -> None:
        self._now().step_open = False
        self._end(self._step_id(), Status.passed)

    def step_failed(self, failure: str, attachments: Sequence[tuple[str, str]]) -> None:
        """The present step failed, or the next one could not begin. What follows it is skipped."""
        running = self._now()
        if not running.step_open:
            running.step_index = min(running.step_index + 1, len(running.case.steps) - 1)
            self._begin(self._step_id())
        running.step_open = False
        for title, text in attachments:
            self._attach(title, text)
        self._end(self._step_id(), Status.failed, failure)
        self._rest(Status.skipped)

    def proposed(self, reason: str) -> None:
        """None of the steps ran: the case is a proposal."""
        self._rest(Status.pending, reason)

    def finish(self, failure: str = "") -> None:
        """Clean-up is over, or failed."""
        case = self._now().case
        self._begin(f"{case.id}-after")
        self._end(f"{case.id}-after", Status.failed if failure else Status.passed, failure)
        finished = messages.TestCaseFinished(
            test_case_started_id=self._now().started_id, timestamp=timestamp(time.time_ns()), will_be_retried=False
        )
        self._write(messages.Envelope(test_case_finished=finished))
        self._running = None

    def _now(self) -> _Running:
        assert self._running is not None, "no case is running"
        return self._running

    def _step_id(self) -> str:
        running = self._now()
        return step_message_id(running.case.steps[running.step_index])

    def _rest(self, status: messages.TestStepResultStatus, reason: str = "") -> None:
        running = self._now()
        for step in running.case.steps[running.step_index + 1 :]:
            self._begin(step_message_id(step))
            self._end(step_message_id(step), status, reason)
        running.step_index = len(running.case.steps) - 1

    def _begin(self, step_id: str) -> None:
        running = self._now()
        running.since_ns = time.time_ns()
        started = messages.TestStepStarted(
            test_case_started_id=running.started_id, test_step_id=step_id, timestamp=timestamp(running.since_ns)
        )
        self._write(messages.Envelope(test_step_started=started))

    def _end(self, step_id: str, status: messages.TestStepResultStatus, failure: str = "") -> None:
        running = self._now()
        now_ns = time.time_ns()
        took_ns = max(now_ns - running.since_ns, 0)
        result = messages.TestStepResult(
            duration=messages.Duration(seconds=took_ns // NANOS, nanos=took_ns % NANOS),
            status=status,
            message=failure or None,
        )
        finished = messages.TestStepFinished(
            test_case_started_id=running.started_id,
            test_step_id=step_id,
            test_step_result=result,
            timestamp=timestamp(now_ns),
        )
        self._write(messages.Envelope(test_step_finished=finished))

    def _attach(self, title: str, text: str) -> None:
        cut = text if len(text) <= ATTACHMENT_CHARACTERS_MAX else "...\n" + text[-ATTACHMENT_CHARACTERS_MAX:]
        attachment = messages.Attachment(
            body=cut,
            content_encoding=messages.AttachmentContentEncoding.identity,
            media_type="text/plain",
            file_name=title,
            test_case_started_id=self._now().started_id,
            test_step_id=self._step_id(),
            timestamp=timestamp(time.time_ns()),
        )
        self._write(messages.Envelope(attachment=attachment))

    def _test_case(self, case: Case) -> messages.TestCase:
        before = messages.TestStep(id=f"{case.id}-before", hook_id=BEFORE_HOOK)
        after = messages.TestStep(id=f"{case.id}-after", hook_id=AFTER_HOOK)
        steps = [self._test_step(step) for step in case.steps]
        return messages.TestCase(id=f"{case.id}-case", pickle_id=case.id, test_steps=[before, *steps, after])

    def _test_step(self, step: CaseStep) -> messages.TestStep:
        found = matches(step.text, step.position, self._definitions)
        return messages.TestStep(
            id=step_message_id(step),
            pickle_step_id=step.id,
            step_definition_ids=[definition_message_id(definition, phrase.language) for definition, phrase in found],
            step_match_arguments_lists=[
                messages.StepMatchArgumentsList(
                    step_match_arguments=[
                        messages.StepMatchArgument(
                            group=messages.Group(children=[], start=captured.start, value=captured.text),
                            parameter_type_name=captured.type_name or None,
                        )
                        for captured in phrase.captures(step.text) or []
                    ]
                )
                for _, phrase in found
            ],
        )

    def _write(self, envelope: messages.Envelope) -> None:
        if self._file is None:
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(json.dumps(as_json(envelope), ensure_ascii=False) + "\n")
        self._file.flush()


def step_message_id(step: CaseStep) -> str:
    return f"{step.id}-do"
