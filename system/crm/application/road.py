"""From a redacted story to what everybody does in the scenario, in order, and what shows after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from system.crm.application.redaction import APPROVED, DELIVERED, REJECTED, Moment, RedactedStory

CLAIMED, RETURNED, COMPLETED = "mes.work_order_claimed.v1", "mes.work_order_returned.v1", "mes.work_order_completed.v1"
REWORK, PACKING, SHIPPED = "mes.rework_started.v1", "mes.packing_started.v1", "mes.work_order_shipped.v1"
ACCEPTED, DECLINED, SUBMITTED = "shop.price_accepted.v1", "shop.price_declined.v1", "shop.order_submitted.v1"
BY_HAND = "closed by hand"
AT_ONCE_S = 5.0
"""A service's clock may be so far from the orchestrator's: what made a status may seem to come after it."""

CAUSE_OF_STATUS: Mapping[tuple[str, str], str] = {
    ("FILE_UPLOADED", "SUBMITTED"): SUBMITTED,
    ("INITIATED", "SUBMITTED"): SUBMITTED,
    ("AWAITING_CUSTOMER", "PRICE_CALCULATED"): ACCEPTED,
    ("PRICE_CALCULATED", "MANUFACTURING_APPROVED"): APPROVED,
    ("PRICE_CALCULATED", "REJECTED"): REJECTED,
    ("MANUFACTURING_APPROVED", "MANUFACTURING_STARTED"): CLAIMED,
    ("MANUFACTURING_STARTED", "MANUFACTURING_APPROVED"): RETURNED,
    ("MANUFACTURING_STARTED", "MANUFACTURING_COMPLETED"): COMPLETED,
    ("MANUFACTURING_COMPLETED", "MANUFACTURING_STARTED"): REWORK,
    ("PACKAGING", "MANUFACTURING_STARTED"): REWORK,
    ("MANUFACTURING_COMPLETED", "PACKAGING"): PACKING,
    ("PACKAGING", "SHIPPED"): SHIPPED,
}
"""Whose fact moves an order from one status to the next; closing and cancelling depend on who did it."""
NEXT: Mapping[str, tuple[str, str]] = {
    "SUBMITTED": ("", "PRICE_CALCULATED"),
    "AWAITING_CUSTOMER": (ACCEPTED, "PRICE_CALCULATED"),
    "PRICE_CALCULATED": (APPROVED, "MANUFACTURING_APPROVED"),
    "MANUFACTURING_APPROVED": (CLAIMED, "MANUFACTURING_STARTED"),
    "MANUFACTURING_STARTED": (COMPLETED, "MANUFACTURING_COMPLETED"),
    "MANUFACTURING_COMPLETED": (PACKING, "PACKAGING"),
    "PACKAGING": (SHIPPED, "SHIPPED"),
    "SHIPPED": (DELIVERED, "CLOSED"),
}
"""The fact that an order waits for in a status, and the status that it leads to; pricing's is nobody's deed."""
ENDS: Mapping[str, str] = {REJECTED: "REJECTED", DECLINED: "CANCELLED", REWORK: "MANUFACTURING_STARTED",
                           RETURNED: "MANUFACTURING_APPROVED"}  # fmt: skip
"""Where other facts lead to."""
ASKS = ("metal_moved", "expired", "above_estimate")
"""Why a price may have to be asked about; the first that is known decides, since the others follow from it."""
BENCH = frozenset({CLAIMED, COMPLETED, PACKING, SHIPPED})
PHRASE_OF: Mapping[str, str] = {
    ACCEPTED: "agrees",
    DECLINED: "declines",
    APPROVED: "approves",
    REJECTED: "rejects",
    CLAIMED: "takes",
    RETURNED: "returns",
    COMPLETED: "finishes",
    REWORK: "reworks",
    PACKING: "packs",
    SHIPPED: "ships",
    DELIVERED: "carrier_reports",
    BY_HAND: "closes",
}


class Fault(StrEnum):
    """What failed, where there are steps that have it fail again."""

    PRODUCTION_AWAY = "production was away"
    PRODUCTION_DIED = "production died"
    KEEPER_DIED = "the service that keeps statuses died"
    BROKER_DIED = "the broker died"
    APPROVAL_DAMAGED = "the approval was damaged"


RESTARTS: Mapping[Fault | None, str] = {
    Fault.PRODUCTION_DIED: "mes_restarts",
    Fault.KEEPER_DIED: "keeper_restarts",
    Fault.BROKER_DIED: "broker_restarts",
}


@dataclass(frozen=True, slots=True)
class Doing:
    """A phrase of the list with its words, or a remark with its facts."""

    key: str
    words: Mapping[str, str] = field(default_factory=dict)
    is_remark: bool = False


@dataclass(frozen=True, slots=True)
class Road:
    """What follows the submission. `asks`: why the price has to change; `seen`: what failed, told in remarks; `is_whole`: every status
    can be reached again."""

    doings: tuple[Doing, ...]
    seen: tuple[Doing, ...]
    asks: str
    is_whole: bool
    is_sold_out: bool
    is_submitted: bool


def road_of(story: RedactedStory, fault: Fault | None = None) -> Road:
    """The road of the order, under a fault if one is named."""
    statuses = [moment for moment in story.moments if moment.kind == "status"]
    codes = {moment.code for moment in statuses}
    was_asked = "AWAITING_CUSTOMER" in codes
    return Road(
        doings=tuple(_Walk(story, fault).walk()),
        seen=tuple(_seen(story, fault_of(story))),
        asks=_asks(story, codes),
        is_whole=not was_asked or bool(_asks(story, codes)),
        is_sold_out=any((moment.code, moment.who) == ("CANCELLED", "stock") for moment in statuses),
        is_submitted="SUBMITTED" in codes or bool(story.pieces),
    )


def _asks(story: RedactedStory, codes: Iterable[str]) -> str:
    """Why the price has to change on the way: the one reason that steps can bring about. Only a model's price can be moved."""
    if not any(piece.model for piece in story.pieces):
        return ""
    if "PRICE_FAILED" in codes:
        return "no_price"
    return next((why for why in ASKS if why in story.consent), "") if "AWAITING_CUSTOMER" in codes else ""


def fault_of(story: RedactedStory) -> Fault | None:
    """The fault that steps can repeat: of an order that hangs, by where it was noticed. None when there is none."""
    if not story.hangs:
        return None
    pending = _pending(story)
    code = pending.code if pending is not None else ""
    troubles = [moment for moment in story.moments if moment.kind == "trouble"]
    at = {(each.service, each.code) for each in troubles}
    damaged = any((each.service, each.code, each.about) == ("orchestrator", "dead", APPROVED) for each in troubles)
    unreadable = any((each.service, each.code, each.about) == ("orchestrator", "dead", "") for each in troubles)
    if code == APPROVED and (damaged or unreadable):
        return Fault.APPROVAL_DAMAGED
    is_withdrawal_silent = "release_work_orders" in story.silent_steps
    mes_fails = "mes" in story.not_heard or any(service == "mes" and state != "pending" for service, state in at)
    is_not_on_board = pending is None and story.status == "MANUFACTURING_APPROVED"
    if (code == "cancellation" or is_not_on_board) and (mes_fails or is_withdrawal_silent):
        return Fault.PRODUCTION_AWAY
    if ("mes", "pending") in at and code in BENCH | {RETURNED, REWORK}:
        return Fault.PRODUCTION_DIED
    if pending is None and story.status != "SUBMITTED":
        return None
    if any(service == "orchestrator" and state != "pending" for service, state in at):
        return Fault.KEEPER_DIED
    return Fault.BROKER_DIED if any(state == "pending" for _, state in at) else None


def _pending(story: RedactedStory) -> Moment | None:
    """The last deed that had no effect yet; None when the order waits for nobody's deed that was done."""
    if story.cancellation_by:
        return Moment(0, "deed", "cancellation", story.cancellation_by)
    undone = [moment for moment in _merged(story) if moment.kind == "deed" and moment.cause == "without effect"]
    return undone[-1] if undone else None


def _merged(story: RedactedStory) -> list[Moment]:
    """The moments in order, with a deed before every status that somebody's deed brings; a deed knows who did it, and in `about` the
    status that it brought. One that brought none although it should have is marked `without effect`.
    """
    waiting = [moment for moment in story.moments if moment.kind == "deed"]
    rest = [moment for moment in story.moments if moment.kind != "deed"]
    merged: list[Moment] = []
    before = ""
    for moment in rest:
        if moment.kind == "status":
            cause = _cause(before, moment, waiting)
            before = moment.code
            if cause:
                found = next(
                    (each for each in waiting if each.code == cause and each.after_s <= moment.after_s + AT_ONCE_S),
                    None,
                )
                if found is not None:
                    waiting.remove(found)
                deed = found or Moment(moment.after_s, "deed", cause)
                merged.append(
                    replace(
                        deed,
                        after_s=min(deed.after_s, moment.after_s),
                        who=moment.who or deed.who,
                        about=moment.code,
                        cause=moment.cause,
                    )
                )
        merged.append(moment)
    last_s = max((moment.after_s for moment in rest if moment.kind == "status"), default=0.0)
    merged += [_judged(each, story, waiting, since_s=last_s) for each in waiting]
    rank = {"deed": 0}
    return sorted(merged, key=lambda moment: (moment.after_s, rank.get(moment.kind, 1)))


def _cause(before: str, moment: Moment, waiting: Iterable[Moment]) -> str:
    if moment.code == "CLOSED":
        return DELIVERED if moment.who == "carrier" else BY_HAND
    if moment.code == "CANCELLED":
        declined = before == "AWAITING_CUSTOMER" and any(each.code == DECLINED for each in waiting)
        return DECLINED if declined else "" if moment.who == "stock" else "cancellation"
    if (before, moment.code) == ("AWAITING_CUSTOMER", "PRICE_CALCULATED") and moment.who == "pricing":
        return ""
    return CAUSE_OF_STATUS.get((before, moment.code), "")


def _judged(deed: Moment, story: RedactedStory, waiting: Iterable[Moment], *, since_s: float) -> Moment:
    """Whether this deed should have moved the order on by now: with several pieces only the last one's does."""
    fits = deed.code == NEXT.get(story.status, ("", ""))[0] or deed.code in (REJECTED, DECLINED)
    if deed.code in (REWORK, RETURNED):
        fits = len(story.pieces) < 2
    if not fits or deed.after_s < since_s or story.has_ended:
        return deed
    alike = sum(each.code == deed.code for each in waiting)
    is_last = deed.code not in BENCH - {CLAIMED} or alike >= len(story.pieces)
    return replace(deed, cause="without effect") if is_last else deed


def _seen(story: RedactedStory, fault: Fault | None) -> Iterable[Doing]:
    for moment in story.moments:
        if moment.kind == "trouble":
            facts = {
                "service": moment.service or "?",
                "about": moment.about or "?",
                "state": moment.code,
                "attempts": str(moment.attempts),
            }
            yield Doing("trouble_replayed" if fault else "trouble", facts, is_remark=True)


class _Walk:
    """Goes through the moments once and says what is done and shown."""

    def __init__(self, story: RedactedStory, fault: Fault | None) -> None:
        self._story, self._fault = story, fault
        self._moments = _merged(story)
        self._pending = _pending(story)
        self._asks = _asks(story, {moment.code for moment in self._moments if moment.kind == "status"})
        self._customer = {"customer": story.channel}
        self._seller = "1"
        self._holder = "1"
        self._status = ""
        self._counts: dict[str, int] = {}
        self._is_one = len(story.pieces) < 2
        self._ahead: list[str] = []
        """Statuses whose deed was done and that have not come yet: people are quicker than the news of what they did."""
        self._is_reported = False
        # Production was away when it was given the work: nobody's deed is without effect, and nothing is on the board.
        self._is_release_missed = fault is Fault.PRODUCTION_AWAY and self._pending is None

    def walk(self) -> Iterable[Doing]:
        """Every doing after the submission."""
        pending = self._pending
        for moment in self._moments:
            if moment.kind == "status":
                yield from self._shows(moment)
                self._status = moment.code
            elif moment == pending:
                continue  # The end tells it.
            elif self._status in ("", "INITIATED", "FILE_UPLOADED"):
                continue  # The ordering tells it.
            elif moment.kind == "deed":
                yield from self._deed(moment)
            else:
                yield from self._aside(moment)
        yield from self._end()

    # -- what shows ----------------------------------------------------------------------------------------------

    def _shows(self, moment: Moment) -> Iterable[Doing]:
        code = moment.code
        if code in self._ahead:
            self._ahead.remove(code)
        if code in ("INITIATED", "FILE_UPLOADED", "SUBMITTED"):
            return
        if self._ahead:
            pass  # The next deed is done already, so nobody may ever see this status.
        elif code == "AWAITING_CUSTOMER":
            is_told = self._asks in ASKS
            yield (
                Doing("asked_about_price", {"because": self._asks}) if is_told else Doing("price_rose", is_remark=True)
            )
        else:
            yield Doing("becomes", {"status": code})
        if code == "MANUFACTURING_APPROVED" and self._is_release_missed:
            yield Doing("mes_back")
            self._is_release_missed = False

    def _end(self) -> Iterable[Doing]:
        story = self._story
        if story.shown_status != story.status and self._pending is None:
            yield Doing("hangs_here", is_remark=True)
            yield Doing("seller_sees", {"seller": self._seller, "status": story.status})
        elif story.has_ended:
            return
        elif self._status in ("", "INITIATED", "FILE_UPLOADED"):
            # It was submitted, and the orchestrator has not said so yet.
            yield Doing("becomes", {"status": "PRICE_CALCULATED"})
        elif self._pending is not None:
            yield from self._with_fault(self._pending)
        elif story.hangs:
            yield from self._waits_for()
        else:
            yield Doing("stays", {"status": story.status})

    def _waits_for(self) -> Iterable[Doing]:
        """The order hangs because nobody did what comes next: it is there to be done, and done it moves the order."""
        deed, end = NEXT[self._status]
        if self._fault in RESTARTS:
            yield Doing(RESTARTS[self._fault])
        yield Doing("hangs_here", is_remark=True)
        if deed:
            if deed == APPROVED:
                yield Doing("waits_in_queue", {"seller": self._seller})
            if deed == CLAIMED:
                yield Doing("on_board", {"operator": self._holder})
            yield Doing("by_hand", is_remark=True)
            for each in self._left_to_do(deed):
                yield from self._deed(Moment(0, "deed", each))
        yield Doing("becomes", {"status": end})

    def _left_to_do(self, deed: str) -> list[str]:
        """This deed; of several pieces for each that is not so far, and whoever has not taken theirs takes it first."""
        pieces = len(self._story.pieces)
        if self._is_one or deed not in BENCH - {CLAIMED}:
            return [deed]
        not_taken = max(pieces - self._counts.get(CLAIMED, 0), 0)
        return [CLAIMED] * not_taken + [deed] * max(pieces - self._counts.get(deed, 0), 1)

    def _with_fault(self, pending: Moment) -> Iterable[Doing]:
        """What was done without effect, and the effect it should have had."""
        fault = self._fault
        end = "CANCELLED" if pending.code == "cancellation" else ENDS.get(pending.code) or NEXT[self._status][1]
        if fault is Fault.APPROVAL_DAMAGED:
            yield Doing("keeper_away")
        if fault is Fault.PRODUCTION_AWAY:
            yield Doing("mes_away")
        yield from self._deed(pending)
        if fault is Fault.APPROVAL_DAMAGED:
            yield from (Doing("approval_damaged"), Doing("damage_shown"), Doing("damage_mended"))
        elif fault is Fault.PRODUCTION_AWAY:
            yield Doing("mes_back")
        elif fault is not None:
            yield Doing(RESTARTS[fault])
        else:
            yield Doing("hangs_here", is_remark=True)
        yield Doing("becomes", {"status": end})

    # -- what is done --------------------------------------------------------------------------------------------

    def _deed(self, moment: Moment) -> Iterable[Doing]:
        code, (role, _, number) = moment.code, moment.who.partition(" ")
        self._counts[code] = self._counts.get(code, 0) + 1
        self._ahead += [moment.about] if moment.about else []
        if code in BENCH | {RETURNED, REWORK}:
            yield from self._bench(moment, number if role == "operator" else "")
            return
        if role == "seller":
            self._seller = number
        if code == APPROVED and self._is_release_missed:
            yield Doing("mes_away")
        seller = {"seller": self._seller}
        if code == "cancellation":
            by_seller = role == "seller"
            yield (
                Doing("seller_cancels", seller | {"said": "reason"}) if by_seller else Doing("cancels", self._customer)
            )
        elif code == DELIVERED:
            yield from self._delivered()
        elif code in (ACCEPTED, DECLINED):
            # Whoever was not asked has nothing to say.
            yield from (Doing(PHRASE_OF[code], self._customer),) if self._asks else ()
        elif code in PHRASE_OF:
            yield Doing(PHRASE_OF[code], seller | ({} if code == APPROVED else {"said": "reason"}))

    def _delivered(self) -> Iterable[Doing]:
        are_shipped = self._counts.get(SHIPPED, 0) >= max(len(self._story.pieces), 1)
        if self._is_reported or not (are_shipped or self._is_one):
            yield Doing("carrier_again", is_remark=True)
            return
        # It reports every parcel of the order.
        self._is_reported = True
        yield Doing("carrier_reports" if are_shipped else "carrier_is_early")

    def _bench(self, moment: Moment, number: str) -> Iterable[Doing]:
        code = moment.code
        if not self._is_one:
            yield from self._bench_of_many(code)
            return
        if code == CLAIMED and self._status == "MANUFACTURING_STARTED" and not moment.about:
            yield from self._hand_over(number)
            return
        self._holder = number or self._holder
        operator = {"operator": self._holder}
        if code == RETURNED and moment.cause == "lapsed":
            yield Doing("lapses")
        elif code == REWORK and moment.cause == "undone":
            yield Doing("undoes", operator)
        else:
            yield Doing(PHRASE_OF[code], operator | ({"said": "reason"} if code in (RETURNED, REWORK) else {}))

    def _hand_over(self, number: str) -> Iterable[Doing]:
        """Claimed again without a return: whoever is heard of next has it, else somebody new."""
        later = [each.who.partition(" ")[2] for each in self._moments if each.who.startswith("operator")]
        others = [each for each in (number, *reversed(later)) if each and each != self._holder]
        self._holder = others[0] if others else str(int(self._holder) + 1)
        yield Doing("hands_over", {"seller": self._seller, "operator": self._holder})

    def _bench_of_many(self, code: str) -> Iterable[Doing]:
        """Of several pieces nobody knows which one moved: the first operator has the first, the second the second."""
        count = self._counts[code]
        if code in BENCH and count <= len(self._story.pieces):
            yield Doing(PHRASE_OF[code], {"operator": str(count)})
        else:
            yield Doing("many_pieces", {"code": code}, is_remark=True)

    # -- beside the road -----------------------------------------------------------------------------------------

    def _aside(self, moment: Moment) -> Iterable[Doing]:
        if moment.kind == "letter":
            yield from self._letter(moment)
        elif moment.kind == "carrier":
            yield Doing("carrier", is_remark=True)
        elif moment.kind == "note" and moment.code not in ("handed_over", "cancellation_requested"):
            yield Doing("note", {"code": moment.code}, is_remark=True)

    def _letter(self, moment: Moment) -> Iterable[Doing]:
        if moment.code == "customer":
            yield Doing("answers", self._customer | {"said": "answer"})
            yield Doing("answer_read", {"seller": self._seller, "said": "answer"})
        elif self._status == "PRICE_CALCULATED":
            self._seller = moment.who.partition(" ")[2] or self._seller
            yield Doing("asks", {"seller": self._seller, "said": "question"} | self._customer)
        else:
            yield Doing("letter", {"side": moment.code, "status": self._status}, is_remark=True)
