"""What sellers and carriers do. One command, one transaction, one commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from system.crm.application.cases import hear_customer
from system.crm.application.commands import (
    ApproveOrder,
    AskCustomer,
    CancelOrder,
    CloseOrder,
    ReceiveCarrierEvent,
    ReceiveLetter,
    RejectOrder,
    RepairOrder,
)
from system.crm.application.deliveries import report_deliveries
from system.crm.application.ports import CrmUnitOfWork, Orchestrator, OrchestratorReply
from system.crm.application.views import letter_view, order_view
from system.crm.domain.case import CaseTerms
from system.crm.domain.errors import OrderContentMissing, OrderNotAwaitingApproval
from system.crm.domain.letter import Letter, Side
from system.crm.domain.sales_order import Decision, DecisionKind, SalesOrder
from system.kernel.ids import new_id
from system.messages.crm_v1 import OrderApproved, OrderRejected
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer


async def approve_order(command: ApproveOrder, uow: CrmUnitOfWork, *, at_risk_margin_s: int) -> Answer:
    """The first seller's decision counts. Raises OrderAlreadyDecided, OrderNotAwaitingApproval, OrderContentMissing,
    OrderChangedSinceRead, OrderNotFound."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        decision = Decision(DecisionKind.APPROVED, command.seller, uow.now)
        order = await _decide(command.order_id, decision, uow, seen_version=command.seen_version)
        uow.publish(
            OrderApproved(
                order_id=order.order_id,
                seller_id=command.seller.id,
                seller_name=command.seller.name,
                approved_at=uow.now,
            )
        )
        return await uow.commit(Answer(200, order_view(order, now=uow.now, at_risk_margin_s=at_risk_margin_s)))


async def reject_order(command: RejectOrder, uow: CrmUnitOfWork, *, at_risk_margin_s: int) -> Answer:
    """As approving, with the reason that the customer reads."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        decision = Decision(DecisionKind.REJECTED, command.seller, uow.now, command.reason)
        order = await _decide(command.order_id, decision, uow, seen_version=command.seen_version)
        uow.publish(
            OrderRejected(
                order_id=order.order_id,
                seller_id=command.seller.id,
                seller_name=command.seller.name,
                reason=command.reason,
                rejected_at=uow.now,
            )
        )
        return await uow.commit(Answer(200, order_view(order, now=uow.now, at_risk_margin_s=at_risk_margin_s)))


async def close_order(command: CloseOrder, uow: CrmUnitOfWork, orchestrator: Orchestrator) -> Answer:
    """Asks the orchestrator, which alone decides; its refusal is the seller's. Raises TransitionRefused, Unavailable."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        reply = await orchestrator.close(command.order_id, who=command.who, reason=command.reason)
        await _audit(uow, command.who, "close_order", command.order_id, {"reason": command.reason})
        return await uow.commit(_ended(reply, outcome="closed"))


async def cancel_order(command: CancelOrder, uow: CrmUnitOfWork, orchestrator: Orchestrator) -> Answer:
    """200 when it is cancelled, 202 when MES is asked for the work orders first. Raises TransitionRefused, Unavailable."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        reply = await orchestrator.cancel(command.order_id, who=command.who, reason=command.reason)
        await _audit(uow, command.who, "cancel_order", command.order_id, {"reason": command.reason})
        return await uow.commit(_ended(reply, outcome="cancelled"))


async def repair_order(command: RepairOrder, uow: CrmUnitOfWork, orchestrator: Orchestrator) -> Answer:
    """Has parked messages delivered again, or the silent step asked once more. Raises NothingToRepair, OrderNotFound, Unavailable."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        done = await orchestrator.repair(command.order_id, who=command.who)
        body = {"replayed": done.replayed, "resent": done.is_resent, "not_answering": list(done.not_answering)}
        await _audit(uow, command.who, "repair_order", command.order_id, body)
        return await uow.commit(Answer(200, body))


async def ask_customer(command: AskCustomer, uow: CrmUnitOfWork) -> Answer:
    """201 with the letter; the order waits for its customer from now on. Raises OrderContentMissing, OrderNotFound."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        letter = Letter(new_id(), command.order_id, Side.SELLER, command.seller.name, command.text, uow.now)
        await post_letter(letter, uow, waits_since=uow.now)
        await uow.letters.to_be_told(letter)
        actor = f"{command.seller.name} ({command.seller.id})"
        await uow.audit(
            actor=actor, action="customer_asked", subject=str(command.order_id), details={"text": letter.text}
        )
        return await uow.commit(Answer(201, letter_view(letter)))


async def receive_letter(command: ReceiveLetter, uow: CrmUnitOfWork, *, terms: CaseTerms) -> Answer:
    """201 with the letter as it came first; the order waits for its customer no more. With a wish it opens a return or a complaint,
    else one that was answered waits for us again. Raises as `ask_customer`, and as `domain.case.opened`."""
    async with uow:
        kept, is_new = await post_letter(command.letter, uow, waits_since=None)
        if is_new:
            await hear_customer(command.letter, command.wish, uow, terms=terms)
        return await uow.commit(Answer(201, letter_view(kept)))


async def post_letter(letter: Letter, uow: CrmUnitOfWork, *, waits_since: datetime | None) -> tuple[Letter, bool]:
    """The letter as it was kept first, and whether that is now. Raises OrderContentMissing, OrderNotFound."""
    await uow.lock(letter.order_id)
    if not await uow.letters.add(letter):
        return next(each for each in await uow.letters.of(letter.order_id) if each.id == letter.id), False
    if not await uow.orders.wait_for_customer(letter.order_id, since=waits_since):
        present = await uow.orders.get(letter.order_id)
        raise OrderContentMissing(order_status=present.status)
    return letter, True


async def receive_carrier_event(command: ReceiveCarrierEvent, uow: CrmUnitOfWork) -> Answer:
    """Keeps the message once, and reports a delivery as soon as its parcel is known: now, or when it is shipped here."""
    event = command.event
    async with uow:
        await uow.lock(str(event.key))
        if not await uow.parcels.add_event(event):
            return Answer(200, {"webhook_id": event.webhook_id, "outcome": "duplicate"})
        is_matched = await report_deliveries(event.key, uow)
        return await uow.commit(
            Answer(200, {"webhook_id": event.webhook_id, "outcome": "matched" if is_matched else "kept"})
        )


async def _decide(order_id: UUID, decision: Decision, uow: CrmUnitOfWork, *, seen_version: int | None) -> SalesOrder:
    decided = await uow.orders.decide(order_id, decision, seen_version=seen_version)
    if decided is None:
        present = await uow.orders.get(order_id)
        refusal = present.refusal_of_decision(seen_version=seen_version)
        # It became decidable between the update and this read; asking again will succeed.
        raise refusal or OrderNotAwaitingApproval(order_status=present.status, allowed=present.allowed)
    await uow.audit(
        actor=f"{decision.seller.name} ({decision.seller.id})",
        action=f"order_{decision.kind}",
        subject=str(order_id),
        details={"version": decided.version} | ({"reason": decision.reason} if decision.reason else {}),
    )
    return decided


async def _audit(uow: CrmUnitOfWork, who: Principal, action: str, order_id: UUID, details: dict[str, Any]) -> None:
    await uow.audit(
        actor=f"{who.name or who.email} ({who.subject})",
        action=action,
        subject=str(order_id),
        details=details,
    )


def _ended(reply: OrchestratorReply, *, outcome: str) -> Answer:
    body = {"outcome": outcome if reply.is_final else "requested", "order": reply.order}
    return Answer(200 if reply.is_final else 202, body)
