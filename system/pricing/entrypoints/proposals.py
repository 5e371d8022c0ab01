"""A book somebody proposes by a form, step by step: typed, looked at, published. Between the steps it is kept by the form alone.

Every step sends the version it was made from and what was typed. When a colleague published meanwhile, the same changes are put on
top of theirs, and whoever typed them looks once more: nothing typed is lost, and nothing of a colleague's is undone unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from fastapi import Request

from system.kernel.errors import Invalid, Refused
from system.pagekit.reader import Language
from system.pricing.application.ports import BookRecord
from system.pricing.domain.book_changes import Change, changes_between, falls_with, with_changes
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.book_form import METALS, NEW, PREFIX, TAKEN_OUT, Typed, metals_in, read_form, typed_text
from system.pricing.entrypoints.book_words import SHARES
from system.pricing.entrypoints.books_api import VERSION_MAX, book_of

FIELDS_MAX = 5000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was typed over the book in force. `book` is None while something is wrong; `overtaken` is the colleague's book."""

    fields: Mapping[str, str]
    present: PriceBook
    typed: Typed
    book: PriceBook | None
    changes: tuple[Change, ...]
    theirs: tuple[Change, ...] = ()
    overtaken: BookRecord | None = None
    refused: Refused | None = None

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields that say the same again in either language: a point is understood in both. What goes with a metal is
        not said."""
        metals = metals_in(f"{change.path[0]}.{change.path[1]}" for change in self.changes if _takes_out_metal(change))
        implied = frozenset(f"{TAKEN_OUT}{place}" for place in falls_with(self.present, metals))
        codes = [(f"{NEW}{change.path[0]}.code", change.path[1]) for change in self.changes if change.before is None]
        fields = [*codes, *(_field_of(change) for change in self.changes)]
        return [(name, value) for name, value in dict.fromkeys(fields) if name not in implied]


def _takes_out_metal(change: Change) -> bool:
    return change.path[0] == METALS and change.after is None


def _field_of(change: Change) -> tuple[str, str]:
    section, code, *rest = change.path if len(change.path) > 1 else (change.path[0], "")
    if change.after is None:
        return f"{TAKEN_OUT}{section}.{code}", "yes"
    text = typed_text(change.after, "en", is_share=change.path[-1] in SHARES)
    if change.before is not None:
        return PREFIX + ".".join(change.path), text
    return f"{NEW}{section}.{'.'.join(rest) or 'price'}", text


async def proposal_of(request: Request, queries: Any, language: Language) -> Proposal:
    """The proposal in a request's form. Raises NotFound for a version that there is not, Invalid without a number of one."""
    form = await request.form(max_fields=FIELDS_MAX)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    present = await book_of(queries, None)
    base = await book_of(queries, _version_of(fields))
    typed = read_form(base, fields, language)
    # What is wrong was put back, so this holds together as far as it goes.
    mine = () if "" in typed.flaws else changes_between(base, PriceBook.from_data(typed.data, version=base.version + 1))
    proposal = Proposal(fields, present, typed, None, mine)
    if base.version != present.version:
        proposal = await _on_top(proposal, base, queries)
    if typed.flaws:
        return proposal
    try:
        book = with_changes(present, proposal.changes, version=present.version + 1)
    except Invalid as refusal:
        return replace(proposal, refused=refusal)
    # What a colleague set to the same value already is no change any more.
    return replace(proposal, book=book, changes=changes_between(present, book))


async def _on_top(proposal: Proposal, base: PriceBook, queries: Any) -> Proposal:
    changed = {".".join(change.path) for change in proposal.changes} | set(proposal.typed.flaws)
    texts = {place: text for place, text in proposal.typed.texts.items() if place in changed or place.startswith(NEW)}
    (record, *_) = await queries.book_records(before=proposal.present.version + 1, limit=1)
    return replace(
        proposal,
        typed=replace(proposal.typed, texts=texts),
        theirs=changes_between(base, proposal.present),
        overtaken=record,
    )


def read_start(text: str, zone: tzinfo) -> datetime | None:
    """The moment typed into a form, on the workshop's clock; None for none. Raises Invalid."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("start-unreadable", "Send the day and the time as 2026-03-02T09:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _version_of(fields: Mapping[str, str]) -> int:
    text = fields.get("version", "")
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= VERSION_MAX:
        raise Invalid("invalid-request", "The form has lost the version it was made from. Open it again.")
    return int(text)
