"""The commands about quotes that come over HTTP."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from system.kernel.errors import Conflict, Invalid, NotFound
from system.kernel.ids import new_id
from system.plumbing.unit_of_work import Answer
from system.pricing.application.commands import RequestQuote
from system.pricing.application.ports import ModelFile, ModelFiles, PricingWork
from system.pricing.application.views import quote_view
from system.pricing.domain.costing import Extras
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import (
    Asked,
    Quote,
    QuoteKind,
    check_asked,
    price_by_analysis,
    price_by_catalogue,
)


async def request_quote(command: RequestQuote, uow: PricingWork, files: ModelFiles, *, valid_for: timedelta) -> Answer:
    """A new quote: firm at once for a ready-made good or a mesh measured before, else queued for a worker.

    Raises NotFound for another's file, Conflict for one that is not verified, Invalid for what cannot be quoted, Unavailable.
    """
    # Asked before the transaction opens: no transaction is held across the network.
    model = await _model(command, files) if command.file_id else None
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen  # type: ignore[no-any-return]
        book = await uow.books.current()
        asked = _asked(command, book, model)
        check_asked(asked, book)
        quote = Quote(
            quote_id=new_id(),
            owner_id=command.owner_id,
            asked=asked,
            created_at=uow.now,
            price_book_version=book.version,
            spot_per_g=book.spot_of(book.alloy(asked.material)),
        )
        quote = await _price_at_once(quote, uow, book, valid_for)
        await uow.quotes.add(quote)
        if not quote.status.is_final:
            await uow.jobs.calculate(
                quote.quote_id,
                file_bytes=model.size_bytes if model else None,
                file_format=model.format if model else None,
                asked_by=command.asked_by,
                at=uow.now,
            )
        answer = Answer(200 if quote.status.is_final else 202, quote_view(quote))
        return await uow.commit(answer)  # type: ignore[no-any-return]


async def _model(command: RequestQuote, files: ModelFiles) -> ModelFile:
    assert command.file_id is not None
    model = await files.describe(command.file_id)
    if model is None or (model.owner_id != command.owner_id and not command.sees_all_files):
        raise NotFound("file-unknown", "There is no such file of yours. Upload the model first.")
    if model.refusal is not None:
        # The upload's own words: its owner reads the same reason wherever they meet it.
        raise Conflict(*model.refusal)
    if model.status != "VERIFIED":
        raise Conflict(
            "file-not-verified",
            "The file is not verified yet: complete its upload, then ask again.",
            file_status=model.status,
        )
    return model


def _asked(command: RequestQuote, book: PriceBook, model: ModelFile | None) -> Asked:
    if (command.file_id is None) == (command.sku is None):
        raise Invalid("quote-ambiguous", "Send either `file_id` with `material`, or `sku`.")
    if model is not None:
        if command.material is None:
            raise Invalid("material-missing", f"Send `material`: one of {', '.join(sorted(book.alloys))}.")
        return Asked(
            kind=QuoteKind.CUSTOM,
            material=command.material,
            quantity=command.quantity,
            ring_size=command.ring_size,
            file_id=model.file_id,
            mesh_sha256=model.sha256,
            unit=command.unit,
            extras=Extras(dict(command.stones), command.plating, command.engraving),
        )
    item = book.catalogue.get(command.sku or "")
    if item is None:
        raise Invalid("sku-unknown", f"We do not sell {command.sku!r}.")
    if command.stones or command.plating or command.engraving:
        raise Invalid("extras-not-for-ready-made", "Stones, plating and engraving can be chosen for a model only.")
    return Asked(
        kind=QuoteKind.READY_MADE,
        material=item.material,
        quantity=command.quantity,
        ring_size=command.ring_size,
        sku=item.sku,
    )


async def _price_at_once(quote: Quote, uow: PricingWork, book: PriceBook, valid_for: timedelta) -> Quote:
    """The same geometry and options again cost no second analysis."""
    if quote.asked.kind is QuoteKind.READY_MADE:
        return price_by_catalogue(quote, book, now=uow.now, valid_for=valid_for)
    assert quote.asked.mesh_sha256 is not None
    analysis = await uow.analyses.find(quote.asked.mesh_sha256)
    if analysis is None:
        return quote
    return price_by_analysis(quote, analysis, book, now=uow.now, valid_for=valid_for)


def quote_of_others(quote_id: UUID) -> NotFound:
    """What a stranger hears: nothing that tells whether the quote exists."""
    return NotFound("quote-unknown", f"There is no quote {quote_id} of yours.")
