"""An order's story without anything that names a person or repeats their words.

Nothing is taken away here, which could be forgotten: the redacted story is built anew from what is known to be harmless - codes of
closed lists, counts, moments counted from the order's beginning. A text that is none of these has no way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from uuid import UUID

from system.crm.application.phrases import WORDS
from system.messages import catalogue
from system.messages.orchestrator_v1 import OrderStatus

Kind = Literal["status", "deed", "letter", "carrier", "trouble", "note"]

STATUSES = frozenset(str(each) for each in OrderStatus)
SERVICES = frozenset({*catalogue.services(), "files", "identity", "partners", "pricing", "shop"})
TROUBLES = frozenset({"retry", "waiting", "held", "parked", "pending", "refused", "dead"})
NOTES = frozenset(
    {
        *("handed_over", "cancellation_requested", "cancellation_refused", "replayed", "resent", "stuck", "late_fact"),
        *("too_late", "out_of_order", "stale_consent"),
    }
)
DEEDS = frozenset(
    {
        *("shop.order_submitted.v1", "shop.price_accepted.v1", "shop.price_declined.v1"),
        *("mes.work_order_claimed.v1", "mes.work_order_returned.v1", "mes.work_order_completed.v1"),
        *("mes.rework_started.v1", "mes.packing_started.v1", "mes.work_order_shipped.v1"),
    }
)
"""Facts that somebody's deed made; approvals, rejections and deliveries CRM knows itself."""
APPROVED, REJECTED, DELIVERED = "crm.order_approved.v1", "crm.order_rejected.v1", "delivered"
ENDED = frozenset({"CLOSED", "REJECTED", "CANCELLED", "PRICE_FAILED"})
ROLES = ("customer", "seller", "operator")
CAUSES = {"nothing happened to it for too long": "lapsed", "undone: marked as made by mistake": "undone"}
"""What production writes as a reason when no person gave one."""
REASONS = frozenset(WORDS["because"])
HEARD_WITHIN = timedelta(seconds=10)
"""News that is younger than this is still on its way to CRM."""
RING_SIZE = re.compile(r"(?:(?:US|ISO|RU) ?)?\d{1,2}(?:[.,]\d{1,2})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One line. `model` is the number of its model among the order's, 0 for a ready-made good; `file` is its name in an archive.

    An empty `material` or `sku` is one that scenarios have no word for.
    """

    quantity: int
    material: str = ""
    sku: str = ""
    ring_size: str = ""
    unit: str = "mm"
    model: int = 0
    triangles: int = 0
    has_stones: bool = False
    is_plated: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, `after_s` seconds after the order began. `who` is a role and a number: "operator 2"."""

    after_s: float
    kind: Kind
    code: str
    who: str = ""
    service: str = ""
    about: str = ""
    attempts: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class RedactedStory:
    """What an order went through. `name` is neutral; `hangs`: it waits longer than it may, or for something that failed.

    `shown_status` is what CRM shows; it is `status` unless CRM has not heard what the orchestrator decided.
    """

    name: str
    channel: Literal["shop", "partner"]
    status: str
    shown_status: str
    hangs: bool
    has_ended: bool
    pieces: tuple[Piece, ...]
    moments: tuple[Moment, ...]
    consent: tuple[str, ...] = ()
    cancellation_by: str = ""
    silent_steps: tuple[str, ...] = ()
    not_heard: tuple[str, ...] = ()

    def with_files(self, files: Mapping[int, str]) -> RedactedStory:
        """The same, told which models are at hand under which name."""
        return replace(self, pieces=tuple(replace(each, file=files.get(each.model, "")) for each in self.pieces))

    def as_json(self) -> dict[str, Any]:
        """Plain values, as `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The story that `as_json` wrote."""
        parts = {
            "pieces": tuple(Piece(**each) for each in told["pieces"]),
            "moments": tuple(Moment(**each) for each in told["moments"]),
        }
        lists = {name: tuple(told[name]) for name in ("consent", "silent_steps", "not_heard")}
        return cls(**{**told, **parts, **lists})


class Cast:
    """Gives everybody a number in their role, in the order in which they appear."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {role: [] for role in ROLES}

    def of(self, actor: str) -> str:
        """ "seller Sofia" is "seller 1" from now on; a customer is one; whoever has no role is nobody."""
        role, _, name = actor.partition(" ")
        if role not in self._known:
            return ""
        if role == "customer":
            return role
        known = self._known[role]
        if name not in known:
            known.append(name)
        return f"{role} {known.index(name) + 1}"


def redacted(
    order: Mapping[str, Any],
    told: Mapping[str, Any] | None,
    quotes: Mapping[str, Mapping[str, Any]],
    *,
    name: str,
    now: datetime,
    hangs: bool,
    silent_steps: Iterable[str] = (),
) -> RedactedStory:
    """The story of an order as CRM shows it, the orchestrator's timeline of it (None: it could not be had), and its quotes."""
    cast = Cast()
    entries = told["entries"] if told else ()
    history = _history(order, entries, now=now)
    begun = [datetime.fromisoformat(str(history[0]["at"] if history else order["status_since"]))]
    dated = [*_statuses(history, cast), *_decision(order, cast), *_letters(order, cast), *_carrier(order)]
    dated += [each for entry in entries for each in _told(entry, cast)]
    dated.sort(key=lambda pair: pair[0])
    moments = tuple(replace(moment, after_s=round((at - begun[0]).total_seconds(), 3)) for at, moment in dated)
    shown = _one_of(order["status"], STATUSES)
    status = next((moment.code for moment in reversed(moments) if moment.kind == "status"), shown)
    asked = [moment.who for moment in moments if (moment.kind, moment.code) == ("note", "cancellation_requested")]
    return RedactedStory(
        name=name,
        channel="partner" if order["channel"] == "partner" else "shop",
        status=status,
        shown_status=shown,
        hangs=hangs or status != shown,
        has_ended=status in ENDED,
        pieces=tuple(_pieces(order, quotes)),
        moments=moments,
        consent=_consent(order, quotes),
        cancellation_by=(asked[-1] if asked else "customer") if order["cancellation_requested"] else "",
        silent_steps=tuple(step for step in silent_steps if re.fullmatch(r"[a-z_]{1,40}", step)),
        not_heard=tuple(sorted(SERVICES & set(told["not_answering"]))) if told else ("orchestrator",),
    )


def model_files(order: Mapping[str, Any]) -> list[UUID]:
    """The files of the order's models, each once; a model's number is its place here, from 1."""
    return list(dict.fromkeys(UUID(line["file_id"]) for line in order["lines"] if line.get("file_id")))


Dated = tuple[datetime, Moment]


def _history(
    order: Mapping[str, Any], entries: Iterable[Mapping[str, Any]], *, now: datetime
) -> list[Mapping[str, Any]]:
    """The statuses as CRM has them; as the orchestrator tells them where CRM should have heard of one and has not."""
    heard: list[Mapping[str, Any]] = list(order["history"])
    decided: list[Mapping[str, Any]] = [
        {"at": entry["at"], "status": details["to"], "actor": details["actor"], "reason": details["reason"]}
        for entry in entries
        if entry["kind"] == "status" and "to" in (details := entry["details"])
    ]
    missed = decided[len(heard) :]
    is_behind = bool(missed) and now - datetime.fromisoformat(missed[0]["at"]) > HEARD_WITHIN
    return decided if is_behind else heard


def _statuses(history: Iterable[Mapping[str, Any]], cast: Cast) -> Iterable[Dated]:
    for step in history:
        moment = Moment(
            0, "status", _one_of(step["status"], STATUSES), cast.of(step["actor"]), cause=CAUSES.get(step["reason"], "")
        )
        # A carrier and the stock have no number; that it was they is all there is to know.
        kind = step["actor"] if step["actor"] in ("carrier", "stock", "pricing") else moment.who
        yield datetime.fromisoformat(step["at"]), replace(moment, who=kind)


def _decision(order: Mapping[str, Any], cast: Cast) -> Iterable[Dated]:
    decision = order["decision"]
    if decision:
        code = APPROVED if decision["kind"] == "approved" else REJECTED
        who = cast.of(f"seller {decision['seller_name']}")
        yield datetime.fromisoformat(decision["at"]), Moment(0, "deed", code, who)


def _letters(order: Mapping[str, Any], cast: Cast) -> Iterable[Dated]:
    for letter in order["letters"]:
        side = "seller" if letter["side"] == "seller" else "customer"
        yield datetime.fromisoformat(letter["at"]), Moment(0, "letter", side, cast.of(f"{side} {letter['author']}"))


def _carrier(order: Mapping[str, Any]) -> Iterable[Dated]:
    for said in order["carrier_events"]:
        at = datetime.fromisoformat(said["received_at"])
        if said["event"] == DELIVERED:
            yield at, Moment(0, "deed", DELIVERED)
        else:
            yield at, Moment(0, "carrier", "other")


def _told(entry: Mapping[str, Any], cast: Cast) -> Iterable[Dated]:
    at, details = datetime.fromisoformat(entry["at"]), entry["details"]
    if "box" not in details:
        note = details.get("note")
        if note not in NOTES:
            return
        # Whoever wanted to cancel stands in the sentence only, and a sentence begins with the role.
        actor = entry["title"] if note == "cancellation_requested" else f"seller {details.get('actor', '')}"
        who = cast.of(" ".join(str(actor).split(" wants to cancel")[0].split())) if note != "handed_over" else ""
        yield at, Moment(0, "note", note, who)
        return
    about, service = _one_of(details.get("type"), catalogue.BY_TYPE), _one_of(entry["service"], SERVICES)
    state = details.get("state")
    if state in TROUBLES:
        attempts = details.get("attempts")
        counted = attempts if isinstance(attempts, int) else 0
        yield at, Moment(0, "trouble", state, service=service, about=about, attempts=counted)
    if details["box"] == "outbox" and about in DEEDS:
        # Done is done, even when its message is still on its way.
        yield at, Moment(0, "deed", about)


def _pieces(order: Mapping[str, Any], quotes: Mapping[str, Mapping[str, Any]]) -> Iterable[Piece]:
    files = model_files(order)
    for line in order["lines"]:
        quote = quotes.get(line["quote_id"]) or {}
        size = str(line.get("ring_size") or "")
        yield Piece(
            quantity=int(line["quantity"]),
            material=_one_of(line["material"], WORDS["material"]),
            sku=_one_of(line.get("sku"), WORDS["good"]),
            ring_size=size if RING_SIZE.fullmatch(size) else "",
            unit=_one_of(quote.get("unit"), WORDS["unit"]) or "mm",
            model=files.index(UUID(line["file_id"])) + 1 if line.get("file_id") else 0,
            triangles=int((quote.get("mesh") or {}).get("triangle_count") or 0),
            has_stones=bool(quote.get("stones")),
            is_plated=bool(quote.get("plating")),
        )


def _consent(order: Mapping[str, Any], quotes: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Why the customer was asked about the price; known of the question while it is open, of the quotes afterwards."""
    if order["consent"]:
        return tuple(each for each in order["consent"]["reasons"] if each in REASONS)
    remade = {why for line in order["lines"] for why in (quotes.get(line["quote_id"]) or {}).get("remade_because", ())}
    return tuple(sorted(remade & REASONS)) or ("above_estimate",)


def _one_of(text: object, known: Iterable[str]) -> str:
    return text if isinstance(text, str) and text in known else ""
