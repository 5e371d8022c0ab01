"""What identity's pages say for it when it refuses. Messages of the catalogue."""

from __future__ import annotations

from system.pagekit.words import N_

PROBLEMS = {
    "invalid-credentials": N_("E-mail and password do not fit together. Check both, and mind the keyboard's language."),
    "too-many-attempts": N_("Too many wrong passwords. Wait %(retry_after_s)s seconds, then try again."),
    "too-many-resets": N_(
        "Too many letters were asked for with this e-mail. Look for the newest one, or wait %(retry_after_s)s seconds."
    ),
    "reset-link-over": N_(
        "This link was used, is too old, or a newer letter took its place. Ask for another letter here."
    ),
    "email-taken": N_("An account with this e-mail exists. Change what its owner may do, or use another e-mail."),
    "last-administrator": N_("This is the last administrator. Make somebody else an administrator first."),
    "user-unknown": N_("There is no such account any more. Load the page again."),
    "email-reserved": N_("Nobody can be written to at this address. Use your own."),
    "name-invalid": N_("Tell us what to call you: a name of up to 200 characters."),
    "not-a-guest": N_("You have an account already."),
    "present-password-wrong": N_("This is not your present password."),
    "password-too-simple": N_("This password is one character repeated. Choose another one."),
    "password-too-short": N_("This password is too short. Choose a longer one."),
    "password-too-long": N_("This password is longer than 200 characters. Choose a shorter one."),
    "email-invalid": N_("This is not an e-mail address. Check it."),
    "busy": N_("Many people are signing in at this moment. Try again in a few seconds."),
    "not-a-workstation": N_(
        "Badges work at the workshop's workstations only, and this is none. Sign in with your password, or ask an "
        "administrator to register this one."
    ),
    "workstation-unknown": N_("There is no such workstation any more. Here are those that there are."),
    "workstation-already": N_(
        "This browser is a workstation already: %(name)s. Revoke that first to give it another name."
    ),
    "workstation-name-taken": N_("Another workstation is called %(name)s. Choose another name."),
    "badge-unreadable": N_("This is no badge, or it was read in part. Scan it again."),
    "badge-refused": N_("Badge and PIN do not fit together. Try again, or ask an administrator for a one-time code."),
    "badge-locked": N_(
        "This badge is locked: too many wrong PINs. An administrator unlocks it on the page “People”; with your "
        "password you can work meanwhile."
    ),
    "too-many-wrong-pins": N_(
        "Too many wrong PINs at this workstation. Wait %(retry_after_s)s seconds, then try again."
    ),
    "not-an-operator": N_("Badges are for operators, and this account is none. An administrator can give it the role."),
    "badge-changed": N_("The badge was given or revoked meanwhile. This is how it is now; go on from here."),
    "badge-unknown": N_("This person has no badge. Give one first."),
    "password-needed": N_("A badge does not open this. Change the person and sign in with your password."),
    "pin-not-digits": N_("A PIN is digits only."),
    "pin-length": N_("A PIN has 4 to 8 digits."),
    "pin-repeats": N_(
        "This PIN repeats itself, like 0000 or 1212, and is among the first that anybody tries. Choose another one."
    ),
    "pin-counts": N_(
        "This PIN counts up or down, like 1234, and is among the first that anybody tries. Choose another one."
    ),
    "pin-date": N_(
        "This PIN is a year or a date, like 1987 or 240587, and a birthday is soon guessed. Choose another one."
    ),
    "orders-open": N_(
        "These orders are still on their way: %(numbers)s. Cancel them on their pages, or come back when they have arrived."
    ),
    "staff-stays": N_("This account does more than buy. Ask an administrator to take its other roles away first."),
    "word-missing": N_("Type the word “delete”, so that we know it is no mistake."),
    "shop-unavailable": N_("We cannot ask whether an order is on its way just now. Nothing was changed; try again."),
    "pins-differ": N_("The two PINs differ. Type the same one twice."),
}

NAMES = {
    "keeper": {
        "shop": N_("your orders"),
        "files": N_("your models"),
        "pricing": N_("your prices"),
        "crm": N_("your letters"),
    },
}
