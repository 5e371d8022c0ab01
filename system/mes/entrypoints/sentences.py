"""What MES's pages say for it: its refusals, and the reasons that it gives itself. Messages of the catalogue."""

from __future__ import annotations

import re

from system.mes.domain import rules
from system.pagekit.words import N_

PROBLEMS = {
    "work-order-not-found": N_("There is no such work order. Open one from the board."),
    "not-the-holder": N_("%(claimed_by)s holds this work order, and only the holder may do this."),
    "work-order-already-claimed": N_("%(claimed_by)s took this work order first, %(claimed_at)s. Choose another one."),
    "work-order-withdrawn": N_("The order was cancelled and nobody makes this any more. Choose another one."),
    "work-order-state": N_("Now it is: %(state)s. That does not allow what you asked for; see what can be done below."),
    "work-order-not-escalated": N_(
        "Operators may still take it themselves until %(escalates_at)s. Give it out after that."
    ),
    "claim-limit-reached": N_(
        "You have taken as much as one may have in hand at once, %(limit)s: %(in_hand)s."
        " Finish one or give one back, then take this one."
    ),
    "operator-unknown": N_("This operator has not been at the board yet. Choose another one."),
    "already-the-holder": N_("%(claimed_by)s holds this work order already. Choose another operator."),
    "undo-too-late": N_(
        "That it is made could be undone until %(ended_at)s. Take it back to the bench, and say what is not good."
    ),
    "tracking-number-taken": N_(
        "%(carrier)s %(tracking_number)s already carries another order. Check the number on the parcel's label."
    ),
    "pay-rate-not-found": N_("There is no such planned rate any more; perhaps it was withdrawn already."),
    "pay-rate-in-the-past": N_(
        "%(valid_from)s is over, and what was earned stays as it was. Choose a later moment, or none: at once."
    ),
    "pay-rate-too-far-ahead": N_("A rate may be planned a year ahead at most. Look at the year once more."),
    "pay-rate-pays-nothing": N_("By this rate nothing would be paid at all. Enter what a piece or a gram pays."),
    "pay-rate-moment-taken": N_(
        "A rate of this material begins %(valid_from)s already. Withdraw it first, or choose another moment."
    ),
    "pay-rate-began": N_(
        "This rate has held since %(valid_from)s, and somebody may have earned by it. Set a new one instead."
    ),
    "pay-rates-changed": N_(
        "Somebody changed the rates meanwhile. Look at what yours means now, and confirm it again."
    ),
    "weight-doubtful": N_("This weight is unusual. Look at the scales once more, and confirm it if it is so."),
    "weighing-required": N_("Weigh the finished piece and enter its weight; then it is made."),
    "nothing-weighed": N_("Enter what it weighs: cast, finished, or both."),
    "number-unreadable": N_("“%(typed)s” is not a number. Write it like 12.50."),
    "number-too-exact": N_("“%(typed)s” is too exact: two digits after the point are kept."),
    "number-out-of-range": N_("“%(typed)s” cannot be: from %(least)s to %(most)s it may be."),
    "moment-unreadable": N_("“%(typed)s” is not a day with a time. Write it like 2026-12-01 08:00."),
    "material-unchosen": N_("Choose a material, or all of them."),
    "reason-missing": N_("Say why, in at most 500 characters; others read it later."),
    "invalid-request": N_("Something is missing or cannot be understood. Check what you entered."),
}

NAMES = {
    "risk": {
        "late": N_("Late"),
        "at_risk": N_("At risk"),
        "unknown": N_("No forecast yet"),
        "on_time": N_("On time"),
    },
    "model_size": {
        "small": N_("small"),
        "medium": N_("medium"),
        "large": N_("large"),
        "huge": N_("huge"),
    },
}
"""What codes of the shift lead's page are called."""

# What MES itself writes into a work order's history; what people wrote is shown as they wrote it.
OWN_REASONS = (
    (re.compile(re.escape(rules.LAPSED)), N_("nothing happened to it for too long")),
    (re.compile(re.escape(rules.GOES_ON)), N_("it is still being made")),
    (re.compile(re.escape(rules.UNDONE)), N_("undone: marked as made by mistake")),
    (re.compile(r"assigned to (?P<operator>.+)"), N_("assigned to %(operator)s")),
    (
        re.compile(r"handed over from (?P<giver>.+) to (?P<operator>.+)"),
        N_("handed over from %(giver)s to %(operator)s"),
    ),
)


def own_reason(reason: str) -> tuple[str, dict[str, str]] | None:
    """The message of the catalogue that a reason of MES's own is, and what is filled in; None for anybody else's."""
    for pattern, message in OWN_REASONS:
        if match := pattern.fullmatch(reason):
            return message, match.groupdict()
    return None
