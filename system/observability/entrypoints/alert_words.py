"""What alerts' codes are called, and what refusals about them say."""

from __future__ import annotations

from system.pagekit.words import N_

NAMES = {
    "alert_state": {
        "firing": N_("Fires"),
        "resolved": N_("Over"),
        "unheard": N_("Not heard of for long"),
    },
    "severity": {"page": N_("At once"), "ticket": N_("Within the day")},
}
PROBLEMS = {
    "alert-unknown": N_("There is no such alert any more. Load the page again."),
    "alert-is-over": N_("This alert is over; there is nothing to take any more."),
    "alert-taken": N_("%(taken_by)s has taken it already."),
    "runbook-missing": N_("There is no such runbook. All of them are listed under Runbooks."),
}
