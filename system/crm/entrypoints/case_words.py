"""What returns and complaints are called, and what is said when something about them is refused."""

from __future__ import annotations

from system.pagekit.words import N_

KINDS = {"return": N_("Return"), "complaint": N_("Complaint")}
REASONS = {
    "does_not_fit": N_("does not fit"),
    "damaged": N_("damaged"),
    "not_as_ordered": N_("not as ordered"),
    "late": N_("too late"),
    "other": N_("another reason"),
}
STATES = {
    "open": N_("waits for us"),
    "answered": N_("waits for the customer"),
    "accepted": N_("accepted"),
    "refused": N_("refused"),
    "closed": N_("closed"),
}
NAMES = {"case_kind": KINDS, "case_reason": REASONS, "case_state": STATES}
PROBLEMS = {
    "case-not-found": N_("There is no such return or complaint about this order. Load the order again."),
    "case-has-ended": N_("%(by)s was first, %(at)s. See below how it stands now."),
    "case-changed": N_("This changed while you looked at it. Read it again before you decide."),
    "answer-missing": N_("Write what the customer should read: why, or what happens next."),
}
