"""Messages of one order as the other services publish them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from system.kernel.ids import derived_id, new_id
from system.messages import crm_v1, mes_v1, pricing_v1, shop_v1
from system.messages.envelope import Message, MoneyV1

PRICE = MoneyV1(amount="10450.00", currency="RUB")


class Facts:
    """One order of one custom ring; every fact is told as of now."""

    def __init__(self, *, kind: str = "custom") -> None:
        self.order_id = new_id()
        self.number = f"A-26{self.order_id.int % 10**6:06d}-{self.order_id.hex[-6:]}".upper()
        self.line_id = derived_id(self.order_id, "line")
        self.quote_id = derived_id(self.order_id, "quote")
        self.kind = kind

    @property
    def work_order_id(self) -> UUID:
        return derived_id(self.order_id, f"work-order:{self.line_id}")

    @property
    def email(self) -> str:
        return f"Anna.{self.order_id.hex[-12:]}@example.com"

    def initiated(self) -> Message:
        return shop_v1.OrderInitiated(
            order_id=self.order_id,
            number=self.number,
            channel="shop",
            customer_id=derived_id(self.order_id, "customer"),
            initiated_at=_now(),
        )

    def file_uploaded(self) -> Message:
        return shop_v1.FileUploaded(
            order_id=self.order_id, line_id=self.line_id, file_id=derived_id(self.order_id, "file")
        )

    def submitted(self) -> Message:
        custom = self.kind == "custom"
        line = {
            "line_id": self.line_id,
            "kind": self.kind,
            "title": "Pavé ring",
            "material": "gold_585",
            "quantity": 1,
            "quote_id": self.quote_id,
            "agreed_total": PRICE,
            "file_id": derived_id(self.order_id, "file") if custom else None,
            "sku": None if custom else "ring-classic-585",
        }
        return shop_v1.OrderSubmitted(
            order_id=self.order_id,
            number=self.number,
            channel="shop",
            customer=shop_v1.Customer(id=derived_id(self.order_id, "customer"), name="Anna", email=self.email),
            delivery=shop_v1.Delivery(
                recipient="Anna", address="Tverskaya 1", city="Moscow", postcode="101000", country="RU"
            ),
            lines=(shop_v1.OrderLine.model_validate(line),),
            agreed_total=PRICE,
            submitted_at=_now(),
            partner_reference=f"P-{self.order_id.hex[-8:]}",
        )

    def stock_reserved(self) -> Message:
        return shop_v1.StockReserved(order_id=self.order_id)

    def priced(self, amount: str = PRICE.amount, **more: Any) -> Message:
        total = MoneyV1(amount=amount, currency="RUB")
        line = pricing_v1.ConfirmedLine(
            line_id=self.line_id,
            quote_id=self.quote_id,
            total=total,
            weight_g="2.62",
            valid_until=_now() + timedelta(hours=24),
        )
        return pricing_v1.OrderPriced(order_id=self.order_id, lines=(line,), total=total, price_book_version=1, **more)

    def price_accepted(self, amount: str) -> Message:
        total = MoneyV1(amount=amount, currency="RUB")
        return shop_v1.PriceAccepted(order_id=self.order_id, total=total, accepted_at=_now())

    def approved(self) -> Message:
        return crm_v1.OrderApproved(order_id=self.order_id, seller_id=new_id(), seller_name="Sofia", approved_at=_now())

    def claimed(self) -> Message:
        return mes_v1.WorkOrderClaimed(claim_no=1, **self._work())

    def completed(self) -> Message:
        return mes_v1.WorkOrderCompleted(**self._work())

    def packing(self) -> Message:
        return mes_v1.PackingStarted(**self._work())

    def shipped(self) -> Message:
        return mes_v1.WorkOrderShipped(carrier="CDEK", tracking_number=f"T{self.order_id.hex[-6:]}", **self._work())

    def withdrawal_decided(self, withdrawal_id: str, *, accepted: bool) -> Message:
        return mes_v1.WithdrawalDecided(
            order_id=self.order_id,
            withdrawal_id=UUID(withdrawal_id),
            accepted=accepted,
            held_by=None if accepted else "Oleg",
            decided_at=_now(),
        )

    def delivered(self) -> Message:
        return crm_v1.ShipmentDelivered(
            order_id=self.order_id, carrier="CDEK", tracking_number=f"T{self.order_id.hex[-6:]}", delivered_at=_now()
        )

    def until_approved(self) -> list[Message]:
        """The good road up to the seller's yes."""
        return [self.initiated(), self.file_uploaded(), self.submitted(), self.priced(), self.approved()]

    def until_closed(self) -> list[Message]:
        """The whole good road."""
        made = [self.claimed(), self.completed(), self.packing(), self.shipped()]
        return [*self.until_approved(), *made, self.delivered()]

    def _work(self) -> dict[str, Any]:
        return {
            "order_id": self.order_id,
            "work_order_id": self.work_order_id,
            "operator_id": derived_id(self.order_id, "operator"),
            "operator_name": "Oleg",
            "at": _now(),
        }


def _now() -> datetime:
    return datetime.now(UTC)
