"""Returns and complaints. One command, one transaction, one commit; what is asked of the customer is a letter as any other."""

from __future__ import annotations

from system.crm.application.commands import DecideCase
from system.crm.application.ports import CrmUnitOfWork
from system.crm.application.views import case_view
from system.crm.domain.case import CaseState, CaseTerms, CaseWish, opened
from system.crm.domain.errors import CaseNotFound
from system.crm.domain.letter import Letter, Side
from system.kernel.ids import new_id
from system.plumbing.unit_of_work import Answer


async def hear_customer(letter: Letter, wish: CaseWish | None, uow: CrmUnitOfWork, *, terms: CaseTerms) -> None:
    """Opens what the customer asks for with a new letter; without a wish, what waited for their letter waits for us again.

    Raises ReturnTooEarly, ReturnTooLate, CaseAlreadyOpen, PieceNotOfOrder.
    """
    present = await uow.cases.of(letter.order_id)
    if wish is None:
        for case in present:
            heard = case.written_to(by=letter.author, at=uow.now, terms=terms)
            if heard is not case:
                await uow.cases.save(heard)
        return
    order = await uow.orders.get(letter.order_id)
    case = opened(wish, order, present, case_id=letter.id, by=letter.author, at=uow.now, terms=terms)
    await uow.cases.add(case)
    await uow.audit(
        actor=f"customer of {order.number}",
        action="case_opened",
        subject=str(letter.order_id),
        details={"case": str(case.id), "kind": str(wish.kind), "reason": str(wish.reason)},
    )


async def decide_case(command: DecideCase, uow: CrmUnitOfWork, *, terms: CaseTerms) -> Answer:
    """200 with the case. A question is a letter too, and the order waits for its customer from now on.

    Raises CaseNotFound, CaseHasEnded, CaseChangedSinceRead, AnswerMissing.
    """
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await uow.lock(command.order_id)
        present = await uow.cases.hold(command.case_id)
        if present.order_id != command.order_id:
            raise CaseNotFound(str(command.case_id))
        seller = command.seller
        case = present.decided(
            command.state, by=seller.name, text=command.text, at=uow.now, seen_version=command.seen_version
        )
        await uow.cases.save(case)
        asks = command.state is CaseState.ANSWERED
        if asks:
            letter = Letter(new_id(), command.order_id, Side.SELLER, seller.name, command.text, uow.now)
            await uow.letters.add(letter)
        if asks or present.state is CaseState.ANSWERED:
            await uow.orders.wait_for_customer(command.order_id, since=uow.now if asks else None)
        await uow.audit(
            actor=f"{seller.name} ({seller.id})",
            action=f"case_{case.state}",
            subject=str(command.order_id),
            details={"case": str(case.id), "kind": str(case.wish.kind)}
            | ({"text": command.text} if command.text else {}),
        )
        return await uow.commit(Answer(200, case_view(case, terms=terms)))
