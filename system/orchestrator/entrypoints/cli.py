"""The command line of people on call: `python -m system.orchestrator reconcile | stuck | messages | replay | republish |
timeline`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from system.kernel.errors import AlexandriteError
from system.orchestrator.application import replays
from system.orchestrator.application.fan_out import SERVICES
from system.orchestrator.application.replays import ReplayMessages, RepublishSince
from system.orchestrator.domain.budgets import Attention
from system.orchestrator.entrypoints.api import Desks, reconcile, timeline_of
from system.plumbing.runtime import Service

Command = Callable[[list[str]], int]
Opened = Callable[[Desks, Service], Awaitable[int]]


def commands(build: Callable[[], Service]) -> dict[str, Command]:
    """Each command by name; an exit status of 1 means that something needs a person, of 2 that it could not be done."""
    return {
        "reconcile": lambda arguments: _run(build, _reconcile(arguments)),
        "stuck": lambda arguments: _run(build, _stuck(arguments)),
        "messages": lambda arguments: _run(build, _messages(arguments)),
        "replay": lambda arguments: _run(build, _replay(arguments)),
        "republish": lambda arguments: _run(build, _republish(arguments)),
        "timeline": lambda arguments: _run(build, _timeline(arguments)),
    }


def _run(build: Callable[[], Service], body: Opened) -> int:
    async def opened() -> int:
        service = build()
        try:
            return await body(service.app.state.desks, service)
        except AlexandriteError as error:
            print(error.detail, file=sys.stderr)
            return 2
        finally:
            await service.close()

    return asyncio.run(opened())


def _print(thing: Any) -> None:
    print(json.dumps(thing, indent=2, default=str, ensure_ascii=False))


def _reconcile(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser(
        "reconcile", description="What the services disagree about; exit status 1 if anything."
    )
    parser.add_argument(
        "--since", type=datetime.fromisoformat, help="RFC 3339, with a zone; default: the configured window"
    )
    chosen = parser.parse_args(arguments)

    async def body(desks: Desks, _: Service) -> int:
        report = await reconcile(desks, chosen.since)
        for finding in report.findings:
            print(f"{finding.kind:22} {finding.service:13} {finding.order_id:36} {finding.detail}")
        print(f"{'ok' if report.ok else 'NOT OK'}: {', '.join(f'{k} {v}' for k, v in sorted(report.counts.items()))}")
        return 0 if report.ok else 1

    return body


def _stuck(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser("stuck", description="Orders past their budget; exit status 1 if any.")
    parser.add_argument("--at-risk", action="store_true", help="those whose promise is at risk instead")
    parser.add_argument("--limit", type=int, default=100)
    chosen = parser.parse_args(arguments)

    async def body(desks: Desks, _: Service) -> int:
        kind = Attention.AT_RISK if chosen.at_risk else Attention.STUCK
        found = await desks.queries.needing_attention(kind, after=None, limit=chosen.limit)
        for order in found:
            stuck = order["stuck"] or {"overdue_s": 0.0, "what_to_do": ""}
            print(
                f"{order['number']:12} {order['status']:24} overdue {stuck['overdue_s']:10.0f} s  {stuck['what_to_do']}"
            )
        print(f"{len(found)} {kind.value.replace('_', ' ')}")
        return 1 if found else 0

    return body


def _messages(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser("messages", description="Messages of every service that need a person.")
    parser.add_argument("--state", action="append", choices=replays.ATTENTION_STATES, help="default: parked and dead")
    parser.add_argument("--type", help="only of this type")
    chosen = parser.parse_args(arguments)

    async def body(desks: Desks, _: Service) -> int:
        states = chosen.state or ["parked", "dead"]
        items, silent = await replays.list_attention(desks.peers, states, message_type=chosen.type)
        for item in items:
            print(f"{item['service']:13} {item['state']:8} {item['id']} {item.get('type')} {item.get('error') or ''}")
        for service, reason in silent.items():
            print(f"{service} did not answer: {reason}")
        print(f"{len(items)} message(s)")
        return 1 if items or silent else 0

    return body


def _replay(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser("replay", description="Has messages delivered again, with the same ids; audited.")
    parser.add_argument("--actor", required=True, help="who answers for it")
    parser.add_argument("--service", help="the service that holds the messages; needed with --id")
    parser.add_argument("--id", action="append", type=UUID, default=[], help="a message; may be repeated")
    parser.add_argument("--type", help="all of this type, together with --state")
    parser.add_argument("--state", choices=("parked", "dead", "refused", "retry"))
    parser.add_argument("--dry-run", action="store_true", help="only say what would be delivered")
    parser.add_argument("--amended-body", type=json.loads, help="JSON that replaces the body of a single message")
    chosen = parser.parse_args(arguments)

    async def body(desks: Desks, service: Service) -> int:
        command = ReplayMessages(
            actor=chosen.actor,
            service=chosen.service,
            ids=tuple(chosen.id),
            type=chosen.type,
            state=chosen.state,
            dry_run=chosen.dry_run,
            amended_body=chosen.amended_body,
        )
        result = await replays.replay_messages(command, service.make_uow, desks.peers)
        _print(result)
        return 1 if result["not_answering"] else 0

    return body


def _republish(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser(
        "republish",
        description="Has every service publish again what it published since a moment, with the same ids; audited. What took effect"
        " before is only acknowledged.",
    )
    parser.add_argument("--actor", required=True, help="who answers for it")
    parser.add_argument("--since", required=True, type=datetime.fromisoformat, help="RFC 3339, with a zone")
    parser.add_argument("--to", help="for this receiver alone; else for everybody")
    parser.add_argument("--type", action="append", default=[], help="only this type; may be repeated")
    parser.add_argument(
        "--service", action="append", choices=SERVICES, help="only what this one published; may be repeated"
    )
    chosen = parser.parse_args(arguments)
    if chosen.since.tzinfo is None:
        parser.error("--since needs a zone, such as 2026-11-29T14:30:00+03:00")

    async def body(desks: Desks, service: Service) -> int:
        command = RepublishSince(
            actor=chosen.actor,
            since=chosen.since,
            to=chosen.to,
            types=tuple(chosen.type),
            services=tuple(chosen.service or SERVICES),
        )
        counts, silent = await replays.republish_since(command, service.make_uow, desks.peers)
        for name, count in counts.items():
            print(f"{name:13} {count:8} message(s)")
        for name, reason in silent.items():
            print(f"{name} did not answer: {reason}")
        print(f"{sum(counts.values())} message(s) are published again")
        return 1 if silent else 0

    return body


def _timeline(arguments: list[str]) -> Opened:
    parser = argparse.ArgumentParser("timeline", description="Everything that happened to one order.")
    parser.add_argument("order", help="its number or id")
    chosen = parser.parse_args(arguments)

    async def body(desks: Desks, _: Service) -> int:
        told = await timeline_of(desks, chosen.order)
        for entry in told.entries:
            print(f"{entry.at.isoformat()} {entry.service:13} {entry.kind:12} {entry.title}")
        if told.stuck is not None:
            print(f"{told.order.attention}: {told.stuck.stage} since {told.stuck.since}. {told.stuck.what_to_do}")
        return 0

    return body
